"""When a drain begins, from when it counts, and what calls it off."""

from __future__ import annotations

import pytest
from draining import DAY, T0, app, held, world
from rig import Rig
from test_findings import done

from fbplan.errors import ExitCode


def test_taken_back_it_is_routed_again_and_a_later_removal_waits_in_full(running: Rig) -> None:
    both, one = world("abc", app("abc")), world("ac", app("ac"))
    running.spec(one)
    done(running)
    running.pass_time(DAY - 1)
    running.spec(both)
    plan = running.plan()
    assert (plan.changes, plan.steps) == ((), ())
    assert [(d.item, d.why) for d in plan.dropped] == [
        ("bucket.b", "it stays"),
        ("repository.app/bucket.b", "it stays"),
    ]
    done(running)
    assert running.calls() == []
    assert running.drains() == {}
    assert running.policy()["repositories"]["app"]["order"] == ["a", "b", "c"]
    running.spec(one)
    done(running)
    running.pass_time(DAY - 1)
    assert not running.plan().has_changes


def test_a_taken_back_bucket_outside_of_the_order_still_drops_its_record(running: Rig) -> None:
    """The policy need not change for it; the record must not live on and shorten a later drain."""
    text = world("abc", app("abc").replace("order: [a, b, c]", "order: [a]"))
    running.spec(text)
    done(running)
    running.spec(world("abc", app("ac").replace("order: [a, c]", "order: [a]")))
    done(running)
    assert running.drains() == {"repository.app/bucket.b": T0}
    running.spec(text)
    assert running.plan().has_changes
    done(running)
    assert running.drains() == {}


def test_detached_by_hand_meanwhile_there_is_nothing_left_to_drain(running: Rig) -> None:
    running.spec(world("abc", app("ac")))
    done(running)
    ids = running.ids("bucket")
    kept = [{"bucketId": ids[n], "folder": n} for n in "ac"]
    body = {"name": "app", "storageType": "S3", "mode": "NORMAL", "repoBuckets": kept}
    assert running.http("PUT", f"/repo/{running.ids('repository')['app']}", body)["success"]
    assert [d.why for d in running.plan().dropped] == ["it is gone already"]
    done(running)
    assert running.drains() == {}


@pytest.mark.parametrize(("drain", "passed", "is_due"), [("1h", 3600, True), ("1h", 3599, False), ("48h", DAY, False), ("48h", 2 * DAY, True), ("0s", 1, True)])  # fmt: skip
def test_a_changed_duration_counts_from_the_recorded_start(running: Rig, drain: str, passed: int, is_due: bool) -> None:
    running.spec(world("ac", app("ac")))
    done(running)
    running.pass_time(passed)
    running.spec(world("ac", app("ac", drain=drain)))
    assert bool(running.plan().due) is is_due
    done(running)
    assert ("b" in running.ids("bucket")) is not is_due


def test_a_clock_that_jumps_back_makes_nothing_due_earlier(running: Rig) -> None:
    running.spec(world("ac", app("ac")))
    done(running)
    for jump, remaining in ((-10 * DAY, DAY), (9 * DAY, DAY), (DAY, DAY), (1, DAY - 1)):
        running.pass_time(jump)
        plan = running.plan()
        assert not plan.has_changes
        assert {w.remaining for w in plan.waiting} == {remaining}
    running.pass_time(DAY - 2)
    assert not running.plan().has_changes
    running.pass_time(1)
    assert running.plan().due


def test_no_drain_begins_when_publishing_fails(running: Rig) -> None:
    path = running.folder / "routing-policy.json"
    kept = path.read_bytes()
    running.spec(world("acd", app("acd")))
    planned = running.planned()
    path.unlink()

    def block(*_: object) -> None:
        path.mkdir(exist_ok=True)

    running.observer = block  # in mid-run: what is there before is found before anything is sent
    assert running.execute(planned).exit_code is ExitCode.PARTIAL
    running.observer = None
    assert running.drains() == {}
    path.rmdir()
    path.write_bytes(kept)
    running.pass_time(DAY)
    done(running)
    assert running.drains() == {"bucket.b": T0 + DAY, "repository.app/bucket.b": T0 + DAY}


def test_no_drain_begins_when_what_the_policy_names_did_not_come_to_be(running: Rig) -> None:
    running.spec(world("acd", app("acd")))
    running.fault(method="POST", path="/bucket", fault="500-before", times=9)
    assert running.apply().exit_code is ExitCode.PARTIAL
    assert running.drains() == {}


def test_an_interrupt_before_publishing_begins_no_drain(running: Rig) -> None:
    began: list[object] = []
    running.spec(world("acd", app("acd")))
    planned = running.planned()
    assert planned.plan.begins
    report = running.execute(planned, on_start=began.append, stopped=lambda: bool(began))
    assert report.exit_code is ExitCode.SIGINT
    assert running.drains() == {}


def test_a_policy_put_back_by_hand_begins_the_drain_anew(running: Rig) -> None:
    path = running.folder / "routing-policy.json"
    old = path.read_bytes()
    running.spec(world("ac", app("ac")))
    done(running)
    path.write_bytes(old)
    running.pass_time(DAY)
    done(running)
    assert running.drains() == {"bucket.b": T0, "repository.app/bucket.b": T0 + DAY}
    assert held(running) == ["a", "b", "c"]
    assert running.violations() == []


def test_a_removal_that_fails_stays_due(running: Rig) -> None:
    running.spec(world("ac", app("ac")))
    done(running)
    running.pass_time(DAY)
    running.fault(method="DELETE", path="/bucket/*", fault="500-before", times=9)
    assert running.apply().exit_code is ExitCode.PARTIAL
    assert running.drains() == {"bucket.b": T0}
    running.http("DELETE", "/_emulator/faults")
    assert [d.item for d in running.plan().due] == ["bucket.b"]
    done(running)
