"""Replacing a file that only its owner may read: whole or not at all."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

from fbplan.secrets.value import LIMIT, Secret, Unusable, received

_PROBE = Secret("0" * 4096)


def settled(path: Path) -> Path:
    """The file that is meant: symbolic links are followed, so that a link stays a link. Raises OSError on a loop."""
    target = Path(os.path.realpath(path))
    if target.is_symlink():
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(path))
    return target


def content(target: Path) -> Secret | Unusable:
    """What the file holds; an absent one raises FileNotFoundError. A fifo or device is refused, not opened."""
    mode = target.stat().st_mode
    if stat.S_ISDIR(mode):
        return Unusable("is a directory")
    if not stat.S_ISREG(mode):
        return Unusable("is not a regular file")
    with target.open("rb") as file:
        raw = received(file.read(LIMIT + 1))
    return Secret("") if target.stat().st_size == 0 else raw


def make_folder(folder: Path) -> None:
    """Make the folder and its missing parents, each for the owner alone; `Path.mkdir(parents=True)` would not."""
    if folder.exists():
        return
    make_folder(folder.parent)
    folder.mkdir(mode=0o700, exist_ok=True)
    _sync(folder.parent)


def probe(target: Path) -> None:
    """Find out whether the folder takes a new file and the disk has room, without touching `target`. Raises OSError."""
    temporary = _temporary(target)
    try:
        _write(temporary, _PROBE)
    finally:
        temporary.unlink(missing_ok=True)


def replace(target: Path, text: Secret) -> None:
    """Make `text` the content of `target`; after an OSError the old content stands and no copy lies about."""
    temporary = _temporary(target)
    try:
        _write(temporary, text)
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)
    _sync(target.parent)


def _temporary(target: Path) -> Path:
    # always the same name, so that what a killed run left behind is taken away by the next one
    return target.with_name(f".{target.name}.fbplan-tmp")


def _write(temporary: Path, text: Secret) -> None:
    temporary.unlink(missing_ok=True)
    # 0600 from the first instant; O_EXCL also refuses a link that somebody put there
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(text.reveal().encode())
        file.flush()
        os.fsync(descriptor)


def _sync(folder: Path) -> None:
    """Make the folder's entries durable, where the file system knows such a thing."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in {errno.EINVAL, errno.ENOTSUP}:
            raise
    finally:
        os.close(descriptor)
