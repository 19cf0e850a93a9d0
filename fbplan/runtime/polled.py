"""The usage that nobody publishes: this process asks the statistics itself, and counts its own bytes on top.

For one process of a small user. It needs a management token in the writer, and every worker asks for itself; a fleet
has `fbplan usage poll` and its grants instead.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from fbplan.runtime.accept import Pair
from fbplan.runtime.canonical import MAX_INTEGER, canonical, sealed
from fbplan.runtime.faults import RoutingError
from fbplan.runtime.form import Unusable
from fbplan.runtime.origin import Tell
from fbplan.runtime.policy import WRITTEN, Bucket, Meter, Policy
from fbplan.runtime.statistics.rows import Odd, Total, rows_of, totals_of
from fbplan.runtime.statistics.standing import Freshness, Standing, standing
from fbplan.runtime.statistics.use import (
    BucketReading,
    asked_at_once,
    asked_days,
    is_level,
    spans_at,
    sums,
    unknown_zones,
)
from fbplan.runtime.times import stamp_of
from fbplan.runtime.usage import FORMAT, Usage

Ask = Callable[[str, Mapping[str, str]], object]
"""(path, parameters) → the parsed JSON of a GET of the management API. It may raise whatever it likes."""
Place = tuple[str, str]
DAILY, TOTALS = "/stats/daily", "/bucket/stats"


class Known(NamedTuple):
    """What is remembered of one meter of one bucket."""

    highs: Mapping[str, int]
    as_of_ms: int


def polled(ask: Ask, poll_s: int, lag_s: int, clock_ms: Callable[[], int], *, is_alone: bool) -> "PolledOrigin":
    """The origin that `Router.from_file(poll=ask)` reads. Raises RoutingError."""
    if not is_alone:
        raise RoutingError("poll= is for one process without a fleet: give either poll=, or usage= (and simple=False)")
    if not callable(ask):
        raise RoutingError(
            "poll= takes a function: lambda path, params: client.get(path, params=params).raise_for_status().json()"
        )
    if poll_s < 1 or lag_s < 0:
        raise RoutingError("poll_s= is at least one second, and max_lag_s= is not negative")
    return PolledOrigin(ask, poll_ms=poll_s * 1000, lag_ms=lag_s * 1000, clock_ms=clock_ms)


class PolledOrigin:
    """Makes a usage file of what the statistics say, without grants: `simple` needs none.

    What cannot be read or understood is told, and stands as it was last known; what was never known closes its bucket.
    """

    label = DAILY
    is_remote = True

    def __init__(self, ask: Ask, *, poll_ms: int, lag_ms: int, clock_ms: Callable[[], int]) -> None:
        self._ask, self._poll_ms, self._lag_ms, self._clock_ms = ask, poll_ms, lag_ms, clock_ms
        self._asked_ms: int | None = None
        self._digest = ""
        self._known: dict[Place, Known] = {}

    def read(self, held: Pair, tell: Tell) -> bytes | None:
        policy, at = held.policy, self._clock_ms()
        if policy is None or (self._digest == policy.digest and not self._is_due(at)):
            return None
        if self._digest != policy.digest:
            for tz in unknown_zones(policy):
                tell("zone", f"the time zone '{tz}' is not known here, so UTC is taken; install tzdata")
        self._asked_ms, self._digest = at, policy.digest
        if held.usage is not None and not self._known:
            self._known = _known_of(held.usage)
        readings = self._readings(policy, at)
        stands = {
            (bucket.name, meter.name): self._standing(bucket, meter, readings[bucket.bucket_id], at, tell)
            for bucket in policy.buckets.values()
            for meter in bucket.meters
            if meter.limit is not None
        }
        self._known = {place: Known(found.highs, found.as_of_ms) for place, found in stands.items() if found.highs}
        return self._document(policy, stands, at, 1 + held.usage.seq if held.usage is not None else at // 1000)

    def forget(self) -> None:
        self._asked_ms, self._digest = None, ""

    def _is_due(self, at: int) -> bool:
        return self._asked_ms is None or not 0 <= at - self._asked_ms < self._poll_ms

    def _readings(self, policy: Policy, at: int) -> dict[str, BucketReading]:
        """By remote id. Raises Unusable when nothing at all could be read."""
        start, end = asked_days(policy, at)
        days = {"startDate": stamp_of(start), "endDate": stamp_of(end)}
        found: dict[str, BucketReading] = {}
        lasting = _without_end(policy, at)
        for ids in asked_at_once(b.bucket_id for b in policy.buckets.values() if any(_capped(b))):
            answer = self._asked(DAILY, {**days, "bucketId": ",".join(ids)}, "data")
            rows = dict.fromkeys(ids, answer) if isinstance(answer, Odd) else rows_of(answer, ids, end)
            # that there are no rows is believed of a bucket that the totals know
            unsure = [name for name in ids if rows[name] == () or name in lasting]
            totals = self._totals(unsure) if unsure else {}
            found |= {name: BucketReading(rows[name], totals.get(name, _NOT_ASKED)) for name in ids}
        told = [found.rows for found in found.values() if isinstance(found.rows, Odd) and isinstance(found.total, Odd)]
        if told and len(told) == len(found):
            raise Unusable("unreadable", told[0].why)
        return found

    def _totals(self, ids: list[str]) -> Mapping[str, Total | Odd]:
        answer = self._asked(TOTALS, {"bucketId": ",".join(ids)}, "stats")
        return dict.fromkeys(ids, answer) if isinstance(answer, Odd) else totals_of(answer, ids)

    def _asked(self, path: str, parameters: Mapping[str, str], key: str) -> list[Mapping[str, Any]] | Odd:
        try:
            answer: Any = self._ask(path, parameters)
        except Exception as fault:  # noqa: BLE001 -- it is the caller's own client; its text may hold a token
            return Odd(f"GET {path} raised {type(fault).__name__}")
        if isinstance(answer, dict) and answer.get("success", True) is not True:
            return Odd(f"GET {path} says that it failed")
        rows = answer.get(key) if isinstance(answer, dict) else answer
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            return Odd(f"the answer of GET {path} holds no list '{key}'")
        return rows

    def _standing(self, bucket: Bucket, meter: Meter, found: BucketReading, at: int, tell: Tell) -> Standing:
        spans = spans_at(meter, at)
        known = self._known.get((bucket.name, meter.name))
        stands = standing(spans, sums(meter, spans, found), known, at - self._lag_ms, may_fall=is_level(meter))
        if stands.freshness is not Freshness.FRESH:
            tell("fell" if stands.fell else stands.freshness.value, f"{bucket.name}.{meter.name}: {stands.why}")
        return stands

    def _document(self, policy: Policy, stands: Mapping[Place, Standing], at: int, seq: int) -> bytes:
        known = [s.as_of_ms for (_, meter), s in stands.items() if meter == WRITTEN and s.freshness in _KNOWN]
        return canonical(
            sealed(
                {
                    "format": FORMAT,
                    "policy_generation": policy.generation,
                    "policy_digest": policy.digest,
                    "seq": seq,
                    "published_at": stamp_of(at),
                    "as_of": stamp_of(min(known, default=at - self._lag_ms)),
                    "poll_s": self._poll_ms // 1000,
                    "max_lag_s": self._lag_ms // 1000,
                    "buckets": {b.name: _entry(b, stands, at) for b in policy.buckets.values()},
                }
            )
        )


_KNOWN = (Freshness.FRESH, Freshness.STALE)
_NOT_ASKED = Odd("the totals were not asked for")


def _capped(bucket: Bucket) -> Iterator[Meter]:
    return (meter for meter in bucket.meters if meter.limit is not None)


def _without_end(policy: Policy, at: int) -> set[str]:
    """Remote ids of the buckets with a cap that no month ends: their use is in the totals."""
    return {b.bucket_id for b in policy.buckets.values() for m in _capped(b) if spans_at(m, at)[0].ends_ms is None}


def _known_of(usage: Usage) -> dict[Place, Known]:
    """What the usage of the run before knows of the caps that close a bucket."""
    return {
        (name, WRITTEN): Known({use.meters[WRITTEN].period: use.meters[WRITTEN].used}, usage.as_of_ms)
        for name, use in usage.buckets.items()
        if WRITTEN in use.meters and use.quality != "unknown"
    }


def _entry(bucket: Bucket, stands: Mapping[Place, Standing], at: int) -> dict[str, Any]:
    found = {meter: stands[bucket.name, meter.name] for meter in _capped(bucket)}
    closing = {s.freshness for meter, s in found.items() if meter.name == WRITTEN}
    quality = "ok"
    if Freshness.UNKNOWN in closing:
        quality = "unknown"
    elif Freshness.STALE in closing:
        quality = "stale"
    elif any(s.freshness is not Freshness.FRESH for s in found.values()):
        quality = "partial"
    meters = {meter.name: _meter(meter, stood) for meter, stood in found.items()}
    return {"quality": quality, "meters": meters, "expires_at": stamp_of(at)}


def _meter(meter: Meter, stood: Standing) -> dict[str, Any]:
    # where it is not known, all of the limit: nobody may take that for room
    used = (meter.limit or 0) if stood.freshness is Freshness.UNKNOWN else min(stood.used, MAX_INTEGER)
    shown: dict[str, Any] = {"period": stood.span.key, "used": used}
    if stood.span.ends_ms is not None:
        shown["resets_at"] = stamp_of(stood.span.ends_ms)
    return shown
