"""A fleet of writers, a poller and statistics that lag, played through in virtual time.

`Assumed` is what the poller and the writers count on, `Real` is how the world is. The writers decide with the code of
the chooser; two naive rules are here to show what they cost. The result is the use at the end in ppm of the hard cap.
"""

from __future__ import annotations

import heapq
import random
from dataclasses import dataclass, field

from fbplan.runtime.caps import standing
from fbplan.runtime.grants import Terms, share_out
from fbplan.runtime.policy import Bucket, Meter, Period, Policy, Repository
from fbplan.runtime.state import State, charged
from fbplan.runtime.usage import BucketUse, MeterUse, Usage
from fbplan.runtime.view import View

GRANTS, LAST_POLLED, OWN_BYTES = "grants", "last polled", "own bytes"
LARGER = "grants, and in the grace the larger of both periods"


@dataclass(frozen=True)
class Assumed:
    poll_s: int = 60
    lag_s: int = 120
    ttl_s: int = 90
    skew_s: int = 2
    upload_s: int = 60
    writers: int = 6
    soft_ppm: int = 800_000
    reserve_ppm: int = 0
    grace_s: int = 300

    @property
    def terms(self) -> Terms:
        return Terms(*(1000 * s for s in (self.poll_s, self.lag_s, self.ttl_s, self.skew_s, self.upload_s)))


@dataclass(frozen=True)
class Real:
    lag_s: int = 120
    skew_s: int = 2
    upload_s: int = 60
    fleets: tuple[int, ...] = (6,)
    """Writers of each repository that shares the bucket."""
    missed_polls: float = 0.1
    missed_reads: float = 0.1
    crashes: float = 0.01
    cautious: bool = True
    own_fleet_only: bool = False
    """Writers that divide a grant by their own fleet instead of by all writers of the bucket."""
    hot: bool = False
    burst: float = 1.0
    foreign_ppm: int = 0
    """Bytes that somebody else writes, in ppm of the cap."""
    demand_ppm: int = 3_000_000
    """What the fleet would like to write in the whole time, in ppm of the cap."""
    polls: int = 30
    rollover_poll: int | None = None
    books_late_s: int = 0
    """For so long after the rollover the store books to the period before, whatever the statistics say."""


