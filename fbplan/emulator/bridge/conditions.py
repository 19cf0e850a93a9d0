"""Preconditions and ranges: If-Match, If-None-Match, Range."""

from __future__ import annotations

import re

from fbplan.emulator.bridge.node_request import NodeRequest
from fbplan.emulator.bridge.objects import Stored
from fbplan.emulator.bridge.refusals import Refusal

_RANGE = re.compile(r"bytes=(\d{1,18})?-(\d{1,18})?")


def failed() -> Refusal:
    """The refusal of a condition that does not hold."""
    return Refusal("PreconditionFailed", "At least one of the pre-conditions you specified did not hold")


def names(header: str, etag: str) -> bool:
    """Whether a list of ETags, or *, names this one."""
    return header.strip() == "*" or etag in {tag.strip().strip('"') for tag in header.split(",")}


def check_write(request: NodeRequest, before: Stored | None) -> None:
    """Raise the Refusal of a write whose condition on what is there does not hold: write once, or compare and swap."""
    none_match, match = request.header("if-none-match"), request.header("if-match")
    if none_match and before is not None and names(none_match, before.etag):
        raise failed()
    if match and before is None:
        raise Refusal("NoSuchKey", "The specified key does not exist.")
    if match and before is not None and not names(match, before.etag):
        raise failed()


def check_read(request: NodeRequest, stored: Stored, prefix: str = "") -> None:
    """Raise the Refusal of a read whose condition does not hold; `prefix` is that of the headers of a copy's source."""
    match, none_match = request.header(f"{prefix}if-match"), request.header(f"{prefix}if-none-match")
    if match and not names(match, stored.etag):
        raise failed()
    if none_match and names(none_match, stored.etag):
        if prefix:
            raise failed()
        raise Refusal("NotModified", "Not Modified", headers=(("ETag", f'"{stored.etag}"'),))


def range_of(request: NodeRequest, size: int, header: str = "range") -> tuple[int, int] | None:
    """(start, length) of the one range that is asked for, or None for the whole. Raises Refusal."""
    read = _RANGE.fullmatch(request.header(header).strip())
    if read is None or (read[1] is None and read[2] is None):
        return None  # no range, several, or another unit: HTTP lets a server answer with the whole
    if read[1] is None:
        start = max(0, size - int(read[2]))
        last = size - 1 if int(read[2]) else -1
    else:
        start = int(read[1])
        last = size - 1 if read[2] is None else min(int(read[2]), size - 1)
    if start >= size or last < start:
        raise Refusal(
            "InvalidRange", "The requested range is not satisfiable", headers=(("Content-Range", f"bytes */{size}"),)
        )
    return start, last - start + 1
