"""Periods of a meter by the clock of this process. Only a process that counts for itself needs them."""

from typing import NamedTuple

from fbplan.runtime.policy import Period
from fbplan.runtime.times import DAY_MS, date_of, day_number


class Span(NamedTuple):
    """One period; `ends_ms` None never ends."""

    key: str
    starts_ms: int
    ends_ms: int | None


def span_at(period: Period, now_ms: int) -> Span:
    """The period in which `now_ms` lies. Its key is the month in which it started, `2026-11`."""
    if period.kind == "none":
        return Span("none", 0, None)
    shift = _offset_ms(period.tz, now_ms)
    year, month, day = date_of((now_ms + shift) // DAY_MS)
    if day < period.anchor_day:
        year, month = _month_after(year, month, -1)
    following = _month_after(year, month, 1)
    return Span(
        f"{year:04}-{month:02}",
        _start_ms(period, year, month),
        _start_ms(period, *following),
    )


def key_before(key: str) -> str:
    """The key of the period before."""
    if key == "none":
        return key
    year, month = _month_after(int(key[:4]), int(key[5:]), -1)
    return f"{year:04}-{month:02}"


def _month_after(year: int, month: int, by: int) -> tuple[int, int]:
    years, index = divmod(year * 12 + month - 1 + by, 12)
    return years, index + 1


def _start_ms(period: Period, year: int, month: int) -> int:
    local = day_number(year, month, period.anchor_day) * DAY_MS
    # twice, because the offset of the first guess may be that of the other side of a change of clocks
    guess = local - _offset_ms(period.tz, local)
    return local - _offset_ms(period.tz, guess)


def _offset_ms(tz: str, at_ms: int) -> int:
    if tz == "UTC":
        return 0
    from datetime import UTC, datetime, timedelta
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    try:
        zone = ZoneInfo(tz)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return 0  # a machine without time zones: a period is at most 14 hours off
    offset = datetime.fromtimestamp(at_ms // 1000, UTC).astimezone(zone).utcoffset() or timedelta()
    return offset // timedelta(milliseconds=1)
