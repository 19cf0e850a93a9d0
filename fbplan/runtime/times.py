"""Times as integer milliseconds since 1970 in UTC, and back, without a library: every language gets the same."""

from __future__ import annotations

import re

from fbplan.runtime.form import Part, Unusable

DAY_MS = 86_400_000
_STAMP = r"([0-9]{4})-([0-9]{2})-([0-9]{2})T([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.([0-9]{1,9}))?Z"
_MONTHS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


def day_number(year: int, month: int, day: int) -> int:
    """Days since 1970-01-01 of a date of the Gregorian calendar."""
    year -= month <= 2
    era, of_era = divmod(year, 400)
    of_year = (153 * (month + (-3 if month > 2 else 9)) + 2) // 5 + day - 1
    return era * 146_097 + of_era * 365 + of_era // 4 - of_era // 100 + of_year - 719_468


def date_of(day: int) -> tuple[int, int, int]:
    """(year, month, day) of a day number: the reverse of `day_number`."""
    era, of_era = divmod(day + 719_468, 146_097)
    year = (of_era - of_era // 1_460 + of_era // 36_524 - of_era // 146_096) // 365
    of_year = of_era - (365 * year + year // 4 - year // 100)
    shifted = (5 * of_year + 2) // 153
    month = shifted + (3 if shifted < 10 else -9)
    return year + era * 400 + (month <= 2), month, of_year - (153 * shifted + 2) // 5 + 1


def stamp_ms(text: str) -> int | None:
    """Milliseconds of an RFC 3339 time in UTC (`…Z`), cut off below the millisecond; None when it is none."""
    found = re.fullmatch(_STAMP, text)
    if found is None:
        return None
    year, month, day, hour, minute, second = map(int, found.groups()[:6])
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    if not 1 <= month <= 12 or hour > 23 or minute > 59 or second > 59 or year == 0:
        return None
    if not 1 <= day <= _MONTHS[month - 1] + (leap and month == 2):
        return None
    fraction = int((found[7] or "0")[:3].ljust(3, "0"))
    return day_number(year, month, day) * DAY_MS + ((hour * 60 + minute) * 60 + second) * 1000 + fraction


def stamp_of(ms: int) -> str:
    """RFC 3339 in UTC; milliseconds only where there are any."""
    day, rest = divmod(ms, DAY_MS)
    seconds, fraction = divmod(rest, 1000)
    year, month, day_of_month = date_of(day)
    clock = f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
    return f"{year:04}-{month:02}-{day_of_month:02}T{clock}{f'.{fraction:03}' if fraction else ''}Z"


def time_in(part: Part, key: str) -> int:
    """The time that a document states under `key`."""
    found = stamp_ms(part.text(key))
    if found is None:
        raise Unusable("shape", f"{part.at}.{key}: no RFC 3339 time in UTC".lstrip("."))
    return found
