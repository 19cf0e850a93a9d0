"""How long a step of a simulation may be: one poll near a cap, many polls that are all alike far from any.

Far is: every share that a poll could grant until the end of the step has room for twice what a writer writes between
two polls; or none of them has room for a single object, or the cap has closed the bucket, so that nothing can change.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence

from fbplan.runtime.grants import TIERS
from fbplan.runtime.policy import Bucket
from fbplan.runtime.usage import Usage
from fbplan.simulation.polling import Poller
from fbplan.simulation.result import Terms
from fbplan.simulation.schedule import HOUR_MS, Schedule
from fbplan.simulation.writing import Fleet


class Pace:
    """The ends of the steps; `turns` are the times that no step may cross."""

    def __init__(
        self, schedule: Schedule, buckets: Mapping[str, Bucket], poller: Poller, terms: Terms, turns: Sequence[int]
    ) -> None:
        self._start_ms, self._end_ms, self._turns = schedule.start_ms, schedule.end_ms, turns
        self._buckets, self._poller, self._terms = buckets, poller, terms

    def end(self, now_ms: int, usage: Usage, fleets: Sequence[Fleet]) -> int:
        """The end of the step that begins now."""
        calm_ms = max(self._terms.calm_ms, self._terms.poll_ms)
        is_calm = all(self._is_calm(bucket, usage, now_ms, fleets) for bucket in self._buckets.values())
        index = bisect_right(self._turns, now_ms)
        bounds = (
            self._end_ms,
            now_ms - (now_ms - self._start_ms) % HOUR_MS + HOUR_MS,
            now_ms - now_ms % calm_ms + calm_ms if is_calm else now_ms + self._terms.poll_ms,
            self._turns[index] if index < len(self._turns) else self._end_ms,
        )
        return min(bounds)

    def _is_calm(self, bucket: Bucket, usage: Usage, now_ms: int, fleets: Sequence[Fleet]) -> bool:
        routed = [fleet for fleet in fleets if bucket.name in fleet.order]
        if not bucket.written or not routed or bucket.state != "active":
            return True
        if any(fleet.is_ramping for fleet in routed):
            return False
        hour = (now_ms - self._start_ms) // HOUR_MS
        peaks = [(fleet, fleet.flow.peak(hour)) for fleet in routed]
        ahead = sum(peak for _, peak in peaks) * (2 * self._terms.calm_ms + self._terms.lag_ms) // HOUR_MS
        need = max(
            fleet.flow.size + 2 * -(-peak * self._terms.poll_ms // HOUR_MS // fleet.writers) for fleet, peak in peaks
        )
        least = min(fleet.flow.size for fleet in routed)
        rounds = 1 if self._terms.is_simple else self._poller.grant_terms[bucket.name].rounds
        for cap in bucket.written:
            meter = usage.buckets[bucket.name].meters[cap.name]
            if any(fleet.is_opening(bucket.name, meter.period) for fleet in routed):
                return False
            used = meter.used
            for tier, level in zip(TIERS, (cap.soft, cap.hard), strict=True):
                if all(fleet.holds(bucket.name, tier) for fleet in routed):
                    continue
                share = max(0, level - used) // rounds // bucket.writers
                later = max(0, level - used - ahead) // rounds // bucket.writers
                if share >= least and later < need:
                    return False
        return True
