"""A body that more than one client may be given: an SDK reads from it before it knows whether it finds its endpoint."""

from __future__ import annotations

from collections.abc import Callable
from typing import IO


def rewinding(body: bytes | IO[bytes]) -> tuple[Callable[[], bytes | IO[bytes]], bool]:
    """Gives the body where it begins, each time; and whether that can be had more than once."""
    if isinstance(body, bytes) or not body.seekable():
        return lambda: body, isinstance(body, bytes)
    starts = body.tell()

    def begun() -> IO[bytes]:
        body.seek(starts)
        return body

    return begun, True
