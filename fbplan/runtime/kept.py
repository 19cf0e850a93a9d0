"""The last good content of a file, kept on disk for a start at which the file is gone or damaged."""

from __future__ import annotations

import os
from pathlib import Path

from fbplan.runtime.form import LIMIT

_HOUR_MS = 3_600_000


class Kept:
    """One file in a folder of this process's own. Its time says when the content was last seen to stand."""

    def __init__(self, folder: str | Path, name: str) -> None:
        self._path = Path(folder) / name
        self._confirmed_ms: int | None = None

    def read(self) -> tuple[bytes, int]:
        """The content, and as of when. Raises OSError."""
        with self._path.open("rb") as file:
            return file.read(LIMIT + 1), os.fstat(file.fileno()).st_mtime_ns // 1_000_000

    def keep(self, raw: bytes, at_ms: int) -> None:
        """Replace what is kept. Raises OSError."""
        temporary = self._path.with_name(f".{self._path.name}.{os.getpid()}.fbplan-tmp")
        self._path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with temporary.open("wb") as file:
                file.write(raw)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(self._path)
            self._confirmed_ms = None
            self.confirm(at_ms)
        finally:
            temporary.unlink(missing_ok=True)

    def confirm(self, at_ms: int) -> None:
        """The content still stands: what is kept is as young as that, to the hour. Raises OSError."""
        if self._confirmed_ms is None or at_ms - self._confirmed_ms >= _HOUR_MS:
            os.utime(self._path, ns=(at_ms * 1_000_000, at_ms * 1_000_000))
            self._confirmed_ms = at_ms
