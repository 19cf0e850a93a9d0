"""The lease in an object store, beat by beat, by clocks of the test."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from obstore.store import MemoryStore
from storage_places import Hands, holder

from fbplan.cli.main import cli
from fbplan.errors import LockHeld
from fbplan.storage.base import Clock
from fbplan.storage.object_calls import Calls
from fbplan.storage.object_lease import SECONDS, Locker, ObjectLease

KEY = "team/ledger.lock"


@pytest.fixture
def calls() -> Calls:
    return Calls(MemoryStore(), "memory")


def locker(calls: Calls, hands: Hands, seconds: float = 30.0) -> Locker:
    return Locker(calls, "memory", KEY, seconds, hands.clock)


def take(calls: Calls, hands: Hands, lease_id: str, wait: float = 0, told=lambda _: None) -> ObjectLease:
    lease = locker(calls, hands).take(holder(lease_id), wait, told, beats=False)
    assert isinstance(lease, ObjectLease)
    return lease


def test_a_lease_lives_as_long_as_its_heart_beats(calls: Calls, hands: Hands) -> None:
    lease = take(calls, hands, "a")
    for beat in range(1, 20):
        hands.time += 10
        assert lease.renew()
        assert lease.is_held()
        assert json.loads(calls.get(KEY).content)["beat"] == beat
    hands.time += 24
    assert lease.is_held()
    hands.time += 2
    assert not lease.is_held()


def test_a_waiter_takes_over_after_a_whole_life_of_silence_by_its_own_clock_and_says_so(calls: Calls) -> None:
    # given two machines whose clocks have nothing in common
    here, there = Hands(), Hands()
    there.time = 5.0
    first = take(calls, here, "a")
    told: list[str] = []
    # when the first says nothing more
    second = take(calls, there, "b", 60, told.append)
    # then
    assert 30 <= there.time - 5 <= 33
    assert second.is_held()
    assert "no heartbeat for 30 s: the lock of ada on runner-7" in told[-1]
    # and the first, whenever it wakes up, learns that it lost
    assert not first.renew()
    assert not first.is_held()


def test_the_lock_timeout_outlasts_the_lease_of_a_killed_run_with_nothing_set(calls: Calls, hands: Hands) -> None:
    """As late as it can be: its last heartbeat came just before the next job looked, and each look takes its time."""
    first = take(calls, hands, "killed")
    hands.time += 10
    first.renew()
    clock = Clock(hands.clock.now, lambda seconds: hands.clock.sleep(seconds + 5))
    command = cli.get_command(None, "apply")  # type: ignore[arg-type]  # needs no context
    assert command is not None
    timeout = next(p.default for p in command.params if p.name == "lock_timeout")

    following = Locker(calls, "memory", KEY, SECONDS, clock).take(
        holder("next"), float(timeout.removesuffix("s")), lambda _: None, beats=False
    )

    assert following.is_held()
    assert not first.is_held()


def test_two_leases_are_never_held_at_once_however_the_beats_fall(calls: Calls) -> None:
    """The waiter sees a beat at once, or as late as it can: in no case is the first still held when the second begins."""
    for offset in range(0, 31, 3):
        shared = Hands()
        calls = Calls(MemoryStore(), "memory")
        first = take(calls, shared, "a")
        shared.time += offset / 10
        first.renew()
        beaten = shared.time
        take(calls, shared, "b", 60)
        assert shared.time - beaten >= 30
        assert not first.is_held()


def test_a_waiter_does_not_take_over_while_the_heart_beats(calls: Calls, hands: Hands) -> None:
    first = take(calls, hands, "a")
    hands.meanwhile = lambda: first.renew() and None
    with pytest.raises(LockHeld):
        take(calls, hands, "b", 300)
    assert first.is_held()


def test_the_life_of_a_lease_is_what_its_holder_says(calls: Calls) -> None:
    here, there = Hands(), Hands()
    locker(calls, here, seconds=5.0).take(holder("a"), 0, print, beats=False)
    take(calls, there, "b", 60)
    assert 5 <= there.time - 1000 <= 8


def test_a_broken_lease_cannot_be_renewed_and_runs_its_time(calls: Calls) -> None:
    """Its holder may be in the middle of a write and has not looked yet: the next one waits until it must have."""
    here, there = Hands(), Hands()
    first = take(calls, here, "a")
    locker(calls, there).break_lease("a")
    assert locker(calls, there).present_holder() is None
    with pytest.raises(LockHeld, match="whose lease was broken and ends within 30 s"):
        take(calls, there, "b")
    assert not first.renew()
    assert not first.is_held()
    second = take(calls, there, "b", 60)
    assert there.time - 1000 >= 30
    assert second.is_held()
    first.release()  # must not touch what is no longer its own
    assert second.renew()


def test_two_who_see_the_same_dead_lease_do_not_both_get_it(calls: Calls) -> None:
    here, there = Hands(), Hands()
    take(calls, here, "dead")
    one, two = locker(calls, here), locker(calls, there)
    for each in (one, two):  # both have watched long enough
        with pytest.raises(LockHeld):
            each.take(holder("x"), 29, lambda _: None, beats=False)
    here.time += 5
    there.time += 5
    won = one.take(holder("b"), 0, lambda _: None, beats=False)
    with pytest.raises(LockHeld, match="its lease is b"):
        two.take(holder("c"), 0, lambda _: None, beats=False)
    assert won.is_held()


def test_a_lock_that_cannot_be_read_counts_as_held_for_the_usual_time(calls: Calls, hands: Hands) -> None:
    calls.put(KEY, b"\xff nonsense", None)
    with pytest.raises(LockHeld, match="its lease is unknown"):
        take(calls, hands, "b")
    take(calls, hands, "b", 60)
    assert hands.time >= 1030


def test_a_heartbeat_whose_answer_was_lost_is_found_again(calls: Calls, hands: Hands) -> None:
    # given a heartbeat that arrived, without the lease knowing
    lease = take(calls, hands, "a")
    found = calls.get(KEY)
    calls.put(KEY, found.content.replace(b'"beat": 0', b'"beat": 1'), found.tag)
    hands.time += 10
    # when, then
    assert lease.renew()
    assert lease.is_held()
    lease.release()
    assert json.loads(calls.get(KEY).content)["state"] == "released"


def test_the_holder_in_the_lock_is_the_one_that_asked(calls: Calls, hands: Hands) -> None:
    take(calls, hands, "a")
    assert locker(calls, hands).present_holder() == replace(holder("a"), seconds=30.0)
