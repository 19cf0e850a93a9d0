"""The right to apply on one machine: a lock of the kernel on a file that says who holds it.

The kernel frees it when the process ends, however that happens. A process that hangs is locked out by putting a new
file in the place of the locked one: the next apply locks that, and the holder finds its file gone before its next write.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
from collections.abc import Callable
from pathlib import Path

from typing_extensions import override

from fbplan.errors import FbplanError
from fbplan.storage.atomic import require_no_pipe, write_atomically
from fbplan.storage.base import Clock, Holder, Lease
from fbplan.storage.holding import decoded, encoded, not_the_holder, wait_for
from fbplan.storage.remedy import remedy

_EVERY = 0.2
_MOST = 65_536


def take(path: Path, holder: Holder, wait: float, told: Callable[[str], None], clock: Clock, given: str = "") -> Lease:
    """Lock the file, waiting for whoever has it. Raises LockHeld, and FbplanError where no file can be locked."""

    def attempt() -> Lease | Holder:
        descriptor = _opened(path)
        try:
            if not _lock(path, descriptor, fcntl.LOCK_EX):
                return decoded(os.pread(descriptor, _MOST, 0))[0]
            if not _is_there(path, descriptor):
                return Holder("", "somebody who just broke the lock", "", 0, "")
            _describe(path, descriptor, holder)
            kept, descriptor = descriptor, -1
            return _Flock(path, holder, kept)
        finally:
            if descriptor >= 0:
                os.close(descriptor)

    return wait_for(attempt, wait, told, clock, str(path), _EVERY, given)


def present_holder(path: Path) -> Holder | None:
    """Who holds the lock; None when it is free, whatever a killed process left in the file."""
    try:
        require_no_pipe(path)
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    except OSError as fault:
        raise _no_lock(path, fault) from fault
    try:
        if _lock(path, descriptor, fcntl.LOCK_SH):
            return None
        return decoded(os.pread(descriptor, _MOST, 0))[0]
    finally:
        os.close(descriptor)


def break_lock(path: Path, lease_id: str, given: str = "") -> None:
    """Put a new file in the place of the locked one, if this lease holds it. Raises Refused when another does.

    Between the look and the break the lock may change hands: then the new holder loses it, notices, and stops.
    """
    found = present_holder(path)
    if found is None:
        return
    if found.id != lease_id:
        raise not_the_holder(str(path), lease_id, found, given)
    write_atomically(path, b"", "the lock")


class _Flock(Lease):
    def __init__(self, path: Path, holder: Holder, descriptor: int) -> None:
        self.holder, self._path, self._descriptor = holder, path, descriptor

    @override
    def is_held(self) -> bool:
        return self._descriptor >= 0 and _is_there(self._path, self._descriptor)

    @override
    def release(self) -> bool:
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor < 0:
            return True
        with contextlib.suppress(OSError):
            os.ftruncate(descriptor, 0)
        with contextlib.suppress(OSError):
            os.close(descriptor)
        return True


def _opened(path: Path) -> int:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as fault:
        raise _no_lock(path, fault) from fault


def _lock(path: Path, descriptor: int, how: int) -> bool:
    try:
        fcntl.flock(descriptor, how | fcntl.LOCK_NB)
    except OSError as fault:
        if fault.errno in {errno.EWOULDBLOCK, errno.EAGAIN, errno.EACCES}:
            return False
        raise FbplanError(
            "the file system here cannot lock files",
            str(path),
            fault.strerror or str(fault),
            "keep the ledger on a local disk, or in an object store: `ledger: s3://BUCKET/PATH/ledger.json`",
        ) from fault
    return True


def _is_there(path: Path, descriptor: int) -> bool:
    """Whether the open file is still the one at the path: it is another after a break."""
    try:
        here, there = os.fstat(descriptor), os.stat(path)  # noqa: PTH116 — asked before every write: Path costs as much again
    except OSError:
        return False
    return (here.st_dev, here.st_ino) == (there.st_dev, there.st_ino)


def _describe(path: Path, descriptor: int, holder: Holder) -> None:
    try:
        os.ftruncate(descriptor, 0)
        content = encoded(holder)
        while content:
            content = content[os.write(descriptor, content) :]
    except OSError as fault:
        raise _no_lock(path, fault) from fault


def _no_lock(path: Path, fault: OSError) -> FbplanError:
    return FbplanError(
        "the lock beside the ledger cannot be made",
        str(path),
        fault.strerror or str(fault),
        f"{remedy(fault)}; nothing was changed",
    )
