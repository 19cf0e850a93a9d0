"""A folder with a spec, an emulator process behind a port, and the commands a person types there."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

GUIDE = (Path(__file__).parents[2] / "examples" / "credit-harvesting" / "fbplan.yaml").read_text(encoding="utf-8")
SECRETS = {
    name: f"canary-{name.lower()}"
    for name in (
        "GCP_CLIENT_EMAIL",
        "GCP_PRIVATE_KEY",
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AZURE_STORAGE_ACCOUNT",
        "AZURE_STORAGE_KEY",
    )
}


@dataclass
class Ran:
    code: int
    out: str
    err: str


class Desk:
    def __init__(self, folder: Path, url: str) -> None:
        self.folder, self.url = folder, url
        self.environ = (
            {k: v for k, v in os.environ.items() if not k.startswith(("FB_", "CI"))}
            | SECRETS
            | {"FB_API_URL": url, "FB_JWT": "any"}
        )
        self.spec(GUIDE)

    def spec(self, text: str) -> None:
        (self.folder / "fbplan.yaml").write_text(text, encoding="utf-8")

    def __call__(self, *arguments: str, **environ: str) -> Ran:
        found = subprocess.run(
            [sys.executable, "-m", "fbplan", *arguments],
            cwd=self.folder,
            env={**self.environ, **environ},
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            timeout=120,
        )
        for secret in SECRETS.values():
            assert secret not in found.stdout + found.stderr
        assert "Traceback" not in found.stderr, found.stderr
        return Ran(found.returncode, found.stdout, found.stderr)

    def start(self, *command: str, **environ: str) -> subprocess.Popen[str]:
        """A command that is left running."""
        return subprocess.Popen(
            command,
            cwd=self.folder,
            env={**self.environ, **environ},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def http(self, method: str, path: str, body: object = None) -> object:
        return httpx.request(method, self.url + path, json=body, headers={"authorization": "Bearer hand"}).json()

    def fault(self, **script: object) -> None:
        self.http("POST", "/_emulator/faults", {"faults": [script]})

    def wait_for(self, seen: int, running: subprocess.Popen[str]) -> None:
        """Until so many requests are under way that the scripts are about; each script counts all of them."""
        while max(f["seen"] for f in self.http("GET", "/_emulator/faults")["faults"]) < seen:  # type: ignore[index]
            assert running.poll() is None, running.communicate()


@contextmanager
def opened(folder: Path, ended_by: int = signal.SIGTERM) -> Iterator[Desk]:
    """`ended_by` is what ends the emulator: asked politely it waits seconds for answers that a test left hanging."""
    server = subprocess.Popen(
        [sys.executable, "-m", "fbplan", "emulator", "--port", "0", "--data", str(folder / "emulator")],
        stderr=subprocess.PIPE,
        text=True,
    )
    assert server.stderr is not None
    line = server.stderr.readline()
    desk = folder / "desk"
    desk.mkdir()
    try:
        yield Desk(desk, line.split("listens on ")[1].split(",")[0])
    finally:
        server.send_signal(ended_by)
        server.communicate(timeout=20)
        assert server.returncode in {0, 143, -signal.SIGKILL}
