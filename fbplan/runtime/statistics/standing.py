"""How one meter stands: what was read now, beside what is remembered. Use in a period never falls by itself."""

from collections.abc import Mapping
from enum import Enum
from typing import NamedTuple, Protocol

from fbplan.runtime.calendar import Span
from fbplan.runtime.statistics.rows import Odd


class Seen(Protocol):
    """What is remembered of one meter of one bucket."""

    @property
    def highs(self) -> Mapping[str, int]:
        """Period → the largest use that was seen in it; of the last two periods."""

    @property
    def as_of_ms(self) -> int:
        """Whatever ended before this is in the last of them."""


class Freshness(Enum):
    """How the number came about."""

    FRESH = "fresh"
    STALE = "stale"
    """What was read last still counts, and as of then."""
    UNKNOWN = "unknown"
    """Nothing was ever read in this period."""


class Standing(NamedTuple):
    """One meter. `used` is 0 only where the statistics said so, or with UNKNOWN."""

    span: Span
    used: int
    highs: Mapping[str, int]
    as_of_ms: int
    freshness: Freshness
    why: str = ""
    """Why it is not fresh."""
    fell: tuple[str, int, int] | None = None
    """Period, use seen before and use read now, where that is less."""


def standing(
    spans: tuple[Span, ...],
    found: Mapping[str, int] | Odd,
    known: Seen | None,
    as_of_ms: int,
    *,
    may_fall: bool = False,
) -> Standing:
    """The larger of what was seen and what is read, in this period and, while its grace lasts, the one before.

    After a fall the statistics are not to be relied on: their date stands still, so that grants shrink and end, until
    they are back where they were or somebody who looked says that the fall is right (`may_fall`).
    """
    before: Mapping[str, int] = known.highs if known is not None else {}
    read: Mapping[str, int] = {} if isinstance(found, Odd) else found
    fallen = [
        (key, before[key], read[key]) for key in read if key in before and read[key] < before[key] and not may_fall
    ]
    highs = {
        span.key: read[span.key]
        if may_fall and span.key in read
        else max(before.get(span.key, 0), read.get(span.key, 0))
        for span in spans
        if span.key in read or span.key in before
    }
    counted = [span for span in spans if span.key in highs]
    last = known.as_of_ms if known is not None else as_of_ms
    if not counted:
        return Standing(spans[0], 0, dict(before), last, Freshness.UNKNOWN, found.why if isinstance(found, Odd) else "")
    # of two equal ones the one before: it is the one that ends next
    span = max(reversed(counted), key=lambda one: highs[one.key])
    shown = span, highs[span.key], highs
    if isinstance(found, Odd):
        return Standing(*shown, last, Freshness.STALE, found.why)
    if fallen:
        key, high, low = fallen[0]
        return Standing(*shown, last, Freshness.STALE, f"use fell from {high} to {low} bytes in {key}", fallen[0])
    return Standing(*shown, as_of_ms, Freshness.FRESH)
