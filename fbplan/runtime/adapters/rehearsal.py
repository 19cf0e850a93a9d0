"""What the policy would have done with a write that goes where the caller says."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from typing import Any

from fbplan.runtime.faults import RoutingError
from fbplan.runtime.router import Router
from fbplan.runtime.words import standing

_LOG = logging.getLogger("fbplan.runtime")


class Rehearsal:
    """Tells what would have been chosen, and counts as if it had been."""

    def __init__(self, router: Router) -> None:
        self._router = router

    def tell(self, bucket: str, size: int | None) -> None:
        if size is None:
            _LOG.info("shadow: a body of unknown size to %s: not counted", bucket)
            return
        try:
            record = self._router.rehearse(size)
        except RoutingError as fault:
            _LOG.warning("shadow: %s bytes to %s: no choice: %s", size, bucket, fault)
            return
        _LOG.info("shadow: %s bytes to %s; the policy: %s", size, bucket, _choice(record))


def _choice(record: Mapping[str, Any]) -> str:
    chosen, decision, simple = record["bucket"], record["decisions"][-1], record["simple"]
    if chosen is None:
        return "no bucket: " + ", ".join(f"{c['bucket']} {standing(c, simple=simple)}" for c in decision["candidates"])
    found = next(c for c in decision["candidates"] if c["bucket"] == chosen)
    return f"{chosen} ({standing(found, simple=simple)})"


def size_of(body: Any, stated: int | None = None) -> int | None:
    """The bytes that will be sent, None when only sending shows it."""
    if isinstance(body, str):
        return len(body.encode())
    if isinstance(body, bytes | bytearray | memoryview):
        return len(body)
    if stated is not None or not hasattr(body, "seekable") or not body.seekable():
        return stated
    begins: int = body.tell()
    ends: int = body.seek(0, os.SEEK_END)
    body.seek(begins)
    return ends - begins
