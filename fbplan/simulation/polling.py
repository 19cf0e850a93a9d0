"""The poller in virtual time: late statistics in, a usage snapshot with expiring grants out."""

from __future__ import annotations

from collections.abc import Mapping

from fbplan.runtime.calendar import Span
from fbplan.runtime.grants import Grant, share_out, terms_of
from fbplan.runtime.grants import Terms as GrantTerms
from fbplan.runtime.policy import WRITTEN, Bucket, Meter, Policy
from fbplan.runtime.statistics.standing import Standing, standing
from fbplan.runtime.statistics.use import STORED, spans_at
from fbplan.runtime.usage import BucketUse, MeterUse, Usage
from fbplan.simulation.books import Book, Calendar
from fbplan.simulation.result import Terms


class Poller:
    """One poll after another; `graced` names the buckets whose use is still the larger of two periods."""

    def __init__(self, policy: Policy, books: Mapping[str, Book], terms: Terms, start_ms: int) -> None:
        self._policy, self._books, self._terms, self._start_ms = policy, books, terms, start_ms
        self.grant_terms: dict[str, GrantTerms] = {
            name: terms_of(policy, name, terms.poll_ms, terms.max_lag_ms) for name in policy.buckets
        }
        self.calendars = {
            (name, cap.name): Calendar(cap.period) for name, bucket in policy.buckets.items() for cap in bucket.meters
        }
        self._memory: dict[str, tuple[Grant, ...]] = dict.fromkeys(policy.buckets, ())
        self._standings: dict[str, Standing] = {}
        self._seq = 0
        self.graced: frozenset[str] = frozenset()

    def poll(self, now_ms: int) -> Usage:
        """The snapshot that is published now and read at once."""
        self._seq += 1
        graced: set[str] = set()
        uses = {name: self._bucket(bucket, now_ms, graced) for name, bucket in self._policy.buckets.items()}
        self.graced = frozenset(graced)
        as_of_ms = now_ms - self._terms.max_lag_ms
        return Usage(self._policy.generation, self._seq, "", now_ms, as_of_ms, self._terms.poll_ms, uses)

    def _bucket(self, bucket: Bucket, now_ms: int, graced: set[str]) -> BucketUse:
        terms = self.grant_terms[bucket.name]
        known_ms = now_ms - self._terms.lag_ms
        meters: dict[str, MeterUse] = {}
        for cap in bucket.meters:
            if cap.name == WRITTEN:
                meters[cap.name] = self._written(bucket.name, cap, now_ms, known_ms, terms, graced)
            else:
                # nothing is deleted, and nothing is said of reads
                stored = self._books[bucket.name].until(known_ms) if cap.name == STORED else 0
                meters[cap.name] = MeterUse("none", stored, 0, 0, None)
        return BucketUse("ok", meters, now_ms + terms.ttl_ms, 1, "ONLINE", 0, 0)

    def _written(
        self, name: str, cap: Meter, now_ms: int, known_ms: int, terms: GrantTerms, graced: set[str]
    ) -> MeterUse:
        book, as_of_ms = self._books[name], now_ms - self._terms.max_lag_ms
        spans = spans_at(cap, now_ms)
        read = {span.key: self._read(book, span, known_ms) for span in spans}
        stands = standing(spans, read, self._standings.get(name), as_of_ms)
        self._standings[name] = stands
        if stands.span is not spans[0]:
            graced.add(name)
        made = share_out(
            (cap.soft, cap.hard),
            stands.used,
            self._memory[name],
            name=name,
            now_ms=now_ms,
            as_of_ms=as_of_ms,
            terms=terms,
        )
        self._memory[name] = made.memory
        soft, hard = made.grants
        return MeterUse(stands.span.key, stands.used, soft.size, hard.size, stands.span.ends_ms)

    def _read(self, book: Book, span: Span, known_ms: int) -> int:
        """What the statistics say of a period. Nobody knows what was used in one that ended before the start."""
        if span.ends_ms is not None and span.ends_ms <= self._start_ms:
            return 0
        if self._start_ms < span.starts_ms and known_ms < span.starts_ms:
            return 0
        return book.use(span, known_ms if span.ends_ms is None else min(known_ms, span.ends_ms))
