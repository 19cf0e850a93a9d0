"""Whether to stop, and why. A signal only leaves a mark here: what is in flight is finished and recorded first."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

SLICE = 0.1
"""Seconds between looks at the mark while waiting. The handler may not touch a lock: the thread that it interrupts may
hold it."""

RECORDED = b"\nstopped at once; what was on the way stands in the journal: run the same command again to finish\n"
UNRECORDED = (
    b"\nstopped at once; with `ledger: none` nothing tells what was on the way: see what is there with fbplan plan\n"
)


class Stop:
    """The mark that a signal leaves. Safe to read from any thread."""

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        leave: Callable[[int], object] = os._exit,
        last_words: bytes = RECORDED,
    ) -> None:
        self.number = 0
        """The first signal that came; 0 for none."""
        self.at = 0.0
        self._clock, self._leave, self._last_words = clock, leave, last_words

    @property
    def is_requested(self) -> bool:
        return self.number != 0

    @property
    def seconds(self) -> float:
        """How long ago the first signal came."""
        return self._clock() - self.at if self.number else 0.0

    def request(self, number: int) -> None:
        """The first signal asks for an orderly stop. A second one leaves at once, with the last words."""
        if self.number:
            os.write(2, self._last_words)
            self._leave(128 + number)
        self.number, self.at = number, self._clock()

    def sleep(self, seconds: float) -> None:
        """Sleep, and wake up early when a signal comes."""
        end = self._clock() + seconds
        while not self.number and (left := end - self._clock()) > 0:
            time.sleep(min(SLICE, left))

    @contextmanager
    def listening(self, told: Callable[[str], None]) -> Iterator[None]:
        """SIGINT and SIGTERM leave their mark here for as long as the block runs."""

        def mark(number: int, frame: FrameType | None) -> None:
            del frame
            self.request(number)
            told(f"{signal.Signals(number).name}: finishing what is in flight, starting nothing new")

        before = {n: signal.signal(n, mark) for n in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def leave_now(self, code: int) -> None:
        """End the process without waiting for threads that still hang in a call. Everything is recorded by then."""
        sys.stdout.flush()
        sys.stderr.flush()
        self._leave(code)
