"""Use of one meter in its period, from what the statistics say."""

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from fbplan.runtime.calendar import Span, span_at
from fbplan.runtime.policy import Meter, Policy
from fbplan.runtime.statistics.rows import Odd, Row, Total
from fbplan.runtime.times import DAY_MS

STORED = "stored_bytes"
AT_ONCE = 50
"""Ids in one request: a URL has its limits."""
_FIELDS: Mapping[str, str] = {"ingress_bytes": "up", "egress_bytes": "down", STORED: "change"}


class BucketReading(NamedTuple):
    """What was read of one bucket in one poll."""

    rows: tuple[Row, ...] | Odd
    total: Total | Odd


def is_level(meter: Meter) -> bool:
    """Whether the meter shows what is there now, which may fall, instead of what has passed."""
    return meter.name == STORED


def spans_at(meter: Meter, at_ms: int) -> tuple[Span, ...]:
    """The period that counts; in the grace after its start also the one before, which then counts as well."""
    if is_level(meter):
        return (Span("none", 0, None),)  # a month that ends empties no bucket
    span = span_at(meter.period, at_ms)
    if span.ends_ms is not None and at_ms < span.starts_ms + meter.period.grace_ms:
        return span, span_at(meter.period, span.starts_ms - 1)
    return (span,)


def asked_days(policy: Policy, at_ms: int) -> tuple[int, int]:
    """The first and the last moment of the daily rows that the policy's periods need."""
    first_ms = min(
        (
            span.starts_ms
            for b in policy.buckets.values()
            for m in b.meters
            for span in spans_at(m, at_ms)
            if span.ends_ms
        ),
        default=at_ms,
    )
    # a day earlier: where a day begins is up to the API, and rows outside of the period do no harm
    return first_ms // DAY_MS * DAY_MS - DAY_MS, at_ms // DAY_MS * DAY_MS + DAY_MS - 1000


def asked_at_once(ids: Iterable[str]) -> Iterator[list[str]]:
    """The ids of one request after another."""
    left = sorted(set(ids))
    for start in range(0, len(left), AT_ONCE):
        yield left[start : start + AT_ONCE]


def unknown_zones(policy: Policy) -> list[str]:
    """The time zones of the policy that this machine has no rules for: it would take them for UTC."""
    from zoneinfo import ZoneInfo

    out = []
    for tz in sorted({meter.period.tz for bucket in policy.buckets.values() for meter in bucket.meters} - {"UTC"}):
        try:
            ZoneInfo(tz)
        except (KeyError, ValueError, OSError):
            out.append(tz)
    return out


def sums(meter: Meter, spans: tuple[Span, ...], found: BucketReading) -> Mapping[str, int] | Odd:
    """Bytes per period, by its key.

    Daily rows are summed; a day that lies in two periods (a time zone other than UTC) counts in both. What has no
    beginning, and what is stored, comes from the lifetime totals. That there are no rows is believed of a bucket that
    the totals know.
    """
    field = _FIELDS[meter.name]
    if spans[0].ends_ms is None:
        if isinstance(found.total, Odd):
            return found.total
        return {spans[0].key: max(0, getattr(found.total, field))}
    if isinstance(found.rows, Odd):
        return found.rows
    if not found.rows and isinstance(found.total, Odd):
        return Odd(f"there are no rows, and no word that this means no use: {found.total.why}")
    return {span.key: sum(getattr(row, field) for row in found.rows if _is_in(row, span)) for span in spans}


def _is_in(row: Row, span: Span) -> bool:
    return row.at_ms + DAY_MS > span.starts_ms and (span.ends_ms is None or row.at_ms < span.ends_ms)
