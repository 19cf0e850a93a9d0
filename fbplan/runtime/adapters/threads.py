"""A transport that blocks, for an event loop: every request in a thread."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Sequence
from typing import IO, Any

from fbplan.runtime.transport import Entry, Got, Head, Place, Stored, Transport


class InThreads:
    """An `AsyncTransport` over a `Transport`. The content of an object that was got is read as that transport gives it."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def put(self, place: Place, key: str, body: bytes | IO[bytes], **stated: Any) -> Awaitable[Stored]:
        return asyncio.to_thread(self._transport.put, place, key, body, **stated)

    def head(self, place: Place, key: str, *, timeout_ms: int) -> Awaitable[Head | None]:
        return asyncio.to_thread(self._transport.head, place, key, timeout_ms=timeout_ms)

    def get(self, place: Place, key: str, **stated: Any) -> Awaitable[Got]:
        return asyncio.to_thread(self._transport.get, place, key, **stated)

    def delete(self, place: Place, key: str, *, timeout_ms: int) -> Awaitable[None]:
        return asyncio.to_thread(self._transport.delete, place, key, timeout_ms=timeout_ms)

    def list(self, place: Place, prefix: str, **stated: Any) -> Awaitable[Sequence[Entry]]:
        return asyncio.to_thread(self._transport.list, place, prefix, **stated)

    def reload(self) -> Awaitable[None]:
        return asyncio.to_thread(self._transport.reload)
