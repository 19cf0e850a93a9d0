"""Replacing a file so that a reader sees the old or the new one, and a crash leaves one of the two."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from fbplan.errors import FbplanError


def write_atomically(path: Path, content: bytes, noun: str, mode: int = 0o644) -> None:
    """Temporary file, fsync, rename, fsync of the folder. Raises FbplanError; then the old file still stands."""
    aside = path.with_name(f".{path.name}.{os.getpid()}.new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            aside.replace(path)
        except OSError:
            with contextlib.suppress(OSError):
                aside.unlink()
            raise
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError as fault:
        raise FbplanError(
            f"{noun} cannot be written",
            str(path),
            fault.strerror or str(fault),
            "free some space or correct the permissions, then run the same command again",
        ) from fault
