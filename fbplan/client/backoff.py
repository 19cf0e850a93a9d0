"""How long to wait before a repeat: what the API asks for, or equal jitter over a doubling delay."""

from __future__ import annotations

import email.utils
from collections.abc import Callable

LONGEST = 30.0
"""Where the doubling ends. A wait that the API asks for is not cut: a deadline decides about it."""


def backoff(tries: int, first: float, jitter: Callable[[], float]) -> float:
    """Equal jitter: half of the delay is certain, half is drawn. `first` is the longest delay after the first try.

    The certain half keeps a wait from being none at all, as full jitter allows: here one process waits, with one
    throttle for its workers, and needs rest for the API more than distance to others.
    """
    delay = min(LONGEST, first * 2.0 ** (tries - 1))
    return float(delay / 2 + delay / 2 * jitter())


def wait_asked(retry_after: str | None, now: float) -> float | None:
    """Seconds that a `Retry-After` asks for, in either form (seconds or a date); None when it says nothing clear."""
    if retry_after is None:
        return None
    text = retry_after.strip()
    if text.isascii() and text.isdigit():
        return float(text[:12])
    try:
        then = email.utils.parsedate_to_datetime(text)
        return max(0.0, then.timestamp() - now)
    except (ValueError, OverflowError):
        return None
