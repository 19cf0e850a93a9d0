"""The three ways in which this API writes a moment (api/README.md §7)."""

from __future__ import annotations

from datetime import UTC, date, datetime

DAY = 24 * 3600
MINUTE = 60


def moment(text: str) -> datetime:
    """ISO 8601, a day alone being its midnight, without an offset UTC. Raises ValueError."""
    try:
        read = datetime.fromisoformat(text)
        return (read if read.tzinfo else read.replace(tzinfo=UTC)).astimezone(UTC)
    except OverflowError as fault:
        raise ValueError(str(fault)) from fault


def day_of_number(text: str) -> date:
    """A day from ddmmyyyy as a number, which has lost the leading zero of the first nine days. Raises ValueError."""
    if not (text.isascii() and text.isdigit() and len(text) in {7, 8}):
        raise ValueError(f"{text!r} is not ddmmyyyy")
    padded = text.zfill(8)
    return date(int(padded[4:]), int(padded[2:4]), int(padded[:2]))


def number_of_day(day: date) -> int:
    """A day as a ddmmyyyy number, without the leading zero."""
    return day.day * 1_000_000 + day.month * 10_000 + day.year
