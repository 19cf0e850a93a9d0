"""What was really written to each bucket, and what the statistics, which are late, know of it."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable

from fbplan.runtime.calendar import Span, span_at
from fbplan.runtime.policy import Period


class Book:
    """The bytes of one bucket since the beginning of time. Between two entries they flow evenly."""

    def __init__(self, start_ms: int, used: int) -> None:
        self._times, self._sums = [start_ms], [used]
        self._first = used

    @property
    def total(self) -> int:
        """Bytes written, those before the start included."""
        return self._sums[-1]

    @property
    def written(self) -> int:
        return self._sums[-1] - self._first

    def enter(self, end_ms: int, count: int) -> None:
        """Bytes that flowed from the last entry to now."""
        self._times.append(end_ms)
        self._sums.append(self._sums[-1] + count)

    def until(self, ms: int) -> int:
        """Bytes written up to a time."""
        index = bisect_right(self._times, ms)
        if index == 0:
            return self._first
        if index == len(self._times):
            return self._sums[-1]
        start, end = self._times[index - 1], self._times[index]
        below, above = self._sums[index - 1], self._sums[index]
        return below + (above - below) * (ms - start) // (end - start)

    def use(self, span: Span, ms: int) -> int:
        """Bytes of a period, as of a time. What was there before the start counts in the period of the start."""
        begins = self._times[0]
        before = 0 if span.starts_ms <= begins else self.until(span.starts_ms)
        return max(0, self.until(ms) - before)


class Calendar:
    """The periods of one cap, looked up once each."""

    def __init__(self, period: Period) -> None:
        self.period = period
        self._span: Span | None = None

    def at(self, ms: int) -> Span:
        found = self._span
        if found is None or ms < found.starts_ms or (found.ends_ms is not None and ms >= found.ends_ms):
            found = self._span = span_at(self.period, ms)
        return found


def turns(periods: Iterable[Period], start_ms: int, end_ms: int) -> tuple[int, ...]:
    """Every time at which a period begins or its grace ends: no step of a simulation may cross one."""
    found = set()
    for period in set(periods):
        at = span_at(period, start_ms)
        found.add(at.starts_ms + period.grace_ms)
        while at.ends_ms is not None and at.ends_ms < end_ms:
            found |= {at.ends_ms, at.ends_ms + period.grace_ms}
            at = span_at(period, at.ends_ms)
    return tuple(sorted(ms for ms in found if start_ms < ms < end_ms))
