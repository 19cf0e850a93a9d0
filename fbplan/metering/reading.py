"""One look at the statistics. What could not be read is said per bucket, and never ends the poll."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from fbplan.errors import AuthenticationFailed, FbplanError, Interrupted, Unreachable
from fbplan.metering.health import WINDOW_MS, Health, health_of
from fbplan.runtime.policy import Policy
from fbplan.runtime.statistics.rows import Odd, rows_of, totals_of
from fbplan.runtime.statistics.use import BucketReading, asked_at_once, asked_days
from fbplan.runtime.times import stamp_of

LATENCY = "latency"
Answer = list[Mapping[str, Any]]


class Statistics(Protocol):
    """What a poll asks of the API; `client.api.ReadClient` is one."""

    def daily(self, start: str, end: str, bucket_ids: list[str]) -> Answer: ...
    def minutes(self, start: str, end: str, bucket_ids: list[str]) -> Answer: ...
    def totals(self, bucket_ids: list[str]) -> Answer: ...
    def node_minutes(self, bucket_ids: list[str]) -> Answer: ...


@dataclass(frozen=True, slots=True)
class NoStatistics:
    """Where there is no connection to ask over: each question fails as the connection did."""

    fault: FbplanError

    def _fail(self, *_: object) -> Answer:
        raise self.fault

    daily = minutes = totals = node_minutes = _fail


@dataclass(frozen=True, slots=True)
class Reading:
    """By remote id. `at_ms` is before the first question: whatever the answers hold, they are not older."""

    at_ms: int
    buckets: Mapping[str, BucketReading]
    health: Mapping[str, Health] = field(default_factory=dict)
    faults: tuple[FbplanError, ...] = ()
    """Why use could not be read, where the API said so or said nothing."""


def read_statistics(api: Statistics, policy: Policy, at_ms: int, *, with_hints: bool = True) -> Reading:
    """Ask for everything that the policy's meters need. `with_hints`: also how nodes are. Raises Interrupted only."""
    ids = [bucket.bucket_id for bucket in policy.buckets.values()]
    start, end = asked_days(policy, at_ms)
    buckets: dict[str, BucketReading] = {}
    faults: list[FbplanError] = []
    for some in asked_at_once(ids):
        rows = _asked(faults, lambda ids: api.daily(stamp_of(start), stamp_of(end), ids), some)
        totals = _asked(faults, api.totals, some)
        by_rows = dict.fromkeys(some, rows) if isinstance(rows, Odd) else rows_of(rows, some, end)
        by_totals = dict.fromkeys(some, totals) if isinstance(totals, Odd) else totals_of(totals, some)
        buckets |= {bucket: BucketReading(by_rows[bucket], by_totals[bucket]) for bucket in some}
    health = _health(api, policy, ids, at_ms) if with_hints and not faults else {}
    return Reading(at_ms, buckets, health, tuple(faults))


def _health(api: Statistics, policy: Policy, ids: list[str], at_ms: int) -> dict[str, Health]:
    """Empty when nothing is told: only the strategies that look at it miss it."""
    needs_times = any(repository.strategy == LATENCY for repository in policy.repositories.values())
    window = stamp_of(at_ms - WINDOW_MS), stamp_of(at_ms)
    found: dict[str, Health] = {}
    for some in asked_at_once(ids):
        nodes = _asked([], api.node_minutes, some)
        if isinstance(nodes, Odd):
            return found
        times = _asked([], lambda ids: api.minutes(*window, ids), some) if needs_times else []
        found |= health_of(some, nodes, [] if isinstance(times, Odd) else times)
    return found


def _asked(faults: list[FbplanError], ask: Callable[[list[str]], Answer], ids: list[str]) -> Answer | Odd:
    if faults and isinstance(faults[-1], Unreachable | AuthenticationFailed):
        return Odd(str(faults[-1]))  # asking again for other buckets would only take time, while grants run out
    try:
        return ask(ids)
    except Interrupted:
        raise
    except FbplanError as fault:
        faults.append(fault)
        return Odd(str(fault))
