"""Times of a simulation as they are shown: in UTC, with the year only where it is needed."""

from __future__ import annotations

from fbplan.runtime.times import DAY_MS, date_of, day_number, stamp_ms, stamp_of

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

stamp, at = stamp_of, stamp_ms


def date(ms: int) -> str:
    """`1 Nov 2026`."""
    year, month, day = date_of(ms // DAY_MS)
    return f"{day} {_MONTHS[month - 1]} {year}"


def span(start_ms: int, end_ms: int) -> str:
    """The first day and the last, as text; a single day stands alone."""
    first, last = date(start_ms), date(end_ms - 1)
    return first if first == last else f"{first} – {last}"


def moment(ms: int) -> str:
    """`12 Nov 02:41`, cut off below the minute."""
    _, month, day = date_of(ms // DAY_MS)
    minutes = ms % DAY_MS // 60_000
    return f"{day:>2} {_MONTHS[month - 1]} {minutes // 60:02}:{minutes % 60:02}"


def days(start_ms: int, end_ms: int) -> list[tuple[int, str]]:
    """(time, label) of each midnight from start to end; the label names the month at the first and at each turn."""
    out = []
    first = -(-start_ms // DAY_MS)
    for number in range(first, end_ms // DAY_MS + 1):
        _, month, day = date_of(number)
        is_named = number == first or day == 1
        out.append((number * DAY_MS, f"{day} {_MONTHS[month - 1]}" if is_named else str(day)))
    return out


def hours(start_ms: int, end_ms: int, every: int) -> list[tuple[int, str]]:
    """(time, label) of each so-many-th hour of the days from start to end; midnight is named by its date."""
    step = every * 3_600_000
    out = []
    for ms in range(-(-start_ms // step) * step, end_ms + 1, step):
        _, month, day = date_of(ms // DAY_MS)
        out.append((ms, f"{day} {_MONTHS[month - 1]}" if ms % DAY_MS == 0 else f"{ms % DAY_MS // 3_600_000:02}:00"))
    return out


def month_starts(start_ms: int, end_ms: int) -> list[int]:
    """Midnight of each first of a month inside."""
    found = []
    year, month, _ = date_of(start_ms // DAY_MS)
    while (at := day_number(year, month, 1) * DAY_MS) < end_ms:
        if at > start_ms:
            found.append(at)
        year, month = (year, month + 1) if month < 12 else (year + 1, 1)
    return found
