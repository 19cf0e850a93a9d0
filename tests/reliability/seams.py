"""Where a run can be killed: at every record of the journal, every request and every file. Counted, never timed."""

from __future__ import annotations

import io
import os
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from rig import WRITES
from typing_extensions import override

from fbplan.storage import Files, Log

WSGI = Callable[[dict[str, Any], Any], Iterable[bytes]]
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT


class Crash(BaseException):
    """Stands for the death of the process, where a test cannot afford to die."""


class Seams:
    """Counts events and does something at one of them. Safe across threads. After a Crash nothing gets through."""

    def __init__(self, at: int | None = None, strike: Callable[[str], None] = lambda _: None) -> None:
        self.names: list[str] = []
        self.flight: tuple[str, str, bytes] | None = None
        """The newest write that has arrived and is not carried out yet."""
        self.is_dead = False
        self._at, self._strike, self._turn = at, strike, threading.RLock()

    def reach(self, event: str) -> None:
        with self._turn:
            if self.is_dead:
                raise Crash(event)
            self.names.append(event)
            if len(self.names) != self._at:
                return
            try:
                self._strike(event)
            except Crash:
                self.is_dead = True
                raise


def watched_app(app: WSGI, seams: Seams) -> WSGI:
    """The emulator; a write passes three points: it arrives, it is committed, its answer is there."""

    def called(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        method, path = environ["REQUEST_METHOD"], environ["PATH_INFO"]
        call = f"{method} {path}"
        if method not in WRITES:
            seams.reach(f"{call} arrives")
            return app(environ, start_response)
        content = environ["wsgi.input"].read()
        environ["wsgi.input"] = io.BytesIO(content)
        seams.flight = (method, path, content)
        seams.reach(f"{call} arrives")
        seams.flight = None
        answer = app(environ, start_response)
        seams.reach(f"{call} is committed")
        return _Answer(answer, lambda: seams.reach(f"{call} is answered"))

    return called


class _Answer:
    """An answer whose end is told: whoever asked has all of it."""

    def __init__(self, answer: Iterable[bytes], ended: Callable[[], None]) -> None:
        self._answer, self._ended = answer, ended

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._answer)

    def close(self) -> None:
        if hasattr(self._answer, "close"):
            self._answer.close()
        self._ended()


class WatchedFiles(Files):
    """Local files whose logs tell of every record. With `loses`, what is not synced dies with the process, as in a
    power cut; of an odd event the first half of it survives, which is a torn line."""

    def __init__(self, ledger: Path, seams: Seams, *, loses: bool = False) -> None:
        super().__init__(ledger)
        self._seams, self._loses = seams, loses

    @override
    def write(self, name: str, content: bytes, tag: str | None) -> str:
        self._seams.reach(f"the {name}, before it is written")
        return super().write(name, content, tag)

    @override
    def remove(self, name: str) -> None:
        self._seams.reach(f"the {name.partition('.')[0]}, before it is removed")
        super().remove(name)

    @override
    def open_log(self, name: str) -> Log:
        return _WatchedLog(super().open_log(name), self._seams, loses=self._loses)


class _WatchedLog(Log):
    def __init__(self, log: Log, seams: Seams, *, loses: bool) -> None:
        self._log, self._seams, self._loses = log, seams, loses
        self._unsynced = b""

    @override
    def append(self, content: bytes) -> None:
        self._seams.reach("a record, before it is appended")
        if self._loses:
            self._unsynced += content
        else:
            self._log.append(content)
        self._seams.reach("a record, appended and not synced")

    @override
    def sync(self) -> None:
        half = len(self._unsynced) // 2
        self._log.append(self._unsynced[:half])
        if self._loses:
            self._seams.reach("a record, half of it written")
        self._log.append(self._unsynced[half:])
        self._unsynced = b""
        self._log.sync()
        self._seams.reach("a record, synced")

    @override
    def close(self) -> None:
        if not self._seams.is_dead:
            self._log.append(self._unsynced)
        self._log.close()


def watch_files(folder: Path, seams: Seams) -> None:
    """Tell of every file below `folder` that is about to be written, renamed or removed, and of every command. There is
    no way back: for a process that ends soon."""
    root = f"{folder}{os.sep}"
    emulator = f"{root}emulator"

    def heard(event: str, arguments: tuple[Any, ...]) -> None:
        match event:
            case "open" if arguments[2] & _WRITING or arguments[2] & os.O_DIRECTORY:
                verb, paths = "open", arguments[:1]
            case "os.rename":
                verb, paths = "rename", arguments[:2]
            case "os.remove" | "os.mkdir":
                verb, paths = event.removeprefix("os."), arguments[:1]
            case "subprocess.Popen":
                verb, paths = "run", (f"{root}{arguments[1][0]}",)
            case _:
                return
        names = [os.fspath(p) for p in paths if isinstance(p, str | os.PathLike)]
        if names and f"{names[0]}{os.sep}".startswith(root) and not names[0].startswith(emulator):
            told = " → ".join(name.removeprefix(root) for name in names)
            if ".lock" not in told:
                seams.reach(f"{verb} {told}")

    sys.addaudithook(heard)
