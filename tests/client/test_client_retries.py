"""What is repeated, how often, after what wait, and when it ends (one budget and two deadlines)."""

from __future__ import annotations

import threading
import time
from typing import Any

import httpx
import pytest
from client_world import Clock, Server, in_threads, session
from pytest_httpx import HTTPXMock

from fbplan.client.auth import Identity
from fbplan.client.backoff import backoff, wait_asked
from fbplan.client.budget import RetryBudget
from fbplan.client.session import Session
from fbplan.client.settings import Settings, Timeouts
from fbplan.errors import Ambiguous, ApiFault, ExitCode, Unreachable
from fbplan.secrets import Secret


def dead(*_: Any) -> Any:
    return 502, b"<html>"


def refusing(*_: Any) -> Any:
    raise httpx.ConnectError("[Errno 111] Connection refused")


def busy(*_: Any) -> Any:
    return 429, {"success": False, "message": "Too many requests"}


@pytest.mark.parametrize("answer", [dead, refusing])
def test_eight_workers_share_one_budget_of_retries_against_a_dead_api(answer: Any) -> None:
    server = Server(answer)
    with session(server) as s:
        found = in_threads(8, lambda: s.read("/workspace"))
    assert [type(fault) for fault in found] == [Unreachable] * 8
    assert len(server.requests) == 8 + 10  # each once, and ten retries between them: not five for each
    assert any(fault.why.endswith("the retries of this run are used up") for fault in found)


def test_later_calls_of_the_run_find_the_budget_spent() -> None:
    server = Server(dead)
    with session(server) as s:
        for _ in range(4):
            with pytest.raises(Unreachable):
                s.read("/workspace")
    assert len(server.requests) == 5 + 5 + 3 + 1


def test_good_answers_refill_the_budget_but_never_above_its_size() -> None:
    budget = RetryBudget(2)
    assert [budget.spend() for _ in range(3)] == [True, True, False]
    budget.refill()
    assert not budget.spend()
    for _ in range(20):
        budget.refill()
    assert [budget.spend() for _ in range(3)] == [True, True, False]


def test_a_run_in_which_every_fourth_read_fails_in_passing_goes_on() -> None:
    server = Server(lambda *_: dead() if len(server.requests) % 4 == 0 else (200, {"workspaces": []}))
    with session(server) as s:
        for _ in range(200):
            s.read("/workspace")


def test_many_calls_turned_away_by_one_congestion_cost_one_retry() -> None:
    clock, sent = Clock(), threading.Barrier(8)
    asleep = threading.Barrier(8, action=lambda: clock.sleep(0.5))

    def answer(*_: Any) -> Any:
        if clock.slept:
            return 200, {"workspaces": []}
        sent.wait(60)
        return busy()

    with session(Server(answer), clock, sleep=lambda _: asleep.wait(60), jitter=lambda: 0.0) as s:
        spent: list[bool] = []
        s._budget.spend = lambda: spent.append(True) or True  # type: ignore[method-assign]
        assert len(in_threads(8, lambda: s.read("/workspace"))) == 8
    assert spent == [True]


@pytest.mark.parametrize(
    ("tries", "jitter", "wait"), [(1, 0.0, 1.0), (1, 1.0, 2.0), (2, 0.5, 3.0), (3, 0.0, 4.0), (30, 1.0, 30.0)]
)
def test_jitter_is_equal_half_certain_half_drawn_and_bounded(tries: int, jitter: float, wait: float) -> None:
    assert backoff(tries, 2.0, lambda: jitter) == wait


def test_the_jitter_comes_from_the_injected_source() -> None:
    drawn, clock = iter([0.0, 1.0, 0.5, 0.0, 0.0]), Clock()
    with session(Server(dead), clock, jitter=lambda: next(drawn)) as s, pytest.raises(Unreachable):
        s.read("/workspace")
    assert clock.waited == 0.25 + 1.0 + 1.5 + 2.0


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("0", 0.0),
        (" 12 ", 12.0),
        ("Thu, 01 Jan 1970 00:02:00 GMT", 20.0),
        ("Thu, 01 Jan 1970 00:00:00 GMT", 0.0),
        ("Thu, 01 Jan 1970 00:02:00 -0100", 3620.0),
        ("", None),
        ("1.5", None),
        ("Thu, 99 Foo", None),
        (None, None),
    ],
)
def test_a_retry_after_is_read_or_is_none(header: str | None, seconds: float | None) -> None:
    assert wait_asked(header, None, 100.0) == seconds


