"""When a store says to come back, in milliseconds from now."""

from __future__ import annotations

import email.utils
import time
from collections.abc import Mapping
from datetime import UTC


def retry_after_ms(headers: Mapping[str, str]) -> int | None:
    """Seconds, or a date: that counts from the date of the answer, because the store's clock is its own.

    Names of `headers` are in lower case, or the mapping does not mind.
    """
    stated = headers.get("retry-after", "").strip()
    if stated.isdecimal():
        return int(stated) * 1000
    until = _unix(stated)
    now = _unix(headers.get("date", ""))
    return None if until is None else max(0, round((until - (time.time() if now is None else now)) * 1000))


def _unix(date: str) -> float | None:
    try:
        found = email.utils.parsedate_to_datetime(date)
    except ValueError:
        return None
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
