"""Where a file stands, behind one seam: a path that is looked at, or a URL that is asked."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from fbplan.runtime.accept import Pair
from fbplan.runtime.form import LIMIT, Unusable

if TYPE_CHECKING:
    from pathlib import Path

Mark = tuple[int, int, int]
Tell = Callable[[str, str], None]
"""Called with a reason and why, of a fault that leaves the rest of the content good."""


class Origin(Protocol):
    """The place of one file."""

    label: str
    """For people: without what may be secret in a URL."""
    is_remote: bool
    """Whether looking takes a network: then a thread does it, and no caller waits."""

    def read(self, held: Pair, tell: Tell) -> bytes | None:
        """The content; None when what was read last still stands. `held` is what is in force. Raises Unusable."""

    def forget(self) -> None:
        """Read everything again the next time."""


def origin_of(location: str | Path) -> Origin:
    """The origin that a path or a URL names. Raises RoutingError for a URL that nothing can be read from."""
    if not is_url(location):
        return FileOrigin(location)
    from fbplan.runtime.remote import remote_origin

    return remote_origin(str(location))


def is_url(location: str | Path) -> bool:
    return isinstance(location, str) and "://" in location


def folder_of(location: str | Path) -> str:
    """From where the policy's relative paths count: its folder, or for a URL the current one."""
    return "." if is_url(location) else os.path.dirname(location) or "."


class FileOrigin:
    """A path, looked at by (inode, time, size), so that a switched link is a change too."""

    is_remote = False

    def __init__(self, path: str | Path) -> None:
        self.label = os.fspath(path)
        self._mark: Mark | None = None

    def read(self, held: Pair, tell: Tell) -> bytes | None:  # noqa: ARG002 -- the file says everything
        known, self._mark = self._mark, None
        try:
            mark = _mark(self.label)
            raw = _content(self.label) if mark != known else None
            if raw is None or _mark(self.label) == mark:  # else it was replaced meanwhile, and is read again next time
                self._mark = mark
        except FileNotFoundError:
            raise Unusable("unreadable", "there is no such file") from None
        except OSError as error:
            raise Unusable("unreadable", error.strerror or str(error)) from None
        return raw

    def forget(self) -> None:
        self._mark = None


def _mark(path: str) -> Mark:
    found = os.stat(path)  # follows links
    if not stat.S_ISREG(found.st_mode):
        raise Unusable("unreadable", "it is not a regular file")
    return found.st_ino, found.st_mtime_ns, found.st_size


def _content(path: str) -> bytes:
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
        return file.read(LIMIT + 1)
