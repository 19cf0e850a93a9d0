"""Local files: documents replaced by rename, logs fsynced, the right to apply by a lock of the kernel."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import shlex
from collections.abc import Callable
from pathlib import Path

from typing_extensions import override

from fbplan.errors import FbplanError
from fbplan.storage.atomic import require_no_pipe, settled, sync_folder, write_atomically
from fbplan.storage.base import LEDGER, LOCK, Blob, Clock, Conflict, Holder, Lease, Log, Storage
from fbplan.storage.file_lease import break_lock, present_holder, take
from fbplan.storage.remedy import remedy


class Files(Storage):
    """Files beside each other: `fbplan.ledger.json`, `fbplan.ledger.journal.RUN`, `fbplan.ledger.lock`.

    Where the ledger is a link, they stand beside the file that it names: one ledger has one lock, however it is reached.
    """

    is_local = True

    def __init__(self, ledger: Path, clock: Clock | None = None) -> None:
        self.label, self._clock = str(ledger), clock or Clock()
        try:
            self._ledger = settled(ledger)
        except OSError as fault:
            raise _cannot("read", ledger, fault) from fault

    def path(self, name: str) -> Path:
        if name == LEDGER:
            return self._ledger
        return self._ledger.with_name(f"{self._ledger.name.removesuffix('.json')}.{name}")

    @override
    def read(self, name: str) -> Blob | None:
        content = self._content(name)
        return None if content is None else Blob(content, _tag(content))

    @override
    def write(self, name: str, content: bytes, tag: str | None) -> str:
        found = self.read(name)
        if (found.tag if found else None) != tag:
            raise Conflict(
                f"the {name} was written by somebody else meanwhile",
                str(self.path(name)),
                "the lock did not keep two applies apart",
                "run the same command again: it goes on from what stands there now",
            )
        write_atomically(self.path(name), content, f"the {name}")
        return _tag(content)

    @override
    def remove(self, name: str) -> None:
        try:
            self.path(name).unlink(missing_ok=True)
        except OSError as fault:
            raise _cannot("removed", self.path(name), fault) from fault

    @override
    def names(self, prefix: str) -> list[str]:
        start = self.path("").name
        try:
            found = [
                p.name.removeprefix(start) for p in self._ledger.parent.iterdir() if p.name.startswith(start + prefix)
            ]
        except FileNotFoundError:
            return []
        except OSError as fault:
            raise _cannot("read", self._ledger.parent, fault) from fault
        return sorted(found)

    @override
    def aside(self, name: str) -> str:
        path = self.path(name)
        return f"mv {shlex.quote(str(path))} {shlex.quote(f'{path}.damaged')}"

    @override
    def open_log(self, name: str) -> Log:
        path = self.path(name)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as fault:
            raise _cannot("made", path.parent, fault) from fault
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC, 0o644)
            sync_folder(path.parent)
        except FileExistsError as fault:
            raise Conflict(
                f"the {name} exists already", str(path), "another apply made it", f"fbplan journal show{self.given}"
            ) from fault
        except OSError as fault:
            raise _cannot("made", path, fault) from fault
        return _File(path, descriptor)

    @override
    def read_log(self, name: str) -> bytes:
        return self._content(name) or b""

    def _content(self, name: str) -> bytes | None:
        try:
            require_no_pipe(self.path(name))
            return self.path(name).read_bytes()
        except FileNotFoundError:
            return None
        except OSError as fault:
            raise _cannot("read", self.path(name), fault) from fault

    @override
    def add_record(self, name: str, make: Callable[[bytes], bytes]) -> None:
        path = self.path(name)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
            try:
                _add_line(descriptor, make)
            finally:
                os.close(descriptor)
            sync_folder(path.parent)
        except OSError as fault:
            raise _cannot("written", path, fault) from fault

    @override
    def lease(self, holder: Holder, wait: float, told: Callable[[str], None]) -> Lease:
        return take(self.path(LOCK), holder, wait, told, self._clock, self.given)

    @override
    def holder(self) -> Holder | None:
        return present_holder(self.path(LOCK))

    @override
    def break_lease(self, lease_id: str) -> None:
        break_lock(self.path(LOCK), lease_id, self.given)


class _File(Log):
    def __init__(self, path: Path, descriptor: int) -> None:
        self._path, self._descriptor = path, descriptor

    @override
    def append(self, content: bytes) -> None:
        try:
            while content:
                content = content[os.write(self._descriptor, content) :]
        except OSError as fault:
            raise _cannot("written", self._path, fault) from fault

    @override
    def sync(self) -> None:
        try:
            os.fsync(self._descriptor)
            is_there = os.fstat(self._descriptor).st_nlink > 0
        except OSError as fault:
            raise _cannot("written", self._path, fault) from fault
        if not is_there:
            raise Conflict(
                "another apply took over from this one",
                str(self._path),
                "it removed this journal: the lock did not keep the two apart",
                "wait for it to end, then run the same command again",
            )

    @override
    def close(self) -> None:
        with contextlib.suppress(OSError):
            os.close(self._descriptor)


def _add_line(descriptor: int, make: Callable[[bytes], bytes]) -> None:
    """Add a line after the last one; a line that a crash cut short is ended first, and stays for whoever reads."""
    fcntl.flock(descriptor, fcntl.LOCK_EX)  # two applies at once, should their own lock ever fail
    size = os.fstat(descriptor).st_size
    tail = _last_line(descriptor, size)
    line = make(tail.rstrip(b"\n")) + b"\n"
    content = line if not size or tail.endswith(b"\n") else b"\n" + line
    try:
        while content:
            content = content[os.write(descriptor, content) :]
        os.fsync(descriptor)
    except OSError:
        with contextlib.suppress(OSError):
            os.ftruncate(descriptor, size)  # a full disk: no half line is left behind
        raise


def _last_line(descriptor: int, size: int) -> bytes:
    tail, start = b"", size
    while start and b"\n" not in tail[:-1]:
        taken = min(start, 65_536)
        start -= taken
        tail = os.pread(descriptor, taken, start) + tail
    return tail[tail.rfind(b"\n", 0, -1) + 1 :]


def _tag(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _cannot(verb: str, path: Path, fault: OSError) -> FbplanError:
    return FbplanError(
        f"a file beside the ledger cannot be {verb}",
        str(path),
        fault.strerror or str(fault),
        remedy(fault),
    )
