"""Whether to stop, and why. A signal only leaves a mark here; what then ends, and when, is up to `attended`."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn

from fbplan.errors import Interrupted

SLICE = 0.1
"""Seconds between looks at the mark while waiting. The handler may not touch a lock: the thread that it interrupts may
hold it."""

FINISHING = "finishing what is in flight, starting nothing new"
RECORDED = b"\nstopped at once; what was on the way stands in the journal: run the same command again to finish\n"
UNRECORDED = (
    b"\nstopped at once; with `ledger: none` nothing tells what was on the way: see what is there with fbplan plan\n"
)
_HEARD = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
READING = b"\nstopped at once; nothing was written to the API\n"


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
        self._is_writing, self._turn = False, threading.Lock()
        self._clock, self._leave, self.last_words = clock, leave, last_words

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
            os.write(2, self.last_words)
            self._leave(_code(number))
        self.number, self.at = number, self._clock()

    @property
    def code(self) -> int:
        """The exit code of a run that the first signal ended."""
        return _code(self.number)

    @property
    def name(self) -> str:
        """What the first signal is called."""
        return signal.Signals(self.number).name

    @property
    def is_writing(self) -> bool:
        """Whether something may have been written by now: until then nothing is lost by leaving.

        Waits while that is being decided, so not for a handler. Once it says no after a signal, it stays so.
        """
        with self._turn:
            return self._is_writing

    def begin_writing(self, last_words: bytes) -> None:
        """From here on what is in flight is let end. Raises Interrupted when a signal came before."""
        with self._turn:
            if self.number:
                raise interrupted()
            self._is_writing, self.last_words = True, last_words

    def nap(self, seconds: float) -> None:
        """Sleep where a signal ends what is waited for. Raises Interrupted."""
        self.sleep(seconds)
        if self.number:
            raise interrupted()

    def sleep(self, seconds: float) -> None:
        """Sleep, and wake up early when a signal comes."""
        end = self._clock() + seconds
        while not self.number and (left := end - self._clock()) > 0:
            time.sleep(min(SLICE, left))

    @contextmanager
    def listening(self, told: Callable[[str], None] = lambda _: None) -> Iterator[None]:
        """SIGINT, SIGTERM and SIGHUP leave their mark here for as long as the block runs; nohup stays what it is."""

        def mark(number: int, frame: FrameType | None) -> None:
            del frame
            self.request(number)
            told(f"{self.name}: {FINISHING}")

        # a shell starts background jobs deaf to SIGINT, and CI sends it all the same; nohup means what it does
        heard = _HEARD[:2] if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN else _HEARD
        before = {n: signal.signal(n, mark) for n in heard}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def leave(self, code: int) -> NoReturn:
        """End the process, whatever its threads do. Nothing is flushed: one of them may hang in a write."""
        self._leave(code)
        raise SystemExit(code)

    def leave_now(self, code: int) -> None:
        """End the process without waiting for threads that still hang in a call. Everything is recorded by then."""
        sys.stdout.flush()
        sys.stderr.flush()
        self._leave(code)


def _code(number: int) -> int:
    """A terminal that goes away asks for the same as a SIGTERM."""
    return 128 + (signal.SIGTERM if number == signal.SIGHUP else number)


def interrupted() -> Interrupted:
    """The end of what a signal keeps from beginning."""
    return Interrupted("interrupted", "", "nothing was written", "run the same command again")
