"""One throttle for all workers: a 429 halves how many calls run at once, quiet times bring them back one by one."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from fbplan.client.deadline import Deadline
from fbplan.client.waiting import Waiting

POLL = 0.1
"""How soon a call that waits for a slot sees a stop; a slot that comes free wakes it at once."""


@dataclass(frozen=True, slots=True)
class _Pause:
    """A time in which nothing starts. One object is one pause: whoever sat it out is done with it."""

    until: float
    why: str


class Throttle:
    """A limit on calls in flight that adapts; safe across threads.

    An episode is what lies between two halvings. A call knows the episode in which it started, so that eight calls
    turned away by one congestion halve the limit once: those that started before the last halving say nothing new.
    """

    def __init__(self, limit: int, waiting: Waiting) -> None:
        self._most = self._limit = max(1, limit)
        self._running = self._quiet = self._episode = 0
        self._pause: _Pause | None = None
        self._waiting = waiting
        self._changed = threading.Condition()

    @property
    def limit(self) -> int:
        return self._limit

    @contextmanager
    def slot(self, deadline: Deadline, call: str) -> Iterator[int]:
        """Hold one of the slots, and know the episode; waits while the limit is reached or a pause was asked for.

        Raises Interrupted when the run is stopped while it waits, Unreachable when the deadline would pass.
        """
        episode = self._enter(deadline, call)
        try:
            yield episode
        finally:
            with self._changed:
                self._running -= 1
                self._changed.notify_all()

    def _enter(self, deadline: Deadline, call: str) -> int:
        sat_out: _Pause | None = None
        while True:
            with self._changed:
                while self._running >= self._limit:
                    self._waiting.check(call)
                    if deadline.left(self._waiting.clock()) <= 0:
                        raise deadline.missed(call, "it waited for its turn among the calls that may run at once")
                    self._changed.wait(POLL)
                pause = self._pause
                if pause is None or pause is sat_out or pause.until <= self._waiting.clock():
                    self._running += 1
                    return self._episode
            self._waiting.sit_out(pause.until - self._waiting.clock(), pause.why, deadline, call)
            sat_out = pause

    def slow_down(self, episode: int, seconds: float, why: str) -> bool:
        """A 429 came: half the calls, once an episode, and none for so many seconds. Whether it was the first."""
        with self._changed:
            is_first = episode == self._episode
            if is_first:
                self._limit, self._quiet = max(1, self._limit // 2), 0
                self._episode += 1
            until = self._waiting.clock() + seconds
            if self._pause is None or until > self._pause.until:
                self._pause = _Pause(until, why)
            self._changed.notify_all()
            return is_first

    def went_well(self, episode: int) -> None:
        """After as many good answers as there are slots, one comes back. Calls from before a halving do not count."""
        with self._changed:
            if episode != self._episode:
                return
            self._quiet += 1
            if self._limit < self._most and self._quiet >= self._limit:
                self._limit, self._quiet = self._limit + 1, 0
                self._changed.notify_all()
