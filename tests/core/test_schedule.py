"""Steps run after those they need, never more at once than allowed, and what was begun is waited for."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fbplan.apply.schedule import in_order
from fbplan.outcome import Outcome, Result
from fbplan.plan import Phase, Step


def steps_of(needs: dict[str, tuple[str, ...]]) -> dict[str, Step]:
    return {name: Step(name, name, "create", Phase.EXPAND, of) for name, of in needs.items()}


def done(step: Step) -> Outcome:
    return Outcome(step.id, step.address, step.verb, Result.DONE)


def run(
    steps: dict[str, Step],
    most: int,
    carry_out: Callable[[Step], Outcome] = done,
    begins: Callable[[Step], bool] = lambda _: True,
    is_over: Callable[[], bool] = lambda: False,
) -> tuple[list[str], tuple[Step, ...]]:
    ended: list[str] = []
    left = in_order(steps, most, begins, carry_out, lambda outcome: ended.append(outcome.step), is_over)
    return ended, left


@st.composite
def graphs(draw: st.DrawFn) -> dict[str, Step]:
    names = [str(n) for n in range(draw(st.integers(1, 25)))]
    return steps_of(
        {name: tuple(draw(st.sets(st.sampled_from(names[:n]))) if n else ()) for n, name in enumerate(names)}
    )


@given(graphs(), st.integers(0, 5))
def test_every_step_runs_once_and_after_those_it_needs(steps: dict[str, Step], most: int) -> None:
    ended, left = run(steps, most)
    assert sorted(ended) == sorted(steps)
    assert left == ()
    assert all(ended.index(needed) < ended.index(step.id) for step in steps.values() for needed in step.needs)


def test_what_does_not_begin_is_over_for_those_that_need_it() -> None:
    asked: list[str] = []

    def begins(step: Step) -> bool:
        asked.append(step.id)
        return step.id != "a"

    ended, _ = run(steps_of({"a": (), "b": ("a",)}), 2, begins=begins)
    assert asked == ["a", "b"]
    assert ended == ["b"]


def test_as_many_run_at_once_as_allowed_and_no_more() -> None:
    together, peak, lock = 0, 0, threading.Lock()
    meeting = threading.Barrier(3)

    def carry_out(step: Step) -> Outcome:
        nonlocal together, peak
        with lock:
            together += 1
            peak = max(peak, together)
        meeting.wait(10)
        with lock:
            together -= 1
        return done(step)

    ended, _ = run(steps_of({str(n): () for n in range(12)}), 3, carry_out)
    assert len(ended) == 12
    assert peak == 3


def test_what_is_cut_short_is_named_and_not_waited_for() -> None:
    release = threading.Event()

    def carry_out(step: Step) -> Outcome:
        if step.id == "hangs":
            release.wait(10)
        return done(step)

    try:
        ended, left = run(steps_of({"hangs": (), "after": ("hangs",)}), 2, carry_out, is_over=lambda: True)
    finally:
        release.set()
    assert [step.id for step in left] == ["hangs"]
    assert ended == []


def test_a_fault_of_the_program_waits_for_what_is_in_flight() -> None:
    has_begun, kept = threading.Event(), []

    def carry_out(step: Step) -> Outcome:
        if step.id == "broken":
            assert has_begun.wait(10)
            raise RuntimeError("a fault of the program")
        has_begun.set()
        kept.append(step.id)
        return done(step)

    with pytest.raises(RuntimeError):
        run(steps_of({"broken": (), "beside": ()}), 2, carry_out)
    assert kept == ["beside"]
