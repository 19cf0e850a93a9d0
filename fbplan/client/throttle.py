"""One throttle for all workers: a 429 halves how many calls run at once, quiet times bring them back one by one."""

from __future__ import annotations

import email.utils
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

LONGEST_WAIT = 120.0


class Throttle:
    """A limit on calls in flight that adapts; safe across threads."""

    def __init__(self, limit: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._most = self._limit = max(1, limit)
        self._running = 0
        self._quiet = 0
        self._paused_until = 0.0
        self._clock = clock
        self._changed = threading.Condition()

    @property
    def limit(self) -> int:
        return self._limit

    @contextmanager
    def slot(self) -> Iterator[None]:
        """Hold one of the slots; waits while the limit is reached or a 429 asked for a pause."""
        with self._changed:
            while self._running >= self._limit or (pause := self._paused_until - self._clock()) > 0:
                self._changed.wait(timeout=max(pause, 0.01) if self._running < self._limit else None)
            self._running += 1
        try:
            yield
        finally:
            with self._changed:
                self._running -= 1
                self._changed.notify_all()

    def slow_down(self, seconds: float) -> None:
        """A 429 came: half the calls, and none for so many seconds."""
        with self._changed:
            self._limit = max(1, self._limit // 2)
            self._quiet = 0
            self._paused_until = max(self._paused_until, self._clock() + seconds)
            self._changed.notify_all()

    def went_well(self) -> None:
        """After as many good answers as there are slots, one slot comes back."""
        with self._changed:
            self._quiet += 1
            if self._limit < self._most and self._quiet >= self._limit:
                self._limit, self._quiet = self._limit + 1, 0
                self._changed.notify_all()


def wait_asked(retry_after: str | None, fallback: float, now: float) -> float:
    """Seconds that a `Retry-After` asks for, in either form (seconds or a date); bounded, never negative."""
    if retry_after is None:
        return fallback
    text = retry_after.strip()
    if text.isdigit():
        return min(float(text), LONGEST_WAIT)
    try:
        then = email.utils.parsedate_to_datetime(text)
    except ValueError:
        return fallback
    return min(max(0.0, then.timestamp() - now), LONGEST_WAIT)
