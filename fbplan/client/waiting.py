"""All waiting: through one `sleep`, told once, ended by a stop, never past a deadline."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from fbplan.client.deadline import Deadline, spoken
from fbplan.errors import Interrupted

SLICE = 0.5
"""The longest sleep in one go: a stop is seen after it, whatever `sleep` is."""
PROGRESS = 15.0
WORTH_TELLING = 1.0
ANOTHER = 5.0
"""How much later than announced a wait for the same reason must end to be told as another one."""


@dataclass(slots=True)
class Waiting:
    """What every wait of a session goes through. Safe across threads."""

    sleep: Callable[[float], None]
    """May return early when the run is stopped."""
    stopped: Callable[[], bool]
    told: Callable[[str], None]
    clock: Callable[[], float]
    _announced: dict[str, float] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def check(self, call: str) -> None:
        """Raises Interrupted when the run was stopped: for calls that wait, of which nothing is sent."""
        if self.stopped():
            raise Interrupted(
                "interrupted",
                call,
                "it was still waiting, and nothing of it was sent",
                "run the same command again to finish",
            )

    def sit_out(self, seconds: float, why: str, deadline: Deadline, call: str) -> None:
        """Wait. Raises Interrupted on a stop, Unreachable at once when the wait is longer than the time left."""
        now = self.clock()
        if seconds > deadline.left(now):
            raise deadline.refused(call, seconds, why, now)
        tells = self._is_news(seconds, why, now)
        if tells:
            self.told(f"waiting {spoken(seconds)}: {why}")
        left, quiet = seconds, 0.0
        while left > 0:
            self.check(call)
            if tells and quiet >= PROGRESS:
                self.told(f"still waiting, {spoken(left)} left: {why}")
                quiet = 0.0
            # Counted, not measured: a clock that stands still or a sleep that returns early must not spin.
            part = min(left, SLICE)
            self.sleep(part)
            left, quiet = left - part, quiet + part
        self.check(call)

    def _is_news(self, seconds: float, why: str, now: float) -> bool:
        """Whether this worker is the one to tell of a wait: many wait for the same, one speaks."""
        with self._lock:
            until = self._announced.get(why, now)
            if seconds < WORTH_TELLING or not (now >= until or now + seconds > until + ANOTHER):
                return False
            self._announced[why] = now + seconds
            return True
