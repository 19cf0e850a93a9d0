"""The programs that are compared, each in a folder of its own, with as little of this machine around them as possible."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import fixtures
from measure import Command, Failed, run

ROOT = Path(__file__).resolve().parent.parent
READY = re.compile(r"listens on (http://127\.0\.0\.1:\d+)")
UNCHANGED = "no changes"
NOWHERE = "http://127.0.0.1:9"
"""Given to commands that need no server: without an address fbplan would turn to the public one."""


def environ_for(home: Path, **more: str) -> dict[str, str]:
    """Enough to run, and nothing that a developer set: proxies, CI, Python and Terraform settings stay out."""
    return {"PATH": os.environ.get("PATH", os.defpath), "HOME": str(home), "LANG": "C.UTF-8", "NO_COLOR": "1", **more}


def made_venv(folder: Path, package: str) -> Path:
    """The `bin` of a new venv with one package installed, byte code included. Raises Failed with pip's last words."""
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True, capture_output=True)
    # pip keeps the caller's settings (its index, its certificates), but must write .pyc files as it does for a user.
    environ = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    pip = subprocess.run(
        [folder / "bin" / "pip", "install", "--quiet", "--disable-pip-version-check", package],
        env=environ,
        capture_output=True,
        text=True,
        check=False,
    )
    if pip.returncode != 0:
        raise Failed(f"pip cannot install {package}: {pip.stderr.strip()[-500:]}")
    return folder / "bin"


def version_of(argv: list[str], environ: dict[str, str]) -> str:
    """The first line a program prints about itself."""
    done = subprocess.run(argv, env=environ, capture_output=True, text=True, check=False)
    return next(iter((done.stdout or done.stderr).splitlines()), "unknown")


@dataclass(frozen=True, slots=True)
class Fbplan:
    """fbplan as a user installs it, talking HTTP to its emulator."""

    bin: Path
    work: Path

    def environ(self, url: str = NOWHERE) -> dict[str, str]:
        return environ_for(self.work, FB_API_URL=url, FB_JWT="any", K="an-access-key", S="a-secret")

    def command(self, *words: str, folder: Path, url: str = NOWHERE, says: str = "") -> Command:
        return Command([str(self.bin / "fbplan"), *words], folder, self.environ(url), says)

    def plan(self, folder: Path, url: str) -> Command:
        """A plan that must find nothing to do: exit 0 under --detailed-exitcode."""
        return self.command("plan", "--detailed-exitcode", folder=folder, url=url, says=UNCHANGED)

    def python(self, code: str) -> Command:
        return Command([str(self.bin / "python"), "-c", code], self.work, self.environ())

    @contextlib.contextmanager
    def server(self, data: Path) -> Iterator[str]:
        """An emulator on a free loopback port; yields its URL and leaves no process behind."""
        log = data.with_suffix(".log")
        with log.open("wb") as sink:
            process = subprocess.Popen(
                [self.bin / "fbplan", "emulator", "--host", "127.0.0.1", "--port", "0", "--data", data],
                env=self.environ(),
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            yield _url_in(log, process)
        finally:
            process.terminate()
            try:
                process.wait(timeout=5)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()

    @contextlib.contextmanager
    def applied(self, size: int) -> Iterator[tuple[Path, str, float]]:
        """A spec that is live and in the ledger: its folder, the server's URL, and what the apply took."""
        folder = self.work / f"fbplan-{size}"
        fixtures.write_spec(folder, size)
        with self.server(folder / "emulator") as url:
            seconds = run(self.command("apply", "--yes", folder=folder, url=url)).seconds
            yield folder, url, seconds


def _url_in(log: Path, process: subprocess.Popen[bytes]) -> str:
    until = time.monotonic() + 30
    while time.monotonic() < until and process.poll() is None:
        if found := READY.search(log.read_text(errors="replace")):
            return found[1]
        time.sleep(0.02)
    raise Failed(f"the emulator did not start: {log.read_text(errors='replace')[-500:]}")


@dataclass(frozen=True, slots=True)
class Terraform:
    """Terraform with its built-in provider: no download, no network, a local state."""

    program: str
    work: Path

    def command(self, folder: Path, *words: str, says: str = "") -> Command:
        settings = self.work / "terraform.rc"
        settings.touch()
        environ = environ_for(
            self.work, TF_CLI_CONFIG_FILE=str(settings), TF_IN_AUTOMATION="1", CHECKPOINT_DISABLE="1", TF_INPUT="0"
        )
        return Command([self.program, *words, "-no-color"], folder, environ, says)

    def configured(self, folder: Path, size: int) -> Path:
        fixtures.write_terraform(folder, size)
        run(self.command(folder, "init"))
        return folder

    def apply(self, folder: Path, size: int) -> Command:
        return self.command(folder, "apply", "-auto-approve", says=f"Resources: {size} added")

    def applied(self, size: int) -> Path:
        """A configuration that was applied; above 1,000 its state is multiplied from a small one."""
        folder = self.work / f"terraform-{size}"
        if folder.exists():
            return folder
        self.configured(folder, size)
        if size <= 1000:
            run(self.apply(folder, size))
        else:
            fixtures.multiply_state(self.applied(1), folder, size)
        return folder

    def plan(self, size: int) -> Command:
        return self.command(self.applied(size), "plan", "-detailed-exitcode", says="No changes")


@dataclass(frozen=True, slots=True)
class OctoDNS:
    """octoDNS from one YAML folder to another: no network at all."""

    bin: Path
    work: Path

    def plan(self, size: int) -> Command:
        folder = self.work / f"octodns-{size}"
        if not folder.exists():
            fixtures.write_octodns(folder, size)
        argv = [str(self.bin / "octodns-sync"), "--config-file", "config.yaml", "--quiet"]
        return Command(argv, folder, environ_for(self.work), says="No changes were planned")


@dataclass(frozen=True, slots=True)
class Peers:
    """What there is to compare with; a peer that is not here is None, and `notes` says why."""

    fbplan: Fbplan
    terraform: Terraform | None
    octodns: OctoDNS | None
    notes: tuple[str, ...]
    versions: tuple[str, ...]


def gathered(work: Path) -> Peers:
    """Install fbplan and octoDNS, find Terraform. Raises Failed when fbplan itself cannot be installed."""
    notes: list[str] = []
    fbplan = Fbplan(made_venv(work / "venv-fbplan", str(ROOT)), work)
    octodns: OctoDNS | None = None
    try:
        octodns = OctoDNS(made_venv(work / "venv-octodns", "octodns"), work)
    except Failed as fault:
        notes.append(f"octoDNS is left out: {fault}")
    program = shutil.which("terraform")
    terraform = Terraform(program, work) if program else None
    if terraform is None:
        notes.append("Terraform is left out: there is no `terraform` on PATH")
    else:
        try:
            terraform.applied(1)
        except Failed as fault:
            notes.append(f"Terraform is left out: {fault}")
            terraform = None
    versions = [version_of([str(fbplan.bin / "fbplan"), "--version"], fbplan.environ())]
    if terraform is not None:
        versions.append(version_of([terraform.program, "version"], dict(terraform.command(work).environ)))
    if octodns is not None:
        versions.append(version_of([str(octodns.bin / "octodns-sync"), "--version"], environ_for(work)))
    return Peers(fbplan, terraform, octodns, tuple(notes), tuple(versions))
