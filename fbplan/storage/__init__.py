"""Where what fbplan must not forget is kept: one small interface, local files or an object store behind it."""

from __future__ import annotations

from pathlib import Path

from fbplan.storage.base import Blob, Conflict, Holder, Lease, Log, Storage
from fbplan.storage.files import Files

__all__ = ["Blob", "Conflict", "Files", "Holder", "Lease", "Log", "Storage", "open_storage"]


def open_storage(location: str, folder: Path) -> Storage | None:
    """The storage behind `ledger:`; None for `none`, which keeps nothing. Relative paths count from `folder`."""
    if location == "none":
        return None
    return Files(folder / location)
