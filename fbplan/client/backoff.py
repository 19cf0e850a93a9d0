"""How long to wait before a repeat: what the API asks for, or equal jitter over a doubling delay."""

from __future__ import annotations

import email.utils
from collections.abc import Callable
from datetime import UTC

LONGEST = 30.0
"""Where the doubling ends. A wait that the API asks for is not cut: a deadline decides about it."""


def backoff(tries: int, first: float, jitter: Callable[[], float]) -> float:
    """Equal jitter: half of the delay is certain, half is drawn. `first` is the longest delay after the first try.

    The certain half keeps a wait from being none at all, as full jitter allows: here one process waits, with one
    throttle for its workers, and needs rest for the API more than distance to others.
    """
    delay = min(LONGEST, first * 2.0 ** (tries - 1))
    return float(delay / 2 + delay / 2 * jitter())


def wait_asked(retry_after: str | None, date: str | None, now: float) -> float | None:
    """Seconds that a `Retry-After` asks for, in either form (seconds or a date); None when it says nothing clear.

    A date counts from the answer's own `Date`, since the clock that wrote both is not ours; from `now` without one.
    """
    if retry_after is None:
        return None
    text = retry_after.strip()
    if text.isascii() and text.isdigit():
        return float(text[:12])
    until, since = _unix(text), _unix(date or "")
    return None if until is None else max(0.0, until - (now if since is None else since))


def _unix(date: str) -> float | None:
    """An HTTP date in any of its forms: always UTC, although two of them do not say so (RFC 9110 §5.6.7)."""
    try:
        found = email.utils.parsedate_to_datetime(date)
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None
