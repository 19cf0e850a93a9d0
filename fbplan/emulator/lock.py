"""One process at a time on a data folder."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from fbplan.errors import LockHeld


class FolderLock:
    """An advisory lock on `folder/emulator.lock`; the kernel lets go of it when the process dies, however it dies."""

    def __init__(self, folder: Path) -> None:
        path = folder / "emulator.lock"
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(self._descriptor, 32, 0).decode("ascii", "replace").strip() or "unknown"
            os.close(self._descriptor)
            raise LockHeld(
                what="the emulator's data folder is in use",
                where=str(folder),
                why=f"process {holder} has it open",
                next=f"stop process {holder}, talk to it over HTTP, or take another folder",
            ) from None
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, f"{os.getpid()}\n".encode(), 0)

    def release(self) -> None:
        os.close(self._descriptor)
