"""A boto3 client that does what it is told, and tells what the policy would have done."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

from fbplan.runtime.adapters.passing import PassingThrough
from fbplan.runtime.faults import RoutingError
from fbplan.runtime.router import Router
from fbplan.runtime.words import standing

_LOG = logging.getLogger("fbplan.runtime")


class Shadow(PassingThrough):
    """The caller's client, and beside it what the policy would have done."""

    def __init__(self, client: Any, router: Router) -> None:
        super().__init__(client)
        self._router = router

    def put_object(self, *, Bucket: str, **parameters: Any) -> Any:
        size = _size(parameters.get("Body", b""), parameters.get("ContentLength"))
        self._tell(Bucket, size)
        return self._client.put_object(Bucket=Bucket, **parameters)

    def upload_fileobj(self, Fileobj: IO[bytes], Bucket: str, Key: str, *rest: Any, **named: Any) -> Any:
        self._tell(Bucket, _size(Fileobj, None))
        return self._client.upload_fileobj(Fileobj, Bucket, Key, *rest, **named)

    def upload_file(self, Filename: str | Path, Bucket: str, Key: str, *rest: Any, **named: Any) -> Any:
        path = Path(Filename)
        self._tell(Bucket, path.stat().st_size if path.is_file() else 0)
        return self._client.upload_file(str(Filename), Bucket, Key, *rest, **named)

    def _tell(self, bucket: str, size: int | None) -> None:
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
    chosen, decision = record["bucket"], record["decisions"][-1]
    if chosen is None:
        return "no bucket: " + ", ".join(f"{c['bucket']} {standing(c)}" for c in decision["candidates"])
    found = next(c for c in decision["candidates"] if c["bucket"] == chosen)
    return f"{chosen} ({standing(found)})"


def _size(body: Any, stated: int | None) -> int | None:
    if isinstance(body, str):
        return len(body.encode())
    if isinstance(body, bytes | bytearray | memoryview):
        return len(body)
    if stated is not None or not body.seekable():
        return stated
    begins: int = body.tell()
    ends: int = body.seek(0, os.SEEK_END)
    body.seek(begins)
    return ends - begins
