"""What holds for every decision and every write of one process."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from runtime_world import T0, meter, policy_document, usage_document, view_of

from fbplan.runtime.calendar import key_before, span_at
from fbplan.runtime.course import begin, proceed, settled, told
from fbplan.runtime.decision import decide
from fbplan.runtime.flight import Answer
from fbplan.runtime.policy import Period
from fbplan.runtime.record import write_record
from fbplan.runtime.rules import RULES
from fbplan.runtime.state import Hold, Local, State, charged, failed, tokens_at
from fbplan.runtime.tuning import SLOTS, TOKENS
from fbplan.runtime.view import Request
from fbplan.runtime.words import why

ANSWERS = st.builds(
    Answer,
    st.sampled_from([200, 200, 200, 0, 400, 401, 403, 408, 412, 429, 500, 503, 507]),
    st.sampled_from(["", "", "QUOTA_EXCEEDED", "SlowDown", "AccessDenied"]),
    st.sampled_from([None, 0, 900, 40_000]),
    st.booleans(),
    st.integers(0, 2**32 - 1),
)
WRITES = st.tuples(st.integers(0, 20_000), st.integers(0, 400), st.booleans())


def fly(view, state, now, request, answers, founds):
    """A write to its end; the tries that it made."""
    state, flight = begin(view, state, now, request)
    for _ in range(60):
        match flight.action.do:
            case "try":
                now += 7
                state, flight = told(state, flight, now, answers())
            case "head":
                state, flight = settled(state, flight, now, founds())
            case "wait" | "reload":
                now += flight.action.ms
                state, flight = proceed(state, flight, now)
            case _:
                return state, flight, now
    raise AssertionError("a write without an end")


@pytest.mark.parametrize("grants", [True, False])
@settings(max_examples=60)
@given(st.data())
def test_whatever_stores_answer_no_more_is_sent_than_the_caps_and_grants_allow(grants, data):
    policy = policy_document({n: {"meters": [meter(1000, reserve_ppm=50_000)]} for n in "abc"})
    use = {n: {"used": 300, "soft": 200, "hard": 500} for n in "abc"} if grants else None
    view = view_of(policy, usage_document(use) if use else None)
    most = 500 if grants else 950
    state, now, sent = State(), T0, dict.fromkeys("abc", 0)
    founds = lambda: data.draw(st.sampled_from(["equal", "absent", "different", "unknown"]))  # noqa: E731
    for gap, size, repeatable in data.draw(st.lists(WRITES, max_size=12)):
        now += gap if not grants else gap // 10
        given = []
        answers = lambda: given.append(data.draw(ANSWERS)) or given[-1]  # noqa: B023, E731
        state, flight, now = fly(view, state, now, Request(size, repeatable), answers, founds)
        for attempt in flight.attempts:
            sent[attempt.bucket] += size
        record = write_record(flight)
        assert flight.hops <= 3
        assert record["rule"] in RULES
        assert why(record).count("\n") >= 1 + len(flight.attempts)
        assert repeatable or not any(answer.was_sent for answer in given[:-1]), "half-written twice"
    assert max(sent.values()) <= most


@given(st.lists(st.tuples(st.integers(0, 200_000), st.integers(0, 50)), max_size=200))
def test_own_bytes_that_are_merged_are_never_forgotten_early(writes):
    view = view_of(policy_document({"a": {"meters": [meter(10**9)]}}))
    state, now, started = State(), T0, []
    for gap, size in writes:
        now += gap
        state = charged(state, view, now, "a", size)
        started.append((now, size))
    slots = state.local("a").slots
    assert len(slots) <= SLOTS
    for cut in {start for start, _ in slots}:
        assert sum(c for s, c in slots if s >= cut) >= sum(c for at, c in started if at >= cut)
    assert sum(c for _, c in slots) == sum(c for _, c in started)


def test_a_decision_changes_nothing_and_is_the_same_again():
    view = view_of(policy_document(), usage_document({n: {"used": 1000, "soft": 0, "hard": 0} for n in "abc"}))
    state = State()
    first = decide(view, state, T0, Request(1))
    assert decide(view, state, T0, Request(1)) == first
    assert (state, first.bucket) == (State(), None)


def test_the_rest_of_a_bucket_doubles_up_to_five_minutes():
    state, rests = State(), []
    for _ in range(12):
        state = failed(state, 0, "a")
        rests.append(state.local("a").rests_until_ms)
    assert rests == [0, 5_000, 10_000, 20_000, 40_000, 80_000, 160_000, *[300_000] * 5]


def test_tokens_come_back_and_never_exceed_their_most():
    state = State(tokens=0, tokens_ms=T0)
    assert (tokens_at(state, T0), tokens_at(state, T0 + 1_500), tokens_at(state, T0 + 10**9)) == (0, 1_500, TOKENS)


@given(
    st.integers(31_536_000, 4_070_908_800),
    st.integers(1, 28),
    st.sampled_from(["UTC", "Europe/Paris", "America/St_Johns", "Asia/Kolkata"]),
)
def test_a_period_contains_the_time_it_is_asked_for_and_begins_at_midnight_there(when, anchor, tz):
    now = when * 1000
    span = span_at(Period("month", tz, anchor, 0), now)

    assert span.starts_ms <= now < span.ends_ms
    begins = datetime.fromtimestamp(span.starts_ms // 1000, UTC).astimezone(ZoneInfo(tz))
    assert (begins.day, begins.hour, begins.minute, f"{begins:%Y-%m}") == (anchor, 0, 0, span.key)
    assert span_at(Period("month", tz, anchor, 0), span.starts_ms - 1).key == key_before(span.key)


def test_a_policy_without_a_ramp_that_came_in_the_middle_of_one_ends_it_also_when_the_clock_was_set_back():
    view = view_of(
        policy_document(select={"hysteresis": {"ramp_s": 0}}),
        usage_document({"a": {"used": 0, "soft": 90, "hard": 90}}),
    )
    lifted = Hold(T0, 1, "2026-11", T0 + 1000, 1)
    state = State().put("a", Local(soft=lifted, hard=lifted))

    assert decide(view, state, T0, Request(1)).candidates[0].rule == "2.open"
