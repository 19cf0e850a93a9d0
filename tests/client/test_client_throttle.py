"""What a 429 does to all workers, and what ends a wait."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from client_world import Clock, Server, in_threads, session

from fbplan.client.deadline import Deadline
from fbplan.client.throttle import Throttle
from fbplan.client.waiting import Waiting
from fbplan.errors import Interrupted, Unreachable

FOREVER = Deadline("action", 10**9, 10**9)


def throttle(limit: int = 8, clock: Clock | None = None, told: list[str] | None = None) -> Throttle:
    clock = clock or Clock()
    heard = told if told is not None else []
    return Throttle(limit, Waiting(clock.sleep, lambda: False, heard.append, clock))


def test_eight_calls_turned_away_by_one_congestion_halve_once() -> None:
    subject = throttle(8)
    assert [subject.slow_down(0, 1, "x") for _ in range(8)] == [True] + [False] * 7
    assert subject.limit == 4


def test_a_call_that_started_after_a_halving_halves_again() -> None:
    subject = throttle(8)
    subject.slow_down(0, 1, "x")
    with subject.slot(FOREVER, "GET /x") as episode:
        assert subject.slow_down(episode, 1, "x")
    assert subject.limit == 2


def test_the_limit_never_goes_below_one() -> None:
    subject = throttle(2)
    for episode in range(4):
        subject.slow_down(episode, 1, "x")
    assert subject.limit == 1


def test_recovery_is_one_slot_for_as_many_good_answers_as_there_are_slots() -> None:
    subject = throttle(8)
    subject.slow_down(0, 0, "x")
    limits = []
    for _ in range(9):
        subject.went_well(1)
        limits.append(subject.limit)
    assert limits == [4, 4, 4, 5, 5, 5, 5, 5, 6]


def test_answers_to_calls_from_before_the_congestion_are_no_recovery() -> None:
    subject = throttle(2)
    subject.slow_down(0, 0, "x")
    subject.went_well(0)
    assert subject.limit == 1


def test_eight_workers_in_one_congestion_halve_once_and_tell_of_it_once() -> None:
    clock, told, limits = Clock(), list[str](), list[int]()
    sent = threading.Barrier(8)
    asleep = threading.Barrier(8, action=lambda: clock.sleep(0.5))  # all eight sleep at once, so time passes once

    def answer(method: str, path: str, body: Any, token: str) -> Any:
        if clock.slept:
            return 200, {"workspaces": []}
        sent.wait(60)
        return 429, {"success": False}, {"retry-after": "3"}

    with session(Server(answer), clock, told=told.append, sleep=lambda _: asleep.wait(60)) as s:

        def work() -> Any:
            found = s.read("/workspace")
            limits.append(s.throttle.limit)
            return found

        assert in_threads(8, work) == [{"workspaces": []}] * 8
    assert min(limits) >= 4
    assert clock.waited == 3
    assert told == ["waiting 3 s: the API asked to slow down"]


def test_a_wait_is_told_once_and_again_with_what_is_left() -> None:
    told, clock = list[str](), Clock()
    subject = throttle(8, clock, told)
    subject.slow_down(0, 40, "the API asked to slow down")
    with subject.slot(FOREVER, "GET /x"):
        pass
    assert told == [
        "waiting 40 s: the API asked to slow down",
        "still waiting, 25 s left: the API asked to slow down",
        "still waiting, 10 s left: the API asked to slow down",
    ]
    assert clock.waited == 40


def test_a_pause_is_sat_out_even_by_a_clock_that_stands_still() -> None:
    slept = list[float]()
    subject = Throttle(8, Waiting(slept.append, lambda: False, lambda _: None, lambda: 0.0))
    subject.slow_down(0, 2, "x")
    with subject.slot(FOREVER, "GET /x"):
        assert sum(slept) == 2


def test_a_short_wait_is_not_worth_a_line() -> None:
    told = list[str]()
    subject = throttle(8, told=told)
    subject.slow_down(0, 0.9, "x")
    with subject.slot(FOREVER, "GET /x"):
        assert told == []


def test_a_stop_ends_calls_that_wait_for_a_slot_and_leaves_the_one_that_was_sent() -> None:
    stop, sent, finish = threading.Event(), threading.Event(), threading.Event()

    def answer(method: str, path: str, body: Any, token: str) -> Any:
        sent.set()
        assert finish.wait(60)
        return 200, {"workspaces": [path]}

    server = Server(answer)
    with session(server, concurrency=1, stopped=stop.is_set) as s:
        first: list[Any] = []
        worker = threading.Thread(target=lambda: first.append(s.read("/first")))
        worker.start()
        assert sent.wait(60)
        stop.set()
        others = in_threads(3, lambda: s.read("/other"))
        assert [type(fault) for fault in others] == [Interrupted] * 3
        assert first == []
        finish.set()
        worker.join(60)
        assert first == [{"workspaces": ["/first"]}]
    assert [r[1] for r in server.requests] == ["/first"]


def test_a_stop_ends_a_pause_at_the_next_slice_of_sleep() -> None:
    stop, clock = threading.Event(), Clock()

    def sleep(seconds: float) -> None:
        clock.sleep(seconds)
        stop.set()

    server = Server(lambda *_: (429, {"success": False}, {"retry-after": "100"}))
    with session(server, clock, sleep=sleep, stopped=stop.is_set) as s, pytest.raises(Interrupted) as caught:
        s.write("POST", "/repo", {})
    assert len(server.requests) == 1
    assert clock.waited <= 0.5
    assert "nothing of it was sent" in caught.value.why


def test_a_stop_in_a_backoff_ends_the_call() -> None:
    stop, clock = threading.Event(), Clock()

    def answer(*_: Any) -> Any:
        stop.set()
        return 502, b"<html>"

    server = Server(answer)
    with session(server, clock, stopped=stop.is_set) as s, pytest.raises(Interrupted):
        s.read("/workspace")
    assert (len(server.requests), clock.slept) == (1, [])


def test_a_call_that_need_not_wait_is_sent_after_a_stop() -> None:
    """Finishing a step may take a second call: a key whose secret cannot be stored is deleted again."""
    server = Server(lambda *_: (200, {"success": True}))
    with session(server, stopped=lambda: True) as s:
        assert s.remove("/repo/r/apikey/k")


def test_waiting_for_a_slot_ends_with_the_deadline() -> None:
    clock = Clock()
    subject = throttle(1, clock)
    late = Deadline("action", 60, clock() - 1)
    with (
        subject.slot(FOREVER, "GET /x"),
        pytest.raises(Unreachable) as caught,
        subject.slot(late, "GET /y"),
    ):
        pytest.fail("it got a slot")
    assert str(caught.value) == (
        "GET /y: the time for this action ran out: it waited for its turn among the calls that may run at once; "
        "60 s are allowed"
    )
    assert caught.value.next.endswith("--timeout action=…")
