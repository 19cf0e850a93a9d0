"""One round: from the policy, what was read and what is remembered to use, quality and grants of every bucket."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from fbplan.metering.memory import Known, Memory, Place
from fbplan.runtime import grants
from fbplan.runtime.canonical import MAX_INTEGER
from fbplan.runtime.grants import Terms, share_out
from fbplan.runtime.policy import WRITTEN, Bucket, Meter, Policy
from fbplan.runtime.statistics.rows import Odd
from fbplan.runtime.statistics.standing import Freshness, Standing, standing
from fbplan.runtime.statistics.use import BucketReading, is_level, spans_at, sums

_NOTHING = BucketReading(Odd("they were not read"), Odd("they were not read"))
NO_MEMORY = "no-memory"
"""The allowance of whoever knows that no grant was ever given."""


@dataclass(frozen=True, slots=True)
class Habits:
    """How often is polled and how far the statistics lag at most; what is allowed besides."""

    poll_ms: int
    lag_ms: int
    allowed: frozenset[str] = frozenset()
    """`fall:BUCKET` believes less use than before; `no-memory` grants although no earlier grants are known."""


@dataclass(frozen=True, slots=True)
class MeterRound:
    """One meter: how it stands, and what is granted; `round` None where writes do not drive it."""

    meter: Meter
    standing: Standing
    round: grants.Round | None
    blind_until_ms: int

    @property
    def known(self) -> Known:
        found, given = self.standing, self.round
        memory = tuple(g for g in given.memory if g.size) if given is not None else ()
        return Known(found.highs, found.as_of_ms, memory, self.blind_until_ms)

    @property
    def is_blind(self) -> bool:
        return self.round is not None and self.blind_until_ms > 0


@dataclass(frozen=True, slots=True)
class BucketRound:
    bucket: Bucket
    quality: str
    meters: tuple[MeterRound, ...]
    expires_ms: int


@dataclass(frozen=True, slots=True)
class Round:
    """All buckets of the policy, and of those that left it the grants that may still be in use."""

    seq: int
    at_ms: int
    as_of_ms: int
    failures: int
    buckets: tuple[BucketRound, ...]
    gone: Mapping[Place, Known]

    @property
    def memory(self) -> Memory:
        meters = {(b.bucket.name, m.meter.name): m.known for b in self.buckets for m in b.meters}
        return Memory(self.seq, self.failures, {**self.gone, **meters})

    def cuts(self, memory: Memory) -> bool:
        """Whether nothing was learnt and publishing would take more than it gives: grants that still run are lost by it.

        A writer lives on the newest file alone. What it started counts by the file's `seq`, so the same grants cannot
        stand in another file either.
        """
        closing = [(b.bucket.name, m) for b in self.buckets for m in b.meters if m.round is not None]
        if any(m.standing.freshness is Freshness.FRESH for _, m in closing):
            return False
        newest = f"{memory.seq}."
        for bucket, found in closing:
            known = memory.meters.get((bucket, found.meter.name))
            runs = sum(g.size for g in known.earlier if _runs(g, newest, self.at_ms)) if known is not None else 0
            gives = sum(g.size for g in found.round.grants) if found.round is not None else 0
            if gives * 2 < runs:
                return True
        return False


def _runs(given: grants.Grant, newest: str, now_ms: int) -> bool:
    return given.id.startswith(newest) and given.expires_ms > now_ms


def next_round(
    policy: Policy,
    found: Mapping[str, BucketReading],
    memory: Memory,
    habits: Habits,
    *,
    read_ms: int,
    now_ms: int,
) -> Round:
    """`found` is by remote id, as the statistics stood at `read_ms`; grants begin at `now_ms`.

    `seq` follows the one remembered; without one it starts at Unix seconds, above whatever was forgotten.
    """
    seq = memory.seq + 1 if memory.seq else now_ms // 1000
    buckets = tuple(
        _bucket(policy, bucket, found.get(bucket.bucket_id, _NOTHING), memory, habits, seq, read_ms, now_ms)
        for bucket in policy.buckets.values()
    )
    missed = any(m.standing.freshness is not Freshness.FRESH and not m.standing.fell for m in _capped(buckets))
    dates = [
        m.standing.as_of_ms
        for m in _capped(buckets)
        if m.round is not None and m.standing.freshness is not Freshness.UNKNOWN
    ]
    return Round(
        seq,
        now_ms,
        min(dates, default=read_ms - habits.lag_ms),
        memory.failures + 1 if missed else 0,
        buckets,
        _gone(policy, memory, habits, read_ms),
    )


def _capped(buckets: Iterable[BucketRound]) -> list[MeterRound]:
    return [m for b in buckets for m in b.meters if m.meter.limit is not None]


def _bucket(
    policy: Policy,
    bucket: Bucket,
    found: BucketReading,
    memory: Memory,
    habits: Habits,
    seq: int,
    read_ms: int,
    now_ms: int,
) -> BucketRound:
    terms = terms_for(policy, bucket.name, habits)
    meters = []
    for meter in bucket.meters:
        spans, known = spans_at(meter, read_ms), memory.meters.get((bucket.name, meter.name))
        may_fall = is_level(meter) or f"fall:{bucket.name}" in habits.allowed
        stands = standing(spans, sums(meter, spans, found), known, read_ms - habits.lag_ms, may_fall=may_fall)
        meters.append(_granted(f"{seq}.{bucket.name}", meter, stands, known, terms, habits, now_ms))
    return BucketRound(bucket, _quality(meters), tuple(meters), now_ms + terms.ttl_ms)


def _granted(
    name: str, meter: Meter, stands: Standing, known: Known | None, terms: Terms, habits: Habits, now_ms: int
) -> MeterRound:
    if meter.name != WRITTEN:
        return MeterRound(meter, stands, None, 0)
    if meter.limit is None:  # should it get a cap: what is written without grants is not in the statistics yet
        return MeterRound(meter, stands, None, now_ms + grants.blind_ms(terms))
    blind_ms = known.blind_until_ms if known is not None else now_ms + grants.blind_ms(terms)
    if NO_MEMORY in habits.allowed or stands.as_of_ms + terms.lag_ms >= blind_ms:
        blind_ms = 0
    is_closed = blind_ms or stands.freshness is Freshness.UNKNOWN
    given = share_out(
        (0, 0) if is_closed else (meter.soft, meter.hard),
        stands.used,
        known.earlier if known is not None else (),
        name=name,
        now_ms=now_ms,
        as_of_ms=stands.as_of_ms,
        terms=terms,
    )
    return MeterRound(meter, stands, given, blind_ms)


def _quality(meters: list[MeterRound]) -> str:
    """`unknown` and `stale` speak of the meters that close a bucket; a hint that is missing makes it `partial`."""
    capped = [m for m in meters if m.meter.limit is not None] or meters
    closing = {m.standing.freshness for m in capped if m.round is not None}
    if Freshness.UNKNOWN in closing:
        return "unknown"
    if Freshness.STALE in closing:
        return "stale"
    return "partial" if any(m.standing.freshness is not Freshness.FRESH for m in capped) else "ok"


def terms_for(policy: Policy, bucket: str, habits: Habits) -> Terms:
    """The terms of a bucket. Where nobody routes to it any more, uploads of those who did may go on."""
    if any(bucket in repository.order for repository in policy.repositories.values()):
        return grants.terms_of(policy, bucket, habits.poll_ms, habits.lag_ms)
    repositories = policy.repositories.values()
    return Terms(
        habits.poll_ms,
        habits.lag_ms,
        0,
        max((r.skew_ms for r in repositories), default=0),
        max((r.max_upload_ms for r in repositories), default=0),
    )


def _gone(policy: Policy, memory: Memory, habits: Habits, read_ms: int) -> Mapping[Place, Known]:
    """Grants of buckets and meters that the policy no longer caps: should they come back, they still count."""
    capped = {(b.name, m.name) for b in policy.buckets.values() for m in b.meters}
    out: dict[Place, Known] = {}
    for place, known in memory.meters.items():
        if place not in capped:
            terms = terms_for(policy, "", habits)
            ends = read_ms - habits.lag_ms - terms.skew_ms - terms.upload_ms
            left = tuple(g for g in known.earlier if g.expires_ms > ends)
            if left or known.blind_until_ms > read_ms:
                out[place] = Known(known.highs, known.as_of_ms, left, known.blind_until_ms)
    return out


def shown_use(found: MeterRound) -> int:
    """Use as it is published. Where it is unknown, all of the limit: nobody may take that for room."""
    if found.standing.freshness is Freshness.UNKNOWN:
        return found.meter.limit or 0
    return min(found.standing.used, MAX_INTEGER)
