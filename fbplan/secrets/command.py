"""Running what an exec source or sink names: no shell, a deadline, nothing secret in argv, environment or locals."""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING

from fbplan.secrets.base import placed
from fbplan.secrets.value import LIMIT, Secret, Unusable, received, without_final_newline

if TYPE_CHECKING:
    import subprocess

FIX = "run the command by hand to see what it prints: fbplan never shows it, because it may hold a secret"


@dataclass(frozen=True, slots=True)
class Finished:
    """The command ended by itself. `output` is its stdout when that was asked for."""

    code: int
    output: Secret | Unusable

    @property
    def failure(self) -> str:
        """Why this is no success, or "" when it is one."""
        return f"killed by signal {-self.code}" if self.code < 0 else f"exit code {self.code}" if self.code else ""


@dataclass(frozen=True, slots=True)
class Stopped:
    """The command never started, or was killed together with its children."""

    reason: str


class _Capture:
    """Collects stdout where no repr of a frame's locals can show it."""

    __slots__ = ("_raw",)

    def __init__(self) -> None:
        self._raw = bytearray()

    @property
    def is_full(self) -> bool:
        return len(self._raw) >= LIMIT + 3

    def take(self, descriptor: int) -> bool:
        """Whether there may be more."""
        before = len(self._raw)
        self._raw += os.read(descriptor, LIMIT)
        return len(self._raw) > before

    def content(self) -> Secret | Unusable:
        return received(without_final_newline(bytes(self._raw)))


def shown(argv: tuple[str, ...]) -> str:
    """The command for people: two words at most, since later ones may name more than anybody should read."""
    return " ".join(("exec", *argv[:2])) + (" …" if len(argv) > 2 else "")


def found(name: str, folder: Path, environ: Mapping[str, str]) -> Path | None:
    """The executable: a name with a slash counts from `folder`, any other is looked up in PATH."""
    from shutil import which

    wanted = str(placed(name, folder)) if "/" in name else name
    path = which(wanted, path=environ.get("PATH", os.defpath))
    return Path(path).absolute() if path else None


def run(
    argv: tuple[str, ...],
    folder: Path,
    environ: Mapping[str, str],
    timeout: float,
    *,
    document: Secret | None = None,
    wants_output: bool = False,
) -> Finished | Stopped:
    """Run to the end or to the deadline, in `folder`, with `document` on stdin."""
    import subprocess

    executable = found(argv[0], folder, environ)
    if executable is None:
        return Stopped(f"'{argv[0]}' is not an executable command")
    deadline = time.monotonic() + timeout
    try:
        stdin = os.open(os.devnull, os.O_RDONLY) if document is None else _piped(document)
        try:
            process = subprocess.Popen(
                argv,
                executable=executable,
                cwd=folder,
                env=dict(environ),
                stdin=stdin,
                stdout=subprocess.PIPE if wants_output else subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,  # one group to kill at the deadline
            )
        finally:
            os.close(stdin)
    except OSError as error:
        return Stopped(f"'{argv[0]}' cannot be started: {error.strerror}")
    with process:
        return _ended(process, deadline, timeout)


def _ended(process: subprocess.Popen[bytes], deadline: float, timeout: float) -> Finished | Stopped:
    from subprocess import TimeoutExpired

    capture = _Capture()
    is_over = False
    try:
        if process.stdout is None or _drained(process.stdout, capture, deadline):
            code = process.wait(max(0.0, deadline - time.monotonic()))
            is_over = True
            return Finished(code, capture.content())
    except TimeoutExpired:
        pass
    finally:
        if not is_over:  # not yet waited for, so its id cannot have been given to another process
            _kill(process)
    if capture.is_full:
        return Stopped(f"it printed more than {LIMIT // 1024} KiB and was killed")
    return Stopped(f"it did not finish in {timeout:g} s and was killed")


def _drained(pipe: IO[bytes], capture: _Capture, deadline: float) -> bool:
    """Whether the output ended in time and within the limit."""
    from selectors import EVENT_READ, DefaultSelector

    with DefaultSelector() as selector:
        selector.register(pipe, EVENT_READ)
        while (left := deadline - time.monotonic()) > 0 and not capture.is_full:
            if selector.select(left) and not capture.take(pipe.fileno()):
                return True
    return False


def _piped(document: Secret) -> int:
    """A pipe that already holds the document: no writer is left to block, or to meet a reader that went away."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    try:
        is_whole = os.write(writer, document.reveal().encode()) == len(document.reveal().encode())
    finally:
        os.close(writer)
    if not is_whole:
        os.close(reader)
        raise OSError(errno.EMSGSIZE, "the document does not fit into a pipe")
    return reader


def _kill(process: subprocess.Popen[bytes]) -> None:
    import signal

    try:
        os.killpg(process.pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):  # all of them ended meanwhile; macOS says "not permitted" of zombies
        return
