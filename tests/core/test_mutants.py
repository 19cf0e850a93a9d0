"""Deliberate mistakes that the cases and laws must catch: a suite that passes with these would prove nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from rig import Rig
from test_laws import RoutedObserver

from fbplan.errors import ExitCode, Stale
from fbplan.plan import Action, Phase

START = """
buckets:
  a: {bucket: acme-a, storage_type: S3, region: r, key: {env: K}, secret: {env: S}, soft_cap: {limit: 1GB}}
  b: {bucket: acme-b, storage_type: S3, region: r, key: {env: K}, secret: {env: S}, soft_cap: {limit: 1GB}}
repositories:
  app: {storage_type: S3, buckets: [{bucket: a, folder: a}, {bucket: b, folder: b}]}
"""
AFTER = START.replace(", {bucket: b, folder: b}", "").replace(START.splitlines()[3] + "\n", "")


@pytest.fixture
def changed(open_rig: Callable[..., Rig]) -> Rig:
    rig = open_rig()
    rig.spec(START)
    assert rig.apply().exit_code is ExitCode.OK
    rig.spec(AFTER)
    return rig


def test_the_real_plan_passes(changed: Rig) -> None:
    planned = changed.planned()
    changed.observer = RoutedObserver(changed)
    assert changed.execute(planned).exit_code is ExitCode.OK


def test_naive_order_is_caught(changed: Rig) -> None:
    """Deletes first and no edges: bucket b goes while the repository still holds it."""
    planned = changed.planned()
    naive = tuple(
        replace(s, needs=(), phase=Phase.EXPAND) for s in sorted(planned.plan.steps, key=lambda s: s.verb != "delete")
    )
    changed.observer = RoutedObserver(changed)
    with pytest.raises(AssertionError, match="L6"):
        changed.execute(replace(planned, plan=replace(planned.plan, steps=naive)))


def test_contract_before_publish_is_caught(changed: Rig) -> None:
    planned = changed.planned()
    early = tuple(replace(s, phase=Phase.EXPAND) for s in planned.plan.steps)
    changed.observer = RoutedObserver(changed)
    with pytest.raises(AssertionError, match="L6"):
        changed.execute(replace(planned, plan=replace(planned.plan, steps=early)))


def test_an_always_empty_diff_is_caught(changed: Rig) -> None:
    planned = changed.planned()
    report = changed.execute(replace(planned, plan=replace(planned.plan, changes=(), steps=(), policy=None)))
    assert report.exit_code is ExitCode.OK
    assert changed.plan().has_changes


def test_a_dropped_precondition_is_caught(changed: Rig) -> None:
    plan = changed.plan()
    changed.http("PUT", f"/bucket/{changed.ids('bucket')['b']}", {"region": "elsewhere"})
    with pytest.raises(Stale):
        changed.apply_saved(plan)


def test_trusting_an_empty_list_is_caught(changed: Rig) -> None:
    changed.spec(START)
    changed.fault(method="GET", path="/bucket", fault="empty-list", times=9)
    plan = changed.plan()
    assert {r.guard for r in plan.refusals} >= {"short-listing"}
    assert not any(c.action is Action.DELETE for c in plan.changes)


def test_repeating_a_post_blindly_would_make_two(changed: Rig) -> None:
    """The answer is cut after the commit: exactly one POST is sent, and reading finds the object."""
    changed.spec(START + "  other: {storage_type: S3}\n")
    changed.forget_calls()
    changed.fault(method="POST", path="/repo", fault="cut-after")
    planned = changed.planned()
    report = changed.execute(planned)
    assert report.exit_code is ExitCode.OK, report.outcomes
    assert [c for c in changed.calls() if c[0] == "POST"] == [("POST", "/repo other")]
    assert any("found by reading" in o.told for o in report.outcomes)


def test_a_lost_listing_before_contract_ends_in_a_report_and_removes_nothing(changed: Rig) -> None:
    changed.spec(AFTER.replace("region: r,", "region: r2,", 1))
    planned = changed.planned()
    changed.observer = lambda *_: changed.fault(method="GET", path="/bucket", fault="token-expired", times=9)
    report = changed.execute(planned)
    assert report.exit_code is ExitCode.PARTIAL
    assert {o.step: o.result.value for o in report.outcomes}["bucket.b:delete"] == "skipped"
    changed.observer = None
    changed.http("DELETE", "/_emulator/faults")
    assert changed.apply().exit_code is ExitCode.OK
