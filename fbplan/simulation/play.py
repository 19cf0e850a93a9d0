"""A schedule played against a policy, step by step, in virtual time. There is no chance in it.

    poller ─ usage ─→ fleet of each repository ─ bytes ─→ book of each bucket ─ late ─→ poller

Rounding, all of it: bytes flow evenly within an hour and within a fleet; a step is one poll near a cap and up to a
quarter of an hour far from any; uploads take no time; a snapshot is read as it is published; what is refused does not
come back; a fleet comes back to a bucket at one point of its ramp. So times are right to a step, and no byte is
invented or lost.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from fbplan.errors import FbplanError
from fbplan.runtime.policy import WRITTEN, Bucket, Meter
from fbplan.runtime.statistics.use import STORED
from fbplan.runtime.usage import Usage
from fbplan.simulation.books import Book, turns
from fbplan.simulation.pace import Pace
from fbplan.simulation.polling import Poller
from fbplan.simulation.result import BucketCourse, CapCourse, Simulation, Terms
from fbplan.simulation.schedule import HOUR_MS, Flow, Schedule
from fbplan.simulation.subject import Subject
from fbplan.simulation.tally import CapTally, RepositoryTally
from fbplan.simulation.writing import Fleet


@dataclass(slots=True)
class _CapRun:
    """One cap while it is played."""

    tally: CapTally = field(default_factory=CapTally)
    peak: int = 0


class _Run:
    def __init__(self, subject: Subject, schedule: Schedule, terms: Terms) -> None:
        self.policy, self.schedule, self.terms = subject.policy, schedule, terms
        self.books = {name: Book(schedule.start_ms, schedule.used.get(name, 0)) for name in self.policy.buckets}
        self.poller = Poller(self.policy, self.books, terms, schedule.start_ms)
        self.fleets = [
            Fleet(self.policy, flow, subject.fleets[flow.repository], is_simple=terms.is_simple)
            for flow in schedule.flows
        ]
        self.tallies = [RepositoryTally(fleet.flow.repository, fleet.writers) for fleet in self.fleets]
        self.caps = {(b.name, cap.name): _CapRun() for b in self.policy.buckets.values() for cap in _capped(b)}
        periods = [cap.period for bucket in self.policy.buckets.values() for cap in bucket.meters]
        ends = turns(periods, schedule.start_ms, schedule.end_ms)
        self.pace = Pace(schedule, self.policy.buckets, self.poller, terms, ends)
        self.steps = 0

    def play(self) -> None:
        now_ms = self.schedule.start_ms
        while now_ms < self.schedule.end_ms:
            usage = self.poller.poll(now_ms)
            end_ms = self.pace.end(now_ms, usage, self.fleets)
            self._step(usage, now_ms, end_ms)
            now_ms = end_ms
            self.steps += 1

    def _step(self, usage: Usage, now_ms: int, end_ms: int) -> None:
        start_ms = self.schedule.start_ms
        polls = max(1, (end_ms - now_ms) // self.terms.poll_ms)
        brought = dict.fromkeys(self.policy.buckets, 0)
        for fleet, tally in zip(self.fleets, self.tallies, strict=True):
            wanted = fleet.flow.until(end_ms - start_ms) - fleet.flow.until(now_ms - start_ms)
            found = fleet.step(usage, now_ms, wanted, polls)
            for name, count in found.taken.items():
                brought[name] += count
            tally.see(now_ms, end_ms, wanted, found)
            for candidate in found.candidates:
                cap = self.caps.get((candidate.bucket, WRITTEN))
                if cap is not None and candidate.bucket not in self.poller.graced:
                    key = self.poller.calendars[candidate.bucket, WRITTEN].at(now_ms).key
                    cap.tally.decided(key, now_ms, candidate, is_simple=self.terms.is_simple)
        for name, book in self.books.items():
            book.enter(end_ms, brought[name])
            for meter in _capped(self.policy.buckets[name]):
                self._weigh(name, meter, now_ms, end_ms)

    def _weigh(self, name: str, meter: Meter, now_ms: int, end_ms: int) -> None:
        """The true use after a step. A step lies in one period."""
        cap = self.caps[name, meter.name]
        used = self._used(name, meter, now_ms, end_ms)
        cap.peak = max(cap.peak, used)
        if meter.name == STORED:
            cap.tally.see("none", end_ms, soft=used >= meter.soft, hard=used >= meter.hard)

    def _used(self, name: str, meter: Meter, in_ms: int, until_ms: int) -> int:
        book = self.books[name]
        if meter.name == STORED:
            return book.until(until_ms)
        return book.use(self.poller.calendars[name, meter.name].at(in_ms), until_ms)

    def bucket(self, bucket: Bucket) -> BucketCourse:
        name, book, start_ms = bucket.name, self.books[bucket.name], self.schedule.start_ms
        ends = range(start_ms + HOUR_MS, self.schedule.end_ms + 1, HOUR_MS)
        meter = next(iter(bucket.written), None)
        return BucketCourse(
            name,
            book.written,
            tuple(self._cap(name, cap) for cap in _capped(bucket)),
            tuple(book.until(end) - book.until(end - HOUR_MS) for end in ends),
            tuple(book.until(end) if meter is None else self._used(name, meter, end - 1, end) for end in ends),
        )

    def _cap(self, name: str, meter: Meter) -> CapCourse:
        cap, end_ms = self.caps[name, meter.name], self.schedule.end_ms
        used = self._used(name, meter, end_ms - 1, end_ms)
        over = max(0, cap.peak - meter.hard) if meter.name == WRITTEN else 0
        return CapCourse(
            meter.name, meter.limit or 0, meter.soft, meter.hard, used, cap.peak, over, cap.tally.reached()
        )


def _capped(bucket: Bucket) -> tuple[Meter, ...]:
    """The caps that writes bring nearer. Nothing is known of reads."""
    return tuple(cap for cap in bucket.meters if cap.limit is not None and cap.name in {WRITTEN, STORED})


def simulate(subject: Subject, schedule: Schedule, terms: Terms | None = None) -> Simulation:
    """Play the schedule. Raises FbplanError when none of its repositories is in the policy.

    A repository that the policy does not have is left out and noted: an older policy may not know it yet.
    """
    known = tuple(flow for flow in schedule.flows if flow.repository in subject.policy.repositories)
    if not known:
        names = ", ".join(sorted(subject.policy.repositories)) or "none"
        raise FbplanError(
            "the schedule writes to no repository of the policy",
            "",
            f"the policy has {names}",
            "name one of them under `repositories:`",
        )
    played = _Run(subject, Schedule(schedule.start_ms, schedule.hours, known, schedule.used), terms or Terms())
    played.play()
    return Simulation(
        schedule.start_ms,
        schedule.end_ms,
        played.terms,
        subject.content_digest,
        tuple(played.bucket(subject.policy.buckets[name]) for name in subject.buckets),
        tuple(tally.course() for tally in played.tallies),
        played.steps,
        (*_notes(subject, schedule, known), *_gaps(played)),
    )


def _notes(subject: Subject, schedule: Schedule, known: tuple[Flow, ...]) -> list[str]:
    names = {flow.repository for flow in known}
    notes = [f"{f.repository}: not in this policy, its writes are left out" for f in schedule.flows if f not in known]
    notes += [
        f"{name}: not in the schedule, writes nothing"
        for name in sorted(subject.policy.repositories)
        if name not in names
    ]
    notes += [
        f"{name}: not a bucket of the policy, what the schedule says was used of it is left out"
        for name in sorted(schedule.used)
        if name not in subject.policy.buckets
    ]
    notes += [
        f"{bucket.name}: its cap on egress_bytes is left out, a schedule says nothing of reads"
        for bucket in subject.policy.buckets.values()
        if any(cap.name == "egress_bytes" and cap.limit is not None for cap in bucket.meters)
    ]
    return notes


def _gaps(played: _Run) -> list[str]:
    """Grants that run out before the next poll: writers stand still in between, which is not played."""
    if played.terms.is_simple:
        return []
    return [
        f"{name}: a grant is good for {(terms.ttl_ms - terms.skew_ms) // 1000} s and polls are "
        f"{terms.poll_ms // 1000} s apart: writers stand still in between, which is left out here"
        for name, terms in played.poller.grant_terms.items()
        if played.policy.buckets[name].written and terms.ttl_ms - terms.skew_ms < terms.poll_ms
    ]
