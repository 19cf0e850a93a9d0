"""The chooser at work for threads: `Router`. Its twin for an event loop is `AsyncRouter`."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Self, TypeVar

from fbplan.runtime.adapters import transport_for
from fbplan.runtime.core import Content, Core, Habits, Placement, Record
from fbplan.runtime.decision import Decision
from fbplan.runtime.faults import RoutingError
from fbplan.runtime.finding import Deleted, Listing, Located
from fbplan.runtime.origin import Origin, folder_of
from fbplan.runtime.reference import Reference
from fbplan.runtime.script import Call, Came, Do, Pause, Reload, Script, Together
from fbplan.runtime.source import Alarm, Source
from fbplan.runtime.transport import Got, Transport, TransportFailure

if TYPE_CHECKING:
    from pathlib import Path

    from fbplan.runtime.polled import Ask
    from fbplan.runtime.uploads import Uploads

_T = TypeVar("_T")
SPOOL_LIMIT = 8 * 1024 * 1024


def wall_ms() -> int:
    return time.time_ns() // 1_000_000


def roll() -> int:
    return int.from_bytes(os.urandom(4), "big")


def _quiet(*_told: object) -> None:
    pass


def core_from_file(
    policy: str | Path,
    *,
    usage: str | Path | None = None,
    poll: Ask | None = None,
    poll_s: int = 60,
    max_lag_s: int = 180,
    repository: str | None = None,
    writer: str | None = None,
    simple: bool | None = None,
    last_good: str | Path | None = None,
    alarm: Alarm = _quiet,
    on_record: Callable[[Record], None] = _quiet,
    cautious_start: bool = False,
    spool_limit: int = SPOOL_LIMIT,
    clock_ms: Callable[[], int] = wall_ms,
    dice: Callable[[], int] = roll,
) -> tuple[Core, Source]:
    is_simple = usage is None if simple is None else simple
    asked: Origin | None = None
    if poll is not None:
        from fbplan.runtime.polled import polled

        asked = polled(poll, poll_s, max_lag_s, clock_ms, is_alone=usage is None and is_simple)
    source = Source(
        policy,
        asked or usage,
        clock_ms=clock_ms,
        alarm=alarm,
        last_good=last_good,
    )
    habits = Habits(
        writer=writer or os.urandom(8).hex(),
        simple=is_simple,
        expects_usage=usage is not None or poll is not None,
        clock_ms=clock_ms,
        dice=dice,
        alarm=alarm,
        on_record=on_record,
        spool_limit=spool_limit,
        born_ms=clock_ms() if cautious_start else None,
    )
    return Core(source, repository, habits), source


class Router:
    """Writes each object to the bucket that the policy wants, and finds it again. Safe to share between threads.

    router = Router.from_file("routing-policy.json")
    placed = router.put("hello.txt", b"hi")
    router.get(str(placed.reference))
    """

    def __init__(
        self,
        core: Core,
        source: Source,
        transport: Transport | None = None,
        *,
        sleep: Callable[[float], object] = time.sleep,
        folder: str = ".",
    ) -> None:
        """For `from_file`, which says what the settings are."""
        self._core = core
        self._source = source
        self._transport = transport
        self._sleep = sleep
        self._folder = folder

    @classmethod
    def from_file(
        cls,
        policy: str | Path,
        transport: Transport | None = None,
        *,
        sleep: Callable[[float], object] = time.sleep,
        **settings: Any,
    ) -> Router:
        """A router over the policy file, and over the usage file if one is named: each a path, or a URL.

        A URL is `s3://`, `gs://`, `az://` (with fbplan's extra `objectstore`, and the credentials of the cloud's own
        environment variables) or `https://`. A thread asks for it every two seconds, if only by its ETag; a write waits
        for it no longer than the first one of a process. `close` ends the thread.

        `transport`: how stores are reached; without one, the adapter of fbplan for the protocol of the policy, with the
        keys from the policy's sinks or from FB_KEY_ID and FB_KEY_SECRET in the environment.
        `usage`: path or URL of usage.json; without it this process counts its own bytes (`simple`). `poll(path, parameters)`: for one process
        without a fleet, gives the parsed JSON of a GET of the management API, and is asked for `/stats/daily` and, where
        there are no rows, `/bucket/stats`: at the start and, by a thread, every `poll_s` seconds; own bytes count on top
        until the statistics know them, after `max_lag_s`. It puts a management token into the writer, and every worker
        asks; a fleet uses `usage` instead. `repository`: needed when the policy has several. `writer`: a name of this writer that no other has. `simple`: count own bytes on top of
        the usage file, instead of living on grants. `last_good`: a folder of this process, where good files are kept
        for the next start. `cautious_start`: after a start wait for the next grants, because the process before it may
        have used its share of the present ones; without it, a restart counts as one more writer. `alarm(name, details)`
        and `on_record(record)` are called as things happen, the first also from the thread. `spool_limit`: bytes of a
        body that cannot seek which are held in memory. `clock_ms`, `sleep`, `dice`: for tests.
        """
        return cls(*core_from_file(policy, **settings), transport, sleep=sleep, folder=folder_of(policy))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the thread that follows URLs; without URLs there is none."""
        self._source.close()

    @property
    def repository(self) -> str:
        """The name of the repository that is written to. Raises NoPolicy."""
        return self._core.view().repository.name

    @property
    def addresses(self) -> frozenset[str]:
        """What calls of an SDK name as the buckets of the repository. Raises NoPolicy."""
        return self._core.addresses()

    @property
    def counts(self) -> Mapping[str, int]:
        """Outcomes, classes of answers, alarms, and what became of the files."""
        return {**self._source.counts, **self._core.counts}

    def refresh(self, *, now: bool = False) -> None:
        """Look whether the files changed, at most once a second. `put` does it by itself; `choose` never does.

        Behind URLs a thread looks, and this starts it; `now` looks here and waits for the answers.
        """
        self._source.refresh(now=now)

    def choose(self, size: int = 0) -> Decision:
        """The bucket that a write of `size` bytes would go to now. No input or output, nothing is counted."""
        return self._core.choose(size)

    def rehearse(self, size: int = 0) -> Record:
        """The decision record of a write that is not made: counted as if its store had taken it. For a shadow."""
        self.refresh()
        return self._core.rehearse(size)

    def put(
        self,
        key: str,
        body: Content,
        *,
        size: int | None = None,
        overwrite: bool = False,
        options: Mapping[str, Any] | None = None,
    ) -> Placement:
        """Write an object. Raises WriteFailed (ReadOnly, NotStored, Refused, AlreadyExists), NoPolicy and ValueError.

        A key is written once, and again is AlreadyExists, also with the same content; with `overwrite` it goes to the
        bucket that holds the key. `options` reach the adapter.
        """
        self.refresh()
        return self._run(self._core.put(key, body, size, options or {}, overwrite=overwrite))

    @property
    def uploads(self) -> Uploads:
        """Objects in parts, for transports that send them."""
        from fbplan.runtime.uploads import Uploads  # whoever has no large objects does not pay for it at the start

        return Uploads(self._core, self._run, self.refresh)

    def get(self, where: str | Reference, *, options: Mapping[str, Any] | None = None) -> Got:
        """The object by its reference (one request) or by its key. Raises NotFound, Unavailable and ValueError.

        `options` reach the adapter; what the store refuses because of them is raised as TransportFailure.
        """
        return self._run(self._core.get(where, options or {}))

    def locate(self, where: str | Reference) -> Located:
        """Which bucket holds the object. Raises NotFound, Unavailable and ValueError."""
        return self._run(self._core.locate(where))

    def delete(self, where: str | Reference) -> Deleted:
        """Delete the key from every bucket. Raises ValueError."""
        return self._run(self._core.delete(where))

    def list(self, prefix: str = "", *, options: Mapping[str, Any] | None = None) -> Listing:
        """The keys of all buckets. `options` reach the adapter."""
        return self._run(self._core.keys(prefix, options or {}))

    def _run(self, script: Script[_T]) -> _T:
        try:
            do = next(script)
            while True:
                try:
                    came = self._done(do)
                except BaseException as fault:  # noqa: BLE001 -- it goes on from there
                    do = script.throw(fault)
                else:
                    do = script.send(came)
        except StopIteration as end:
            value: _T = end.value
            return value

    def _together(self, do: Together) -> Sequence[Any]:
        if len(do.scripts) == 1:
            return [self._run(do.scripts[0])]
        from concurrent.futures import ThreadPoolExecutor

        with ThreadPoolExecutor(len(do.scripts), "fbplan-part") as pool:
            return list(pool.map(self._run, do.scripts))

    def _done(self, do: Do) -> Came:
        transport = self._transport
        if transport is None:
            transport = self._transport = transport_for(self._core.view().repository.protocol, self._folder)
        try:
            match do:
                case Pause():
                    self._sleep(do.ms / 1000)
                case Reload():
                    transport.reload()
                case Together():
                    return Came(self._together(do))
                case Call():
                    return Came(_method(transport, do.method)(do.place, do.name, *do.positional, **do.arguments))
        except TransportFailure as failure:
            return Came(failure=failure)
        return Came()


def _method(transport: Transport, name: str) -> Callable[..., Any]:
    found: Callable[..., Any] | None = getattr(transport, name, None)
    if found is None:
        raise RoutingError(f"{type(transport).__name__} sends no parts: it has no {name}; see runtime.parts")
    return found