@pytest.mark.parametrize(
    "header", ["Thu Jan  1 00:02:00 1970", "Thursday, 01-Jan-70 00:02:00 GMT", "Thu, 01 Jan 1970 00:02:00 -0000"]
)
def test_an_http_date_is_utc_in_every_form_wherever_this_machine_is(
    header: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    try:
        assert wait_asked(header, None, 100.0) == 20.0
        assert wait_asked("Thu, 01 Jan 1970 00:02:10 GMT", header, 9e9) == 10.0
    finally:
        monkeypatch.undo()
        time.tzset()


def test_a_date_counts_from_that_of_the_answer_and_not_from_a_clock_that_runs_ahead() -> None:
    clock = Clock()  # in 2026; the server lives in 1970
    dates = {"date": "Thu, 01 Jan 1970 00:00:00 GMT", "retry-after": "Thu, 01 Jan 1970 00:00:40 GMT"}
    answers = iter([(429, {"success": False}, dates), (200, {"workspaces": []})])
    with session(Server(lambda *_: next(answers)), clock) as s:
        s.read("/workspace")
    assert clock.waited == 40.0


@pytest.mark.parametrize("asked", ["0", "Thu, 01 Jan 1970 00:00:00 GMT"])
def test_a_wait_that_is_over_already_is_never_shorter_than_the_ordinary_backoff(asked: str) -> None:
    clock = Clock()
    server = Server(lambda *_: (429, {"success": False}, {"retry-after": asked}))
    with session(server, clock, jitter=lambda: 0.0) as s, pytest.raises(Unreachable):
        s.read("/workspace")
    assert (len(server.requests), clock.waited) == (5, 0.25 + 0.5 + 1.0 + 2.0)


def test_a_wait_longer_than_the_action_may_take_ends_at_once_and_names_it() -> None:
    clock = Clock()
    server = Server(lambda *_: (429, {"success": False}, {"retry-after": "86400"}))
    with session(server, clock) as s, pytest.raises(Unreachable) as caught:
        s.write("POST", "/repo", {})
    assert (clock.slept, len(server.requests)) == ([], 1)
    assert caught.value.what == "the API asked to slow down: a wait of 24 h, and there is no time for it"
    assert caught.value.why == "this action may take 5 min, of which 5 min are left"
    assert "--timeout action=" in caught.value.next
    assert caught.value.exit_code is ExitCode.UNREACHABLE


def test_the_same_wait_is_sat_out_when_the_action_may_take_that_long() -> None:
    clock = Clock()
    answers = iter([(429, {"success": False}, {"retry-after": "86400"}), (200, {"success": True})])
    with session(Server(lambda *_: next(answers)), clock, action=90_000, run=100_000) as s:
        s.write("POST", "/repo", {})
    assert clock.waited == 86_400


def test_an_action_ends_when_its_time_is_up_and_says_what_it_waited_for() -> None:
    clock = Clock()
    with session(Server(refusing), clock, action=1.0) as s, pytest.raises(Unreachable) as caught:
        s.write("POST", "/repo", {})
    assert clock.waited < 1
    assert str(caught.value) == (
        "POST /repo: the time for this action ran out: https://api.example cannot be reached "
        "(no connection: [Errno 111] Connection refused); 1 s are allowed"
    )


def test_a_run_ends_when_its_time_is_up_whatever_the_action_may_take() -> None:
    clock, server = Clock(), Server(lambda *_: (200, {"workspaces": []}))
    with session(server, clock, run=600) as s:
        s.read("/workspace")
        clock.time += 601
        with pytest.raises(Unreachable) as caught:
            s.read("/workspace")
    assert len(server.requests) == 1
    assert caught.value.what == "the time for this run ran out"
    assert caught.value.why == "nothing of it was sent yet; 10 min are allowed"


def test_a_wall_clock_that_jumps_changes_no_deadline() -> None:
    clock = Clock()
    with session(Server(lambda *_: (200, {"workspaces": []})), clock) as s:
        clock.offset += 10**8
        s.read("/workspace")


def test_a_write_in_flight_when_the_time_is_up_is_ambiguous_and_sent_once() -> None:
    clock = Clock()

    def answer(*_: Any) -> Any:
        clock.time += 400
        raise httpx.ReadTimeout("late")

    server = Server(answer)
    with session(server, clock) as s, pytest.raises(Ambiguous) as caught:
        s.write("POST", "/repo", {})
    assert len(server.requests) == 1
    assert caught.value.why == "ReadTimeout: no answer within the 5 min that this action may take (--timeout action)"


def test_a_read_in_flight_when_the_time_is_up_is_unreachable() -> None:
    clock = Clock()

    def answer(*_: Any) -> Any:
        clock.time += 400
        raise httpx.ReadTimeout("late")

    server = Server(answer)
    with session(server, clock) as s, pytest.raises(Unreachable) as caught:
        s.read("/workspace")
    assert len(server.requests) == 1
    assert caught.value.what == "the time for this action ran out"
    assert caught.value.why.startswith(
        "GET /workspace: the connection broke before the answer came (ReadTimeout: no answer"
    )


def test_an_answer_that_trickles_in_is_cut_at_the_deadline(httpx_mock: HTTPXMock) -> None:
    clock = Clock()

    class Trickle(httpx.SyncByteStream):
        def __iter__(self) -> Any:
            for _ in range(100):
                clock.time += 29  # always sooner than the read timeout
                yield b" "

    httpx_mock.add_response(stream=Trickle())
    with session(None, clock) as s, pytest.raises(Ambiguous) as caught:
        s.write("POST", "/repo", {})
    assert "still coming after the 5 min" in caught.value.why
    assert clock.time < 1_000 + 400


@pytest.mark.parametrize(
    ("is_slow", "settings", "expected"),
    [
        (False, {}, {"connect": 10.0, "read": 30.0, "write": 30.0, "pool": 30.0}),
        (True, {}, {"connect": 10.0, "read": 120.0, "write": 30.0, "pool": 30.0}),
        (
            True,
            {"connect": 1, "read": 2, "write": 3, "create": 4, "pool": 5},
            {"connect": 1, "read": 4, "write": 3, "pool": 5},
        ),
        (True, {"action": 7}, {"connect": 7, "read": 7, "write": 7, "pool": 7}),
    ],
)
def test_each_timeout_reaches_the_request_and_none_outlasts_the_action(
    httpx_mock: HTTPXMock, is_slow: bool, settings: Any, expected: Any
) -> None:
    httpx_mock.add_response(json={"success": True})
    with session(None, **settings) as s:
        s.write("POST", "/bucket", {}, is_slow=is_slow)
    (request,) = httpx_mock.get_requests()
    assert request.extensions["timeout"] == expected


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        (httpx.ConnectTimeout("x"), "no connection within 10 s"),
        (httpx.PoolTimeout("x"), "no connection was free within 30 s"),
        (httpx.ConnectError("[Errno 111] Connection refused"), "no connection: [Errno 111] Connection refused"),
    ],
)
def test_what_never_left_is_repeated_also_for_a_write_and_says_why(fault: Exception, told: str) -> None:
    def answer(*_: Any) -> Any:
        raise fault

    server = Server(answer)
    with session(server) as s, pytest.raises(Unreachable) as caught:
        s.write("POST", "/repo", {})
    assert len(server.requests) == 5
    assert caught.value.why == told


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
@pytest.mark.parametrize(
    "fault", [httpx.ReadTimeout, httpx.WriteError, httpx.RemoteProtocolError, ConnectionResetError]
)
def test_a_write_whose_answer_was_lost_is_never_repeated(method: str, fault: type[Exception]) -> None:
    def answer(*_: Any) -> Any:
        raise fault("x")

    server = Server(answer)
    with session(server) as s, pytest.raises(Ambiguous):
        s.remove("/repo/1") if method == "DELETE" else s.write(method, "/repo/1", {})
    assert len(server.requests) == 1


def test_a_write_that_is_turned_away_is_repeated_five_times_and_no_more() -> None:
    server, clock = Server(busy), Clock()
    with session(server, clock) as s, pytest.raises(Unreachable) as caught:
        s.write("POST", "/repo", {})
    assert len(server.requests) == 5
    assert (
        str(caught.value) == "POST /repo: the API keeps asking to slow down: 5 tries were turned away with status 429"
    )


def test_a_refusal_is_final() -> None:
    server = Server(lambda *_: (400, {"success": False, "message": "no"}))
    with session(server) as s, pytest.raises(ApiFault):
        s.read("/workspace")
    assert len(server.requests) == 1


def test_a_login_finds_a_connection_while_every_worker_holds_one() -> None:
    with Session(Settings("http://x", 3, Timeouts()), Identity(Secret("t"))) as s:
        assert s._transport._http._pool._max_connections == 4  # type: ignore[attr-defined]
