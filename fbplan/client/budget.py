"""One budget of retries for a whole run, so that many workers do not each knock five times at a dead API."""

from __future__ import annotations

import threading

CAPACITY = 10.0
REFILL = 0.5
"""What an answer gives back: up to a third of all calls may fail in passing without an end to the retries."""


class RetryBudget:
    """A bucket of tokens: each retry takes one, each good answer gives a part of one back. Safe across threads."""

    def __init__(self, capacity: float = CAPACITY) -> None:
        self._most = self._left = capacity
        self._lock = threading.Lock()

    def spend(self) -> bool:
        """Take one retry; False when none is left, and then nothing may be repeated."""
        with self._lock:
            if self._left < 1:
                return False
            self._left -= 1
            return True

    def refill(self) -> None:
        with self._lock:
            self._left = min(self._most, self._left + REFILL)