@dataclass
class Writer:
    name: str
    repository: Repository
    offset_ms: int
    delay_ms: int
    weight: float
    state: State = field(default_factory=State)
    seen: int = -1
    born_ms: int | None = None
    own: dict[int, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Upload:
    ends_ms: int
    size: int
    period: int
    """By the statistics."""
    booked: int
    """By the store, whose caps count."""


class Fleet:
    """One run. `cap` is the hard cap in bytes."""

    def __init__(self, seed: int, assumed: Assumed, real: Real, rule: str = GRANTS, cap: int = 1_000_000) -> None:
        self.chance = random.Random(seed)
        self.assumed, self.real, self.rule, self.cap = assumed, real, rule, cap
        self.limit = cap * 1_000_000 // (1_000_000 - assumed.reserve_ppm)
        period = Period("month", "UTC", 1, 7_200_000)
        self.meter = Meter("ingress_bytes", self.limit, cap * assumed.soft_ppm // 1_000_000, cap, period)
        bucket = Bucket("b", "b", "id", "c", "active", assumed.writers, {}, (self.meter,), (self.meter,))
        names = [f"r{n}" for n in range(len(real.fleets))]
        # fmt: off
        self.repositories = {
            name: Repository(
                name, "id", "S3", "NORMAL", None, "name", assumed.skew_s * 1000, assumed.upload_s * 1000,
                assumed.ttl_s * 1000, 10**12, 10**12, "read_only", "ordered", 950_000, 0, 0, 15_000, 5_000, 3,
                ("b",), {}, ("b",),
            )
            for name in names
        }
        # fmt: on
        self.policies = {
            name: Policy(
                1,
                "",
                self.repositories,
                {"b": bucket if not real.own_fleet_only else _with_writers(bucket, real.fleets[n])},
            )
            for n, name in enumerate(names)
        }
        self.writers = [
            self._writer(f"{name}.{w}", name) for n, name in enumerate(names) for w in range(real.fleets[n])
        ]
        if real.hot:
            for writer in self.writers[1:]:
                writer.weight = 0.02
        self.poller_offset = self._offset()
        self.snapshots: list[tuple[int, Usage]] = []
        self.uploads: list[Upload] = []
        self.memory: tuple = ()
        self.high = {0: 0, 1: 0}

    def _writer(self, name: str, repository: str) -> Writer:
        weight = self.chance.choice((0.3, 1.0, 1.0, 2.0))
        return Writer(name, self.repositories[repository], self._offset(), self.chance.randrange(2_000), weight)

    def _offset(self) -> int:
        """Of one clock: two of them differ by the skew at most."""
        half = self.real.skew_s * 500
        return self.chance.randint(-half, half)

    def played(self) -> int:
        """The larger use of both periods at the end, in ppm of what may be used at most, the reserve included."""
        poll_ms, real = self.assumed.poll_s * 1000, self.real
        length = real.polls * poll_ms
        self.rollover_ms = length * 2 if real.rollover_poll is None else real.rollover_poll * poll_ms + 7_000
        weights = sum(w.weight for w in self.writers)
        mean = max(1, self.cap // (60 * len(self.writers)))
        per_ms = self.cap * real.demand_ppm / 1_000_000 / length / mean
        waiting: list[tuple[int, int, str]] = []
        for n, writer in enumerate(self.writers):
            heapq.heappush(waiting, (self._gap(per_ms * writer.weight / weights, 0), n, "write"))
        for poll in range(real.polls):
            if self.chance.random() >= real.missed_polls:
                heapq.heappush(waiting, (poll * poll_ms + self.chance.randrange(2_000), -1, "poll"))
        if real.foreign_ppm:
            heapq.heappush(waiting, (length * 9 // 10, -1, "foreign"))
        while waiting:
            now, n, what = heapq.heappop(waiting)
            if now > length + poll_ms * 3:
                break
            if what == "poll":
                self._poll(now)
            elif what == "foreign":
                self._upload(now, self.limit * self.real.foreign_ppm // 1_000_000)
            else:
                writer = self.writers[n]
                if self.chance.random() < real.crashes:
                    writer.state, writer.own = State(), {}
                    writer.born_ms = now + writer.offset_ms if real.cautious else None
                self._write(writer, now, 1 + self.chance.randrange(2 * mean))
                heapq.heappush(waiting, (now + self._gap(per_ms * writer.weight / weights, now), n, "write"))
        sums = [sum(u.size for u in self.uploads if u.booked == period) for period in (0, 1)]
        return max(sums) * 1_000_000 // self.limit

    def _gap(self, rate: float, now: int) -> int:
        third = self.real.polls * self.assumed.poll_s * 1000 // 3
        rate *= self.real.burst if third < now < third + self.assumed.poll_s * 2000 else 1.0
        return 1 + int(self.chance.expovariate(rate))

    def _poll(self, now: int) -> None:
        by_clock = now + self.poller_offset
        known_until = now - self.chance.randint(0, self.real.lag_s * 1000)
        period = int(by_clock >= self.rollover_ms)
        for p in (0, 1):
            counted = sum(u.size for u in self.uploads if u.ends_ms <= known_until and u.period == p)
            self.high[p] = max(self.high[p], counted)
        in_grace = period and by_clock < self.rollover_ms + self.assumed.grace_s * 1000
        counted = max if self.rule == LARGER else sum
        used = counted(self.high.values()) if in_grace else self.high[period]
        terms = self.assumed.terms
        as_of = by_clock - terms.lag_ms
        made = share_out(
            (self.meter.soft, self.meter.hard),
            used,
            self.memory,
            name="g",
            now_ms=by_clock,
            as_of_ms=as_of,
            terms=terms,
        )
        self.memory = made.memory
        meter = MeterUse(str(period), used, made.grants[0].size, made.grants[1].size, None)
        use = BucketUse("ok", {"ingress_bytes": meter}, made.expires_ms, 1, "ONLINE", 0, 0)
        seq = len(self.snapshots) + 1
        self.snapshots.append((now, Usage(1, seq, "", by_clock, as_of, terms.poll_ms, {"b": use})))

    def _write(self, writer: Writer, now: int, size: int) -> None:
        newest = max((i for i, (at, _) in enumerate(self.snapshots) if at + writer.delay_ms <= now), default=-1)
        if newest > writer.seen and self.chance.random() >= self.real.missed_reads:
            writer.seen = newest
        if writer.seen < 0:
            return
        usage = self.snapshots[writer.seen][1]
        if self.rule not in {GRANTS, LARGER}:
            used = usage.buckets["b"].meters["ingress_bytes"].used
            own = writer.own.get(usage.seq, 0) if self.rule == OWN_BYTES else 0
            if used + own + size <= self.cap:
                writer.own[usage.seq] = writer.own.get(usage.seq, 0) + size
                self._upload(now + self.chance.randrange(self.real.upload_s * 1000 + 1), size)
            return
        policy = self.policies[writer.repository.name]
        view = View(policy, writer.repository, usage, 0, writer.name, False, True, writer.born_ms)
        by_clock = now + writer.offset_ms
        if standing(view, writer.state.local("b"), by_clock, "b", size).tier != "closed":
            writer.state = charged(writer.state, view, by_clock, "b", size)
            self._upload(now + self.chance.randrange(self.real.upload_s * 1000 + 1), size)

    def _upload(self, ends: int, size: int) -> None:
        booked = ends >= self.rollover_ms + self.real.books_late_s * 1000
        self.uploads.append(Upload(ends, size, int(ends >= self.rollover_ms), int(booked)))


def _with_writers(bucket: Bucket, writers: int) -> Bucket:
    return Bucket("b", "b", "id", "c", "active", writers, {}, bucket.meters, bucket.written)
