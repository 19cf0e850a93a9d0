"""What is noted down while a simulation runs."""

from __future__ import annotations

from collections.abc import Iterable

from fbplan.runtime.decision import Candidate
from fbplan.simulation.result import Reached, RepositoryCourse, Switch
from fbplan.simulation.writing import Stepped

SETTLED_MS = 900_000
"""A switch is one when it lasts this long: near a cap the bytes of a fleet part for some minutes."""
_AT_A_CAP = frozenset({"2.last", "2.closed", "4.hold", "4.min"})


class CapTally:
    """When the caps of a bucket turned writes away, period by period."""

    def __init__(self) -> None:
        self._found: dict[str, Reached] = {}

    def see(self, period: str, at_ms: int, *, soft: bool, hard: bool) -> None:
        known = self._found.get(period, Reached(period, None, None))
        self._found[period] = Reached(
            period,
            at_ms if soft and known.soft_ms is None else known.soft_ms,
            at_ms if hard and known.hard_ms is None else known.hard_ms,
        )

    def decided(self, period: str, at_ms: int, candidate: Candidate, *, is_simple: bool) -> None:
        """Learn from a decision with which a step began. A share that was used up is no cap that was reached."""
        if candidate.rule in _AT_A_CAP and (is_simple or not candidate.own):
            self.see(period, at_ms, soft=True, hard=candidate.tier == "closed")

    def reached(self) -> tuple[Reached, ...]:
        return tuple(self._found[period] for period in sorted(self._found))


class RepositoryTally:
    """Where the bytes of one repository went."""

    def __init__(self, name: str, writers: int) -> None:
        self.name, self.writers = name, writers
        self._wanted = self._written = self._closed_ms = 0
        self._bands: list[tuple[int, int]] = []
        self._switches: list[Switch] = []
        self._current: str | None = None
        self._coming: tuple[str | None, int] | None = None
        self._has_begun = False

    def see(self, start_ms: int, end_ms: int, wanted: int, found: Stepped) -> None:
        """Note one step."""
        self._wanted += wanted
        self._written += wanted - found.refused
        length = end_ms - start_ms
        closed_ms = length * found.refused // wanted if wanted else length * found.is_closed
        self._closed_ms += closed_ms
        is_closed = 2 * closed_ms > length
        if is_closed and self._bands and self._bands[-1][1] == start_ms:
            self._bands[-1] = (self._bands[-1][0], end_ms)
        elif is_closed:
            self._bands.append((start_ms, end_ms))
        if wanted:
            self._went(None if is_closed else max(found.taken, key=lambda name: found.taken[name]), start_ms, end_ms)

    def _went(self, bucket: str | None, start_ms: int, end_ms: int) -> None:
        if not self._has_begun:
            self._current, self._has_begun = bucket, True
        elif bucket == self._current:
            self._coming = None
        else:
            if self._coming is None or self._coming[0] != bucket:
                self._coming = bucket, start_ms
            since = self._coming[1]
            if end_ms - since >= SETTLED_MS:
                self._switches.append(Switch(since, self._current, bucket))
                self._current, self._coming = bucket, None

    def course(self) -> RepositoryCourse:
        return RepositoryCourse(
            self.name,
            self.writers,
            self._wanted,
            self._written,
            self._closed_ms,
            tuple(_long(self._bands)),
            tuple(self._switches),
        )


def _long(bands: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """The bands, those that almost touch as one, without those that are no longer than a few polls."""
    out: list[tuple[int, int]] = []
    for start, end in bands:
        if out and start - out[-1][1] < SETTLED_MS:
            out[-1] = (out[-1][0], end)
        else:
            out.append((start, end))
    return [(start, end) for start, end in out if end - start >= SETTLED_MS]
