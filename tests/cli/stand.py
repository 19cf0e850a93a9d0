"""A spec folder whose API is served over HTTP by this process: it hangs, or refuses, where a test says so."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from rig import Rig, environ_with
from werkzeug.serving import make_server

FBPLAN = f"{sys.executable} -m fbplan"
SLOW = "--timeout read=200s --timeout action=10m --timeout create=200s"
"""Far beyond what a test waits: only the signal can have ended the run."""
LONG = 30
"""Seconds for what should take one."""


class Running:
    """A command that was started, and the lines that it tells."""

    def __init__(self, script: str, folder: Path, environ: dict[str, str]) -> None:
        self._child = subprocess.Popen(
            ["bash", "-c", script],
            cwd=folder,
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self.pid, self.err = self._child.pid, ""

    def reads(self, part: str) -> None:
        """Until it has told so."""
        while part not in self.err:
            line = self._child.stderr.readline()
            assert line, f"it ended without '{part}': {self.err}"
            self.err += line

    def signal(self, number: int) -> None:
        self._child.send_signal(number)

    def cancelled(self, scale: float) -> tuple[int, str]:
        """As a CI service cancels a job: three signals to the entry process alone, and then the machine is gone."""
        for number, until_next in ((signal.SIGINT, 7.5), (signal.SIGTERM, 2.5), (signal.SIGKILL, LONG)):
            self.signal(number)
            with suppress(subprocess.TimeoutExpired):
                self._child.wait(until_next * scale)
                break
        with suppress(ProcessLookupError):  # what the entry process left running
            os.killpg(self.pid, signal.SIGKILL)
        return self.ended()

    def ended(self) -> tuple[int, str]:
        """The exit code, and all that it said."""
        try:
            out, err = self._child.communicate(timeout=LONG)
        except subprocess.TimeoutExpired:
            self._child.kill()
            raise
        told = out + self.err + err
        assert "Traceback" not in told, told
        return self._child.returncode, told


class Stand:
    """`rule` says what becomes of a request: hang, 429 or nothing."""

    def __init__(self, folder: Path) -> None:
        self.rig = Rig(folder)
        self.folder = folder
        self.rule: Callable[[str, str], str] = lambda _method, _path: ""
        self._struck, self._released = threading.Semaphore(0), threading.Event()
        self._server = make_server("127.0.0.1", 0, self._answer, threaded=True)
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        self.environ = environ_with(FB_API_URL=f"http://127.0.0.1:{self._server.server_port}", FB_JWT="any")
        self.environ.pop("CI", None)

    def _answer(self, environ: dict[str, Any], start_response: Any) -> Any:
        what = self.rule(environ["REQUEST_METHOD"], environ["PATH_INFO"])
        if what:
            self._struck.release()
        if what == "429":
            start_response("429 Too Many Requests", [("retry-after", "300"), ("content-length", "0")])
            return [b""]
        if what == "hang":
            self._released.wait()
        return self.rig.app(environ, start_response)

    def waits_for(self, strikes: int = 1) -> None:
        """Until the rule has struck so often."""
        for _ in range(strikes):
            assert self._struck.acquire(timeout=LONG)

    def release(self) -> None:
        """What hangs goes on, and nothing hangs any more."""
        self.rule = lambda _method, _path: ""
        self._released.set()

    def close(self) -> None:
        self.release()
        self._server.shutdown()
        self._server.server_close()
        self.rig.close()

    def start(self, script: str, **environ: str) -> Running:
        """A script of bash in which FBPLAN is the program, the entry process of a session of its own."""
        return Running(script.replace("FBPLAN", FBPLAN), self.folder, {**self.environ, **environ})


def on(method: str, path: str, what: str = "hang") -> Callable[[str, str], str]:
    """The rule for one call."""
    return lambda found, where: what if (found, where) == (method, path) else ""


@contextmanager
def opened(folder: Path) -> Iterator[Stand]:
    stand = Stand(folder)
    try:
        yield stand
    finally:
        stand.close()
