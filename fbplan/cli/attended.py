"""A command that hears a signal whatever it waits for: the work has a thread of its own, and the main thread listens.

Python hands a signal to the main thread between two of its steps: one that hangs in a call never gets there.

    reading     nothing is lost by leaving: it ends at once, and gives the lock back
    writing     what is in flight, then the books, then the lock: each has its share of the grace
    a second signal leaves at once, always
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import wait
from contextlib import nullcontext
from typing import TYPE_CHECKING, NoReturn, TypeVar

import click

from fbplan.bounded import LOOK, begun
from fbplan.cli.grace import SPARE, Grace
from fbplan.cli.output import story
from fbplan.cli.stop import FINISHING, Stop
from fbplan.errors import Interrupted

if TYPE_CHECKING:
    from fbplan.cli.leasing import Tenancy

LEAVING = 2.0
"""Seconds for giving the lock back where nothing was written. Only a store that hangs needs them."""
NO_GRACE = Grace(0.0)
T = TypeVar("T")


def attended(stop: Stop, work: Callable[[], T], tenancy: Tenancy | None = None, grace: Grace = NO_GRACE) -> T:
    """What the work returns or raises. After a signal it does not return: the process ends, with whatever still hangs."""
    with stop.listening():
        future, is_told = begun(_in_context(work)), False
        while not wait([future], LOOK).done:
            if stop.is_requested and not stop.is_writing:
                _leave(stop, tenancy)
            if stop.is_requested and not is_told:
                story(f"{stop.name}: {FINISHING}")
                is_told = True
            if stop.seconds > grace.end + SPARE:
                _leave_hanging(stop, tenancy)
        try:
            found = future.result()
        except Interrupted:
            if stop.is_requested:  # raised only where nothing was written yet
                _leave(stop, tenancy, min(LEAVING, max(SPARE, grace.end - stop.seconds)))
            raise
        if stop.is_requested and not stop.is_writing:
            _leave(stop, tenancy)
        return found


def _in_context(work: Callable[[], T]) -> Callable[[], T]:
    """The work, with the command that runs: click keeps that by thread."""
    context = click.get_current_context(silent=True)

    def carry_out() -> T:
        with context.scope(cleanup=False) if context is not None else nullcontext():
            return work()

    return carry_out


def _leave(stop: Stop, tenancy: Tenancy | None, within: float = LEAVING) -> NoReturn:
    story(f"interrupted ({stop.name}); nothing was written to the API")
    if tenancy is not None:
        tenancy.give_back(within)
    stop.leave(stop.code)


def _leave_hanging(stop: Stop, tenancy: Tenancy | None) -> NoReturn:
    """Something hangs that no bound of its own was made for: the journal has what was sent."""
    os.write(2, stop.last_words)
    if tenancy is not None:
        tenancy.give_back(SPARE)
    stop.leave(stop.code)
