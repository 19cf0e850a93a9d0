"""The chooser at work for an event loop: `AsyncRouter`, step for step what `Router` does."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar

from fbplan.runtime.adapters import transport_for
from fbplan.runtime.adapters.threads import InThreads
from fbplan.runtime.core import Content, Core, Placement
from fbplan.runtime.decision import Decision
from fbplan.runtime.finding import Deleted, Listing, Located
from fbplan.runtime.origin import folder_of
from fbplan.runtime.reference import Reference
from fbplan.runtime.router import core_from_file
from fbplan.runtime.script import Call, Came, Do, Pause, Reload, Script
from fbplan.runtime.source import Source
from fbplan.runtime.transport import AsyncTransport, Got, TransportFailure

if TYPE_CHECKING:
    from pathlib import Path

_T = TypeVar("_T")


class AsyncRouter:
    """`Router` with methods to await; the settings of `from_file` are the same."""

    def __init__(
        self,
        core: Core,
        source: Source,
        transport: AsyncTransport | None = None,
        *,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
        folder: str = ".",
    ) -> None:
        self._core = core
        self._source = source
        self._transport = transport
        self._sleep = sleep
        self._folder = folder

    @classmethod
    def from_file(
        cls,
        policy: str | Path,
        transport: AsyncTransport | None = None,
        *,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
        **settings: Any,
    ) -> AsyncRouter:
        """See `Router.from_file`. It reads the files at once, before the loop has anything to do with them.

        Without a transport, the adapter of fbplan makes its requests in threads.
        """
        return cls(*core_from_file(policy, **settings), transport, sleep=sleep, folder=folder_of(policy))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """End the thread that follows URLs; without URLs there is none."""
        await asyncio.to_thread(self._source.close)

    @property
    def counts(self) -> Mapping[str, int]:
        return {**self._source.counts, **self._core.counts}

    async def refresh(self, *, now: bool = False) -> None:
        """Look whether the files changed, at most once a second; a large policy is parsed in a thread."""
        if now or self._source.is_due():
            await asyncio.to_thread(self._source.refresh, now=now)

    def choose(self, size: int = 0) -> Decision:
        """As in `Router`: no input or output, so nothing to await."""
        return self._core.choose(size)

    async def put(
        self,
        key: str,
        body: Content,
        *,
        size: int | None = None,
        overwrite: bool = False,
        options: Mapping[str, Any] | None = None,
    ) -> Placement:
        await self.refresh()
        return await self._run(self._core.put(key, body, size, options or {}, overwrite=overwrite))

    async def get(self, where: str | Reference, *, options: Mapping[str, Any] | None = None) -> Got:
        return await self._run(self._core.get(where, options or {}))

    async def locate(self, where: str | Reference) -> Located:
        return await self._run(self._core.locate(where))

    async def delete(self, where: str | Reference) -> Deleted:
        return await self._run(self._core.delete(where))

    async def list(self, prefix: str = "", *, options: Mapping[str, Any] | None = None) -> Listing:
        return await self._run(self._core.keys(prefix, options or {}))

    async def _run(self, script: Script[_T]) -> _T:
        try:
            do = next(script)
            while True:
                do = script.send(await self._done(do))
        except StopIteration as end:
            value: _T = end.value
            return value

    async def _done(self, do: Do) -> Came:
        transport = self._transport
        if transport is None:
            protocol = self._core.view().repository.protocol
            made = InThreads(await asyncio.to_thread(transport_for, protocol, self._folder))
            transport = self._transport = self._transport or made
        try:
            match do:
                case Pause():
                    await self._sleep(do.ms / 1000)
                case Reload():
                    await transport.reload()
                case Call():
                    return Came(await getattr(transport, do.method)(do.place, do.name, *do.positional, **do.arguments))
        except TransportFailure as failure:
            return Came(failure=failure)
        return Came()
