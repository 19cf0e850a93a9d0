"""Work that may hang: it has a thread of its own, which is waited for only while there is time, and holds nobody up."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, wait
from threading import Thread
from typing import TypeVar

LOOK = 0.1
"""Seconds between looks at whether there is time left; an end of the work is seen at once."""
T = TypeVar("T")


class OutOfTime(Exception):
    """The work has not ended, and nobody waits for it any more. It may still end, or never."""


def begun(work: Callable[[], T]) -> Future[T]:
    """Begin the work. Its thread does not keep the process alive."""
    future: Future[T] = Future()

    def carry_out() -> None:
        try:
            future.set_result(work())
        except BaseException as fault:  # noqa: BLE001 — not handled here: whoever asks for the result gets it
            future.set_exception(fault)

    Thread(target=carry_out, name="fbplan work", daemon=True).start()
    return future


def until(is_over: Callable[[], bool], work: Callable[[], T]) -> T:
    """What the work returns or raises; OutOfTime once `is_over` says so."""
    future = begun(work)
    while not wait([future], LOOK).done:
        if is_over():
            raise OutOfTime
    return future.result()
