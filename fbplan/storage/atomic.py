"""Replacing a file so that a reader sees the old or the new one, and a crash leaves one of the two."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import stat
import time
from collections.abc import Iterator
from pathlib import Path

from fbplan.errors import FbplanError
from fbplan.storage.remedy import remedy

_OLD = 86_400
"""Seconds after which what another process left aside is no write any more, whoever has its number by now."""


def write_atomically(path: Path, content: bytes, noun: str, mode: int = 0o644) -> None:
    """Temporary file, fsync, rename, fsync of the folder. Raises FbplanError; then the old file still stands, unless it
    was that last fsync that failed.

    A link stays a link: the file that it names is replaced. A device or a pipe is written to as it is.
    """
    with _told(path, noun):
        target = _target(path)
        if target is None:
            path.write_bytes(content)
            return
        target.parent.mkdir(parents=True, exist_ok=True)
        _sweep(target)
        aside = _aside(target)
        try:
            _write(aside, content, mode)
            aside.replace(target)
        except OSError:
            with contextlib.suppress(OSError):
                aside.unlink()
            raise
        sync_folder(target.parent)


def require_writable(path: Path, noun: str) -> None:
    """Find out whether `write_atomically` could, without touching what stands there. Raises FbplanError."""
    with _told(path, noun):
        target = _target(path)
        if target is None:
            return
        target.parent.mkdir(parents=True, exist_ok=True)
        aside = _aside(target)
        try:
            _write(aside, b"\0" * 4096, 0o600)
        finally:
            with contextlib.suppress(OSError):
                aside.unlink()


def require_no_pipe(path: Path) -> None:
    """Raise OSError where a pipe stands: whoever opens it waits for somebody who may never come."""
    if stat.S_ISFIFO(path.stat().st_mode):
        raise OSError(errno.EEXIST, "it is a pipe", str(path))


def settled(path: Path) -> Path:
    """The file that is meant: symbolic links are followed, so that a link stays a link. Raises OSError on a loop."""
    target = Path(os.path.realpath(path)) if path.is_symlink() else path
    if target.is_symlink():
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(path))
    return target


@contextlib.contextmanager
def _told(path: Path, noun: str) -> Iterator[None]:
    try:
        yield
    except OSError as fault:
        raise FbplanError(
            f"{noun} cannot be written", str(path), fault.strerror or str(fault), remedy(fault)
        ) from fault


def _target(path: Path) -> Path | None:
    """The file to replace; None where a device or a pipe stands, which nobody may replace."""
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        return settled(path)
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    return settled(path) if stat.S_ISREG(mode) else None


def _aside(target: Path) -> Path:
    return target.with_name(f".{target.name}.{os.getpid()}.new")


def _write(aside: Path, content: bytes, mode: int) -> None:
    descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _sweep(target: Path) -> None:
    """Take away what killed processes left of their writes of the same file; nobody else's names look like ours."""
    ours = re.compile(rf"\.{re.escape(target.name)}\.([1-9]\d{{0,9}})\.new")
    with contextlib.suppress(OSError), os.scandir(target.parent) as found:
        for entry in found:
            name = ours.fullmatch(entry.name)
            if name is None or int(name[1]) == os.getpid() or not entry.is_file(follow_symlinks=False):
                continue
            if not _runs(int(name[1])) or time.time() - entry.stat(follow_symlinks=False).st_mtime > _OLD:
                with contextlib.suppress(OSError):
                    Path(entry).unlink()


def _runs(process: int) -> bool:
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:
        return True
    return True


def sync_folder(folder: Path) -> None:
    """Make the entries of a folder durable, where the file system knows such a thing. Raises OSError."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as fault:
        if fault.errno not in {errno.EINVAL, errno.ENOTSUP}:
            raise
    finally:
        os.close(descriptor)
