"""A store that refuses for want of quota under the cap: the poller tells, once, what the credit seems to be."""

from __future__ import annotations

import json

import pytest
from memory_store import MemoryStore
from metering_world import World

from fbplan.metering.reports import read_reports
from fbplan.runtime import Router, TransportFailure
from fbplan.runtime.times import stamp_of


@pytest.fixture
def reporting(open_world) -> World:
    world = open_world("a", "b", allow=("no-memory",))
    world.record("a", 380_000)
    world.poll()
    return world


def report(world: World, bucket: str = "a", alarm: str = "credit_mismatch") -> None:
    line = json.dumps({"alarm": alarm, "at": stamp_of(world.now), "bucket": bucket})
    with (world.folder / "reports.jsonl").open("a") as file:
        file.write(line + "\n")


def test_the_alarm_of_a_router_becomes_an_alert_with_the_use_at_which_it_came(reporting: World) -> None:
    world, store = reporting, MemoryStore()
    store.fail("a", "put", TransportFailure(403, "QUOTA_EXCEEDED"))

    def alarm(name, told) -> None:
        with (world.folder / "reports.jsonl").open("a") as file:
            file.write(json.dumps({"alarm": name, "at": stamp_of(world.now), **told}) + "\n")

    router = Router.from_file(
        world.folder / "policy.json", store, usage=world.folder / "usage.json", alarm=alarm, clock_ms=lambda: world.now
    )
    assert router.put("k", b"x").bucket == "b"
    world.poll(60)
    ((name, told),) = world.alerts
    assert name == "credit_mismatch"
    assert told.startswith("a: at 2026-11-18T")
    assert "at a use of 380000 of 1000000 bytes" in told
    assert told.endswith("soft_cap: {limit: 380000B}")


def test_a_report_is_told_once_and_a_newer_one_again(reporting: World) -> None:
    world = reporting
    report(world)
    world.poll(60)
    world.poll(60)
    assert world.named() == ["credit_mismatch"]
    report(world)
    world.poll(60)
    assert world.named() == ["credit_mismatch"]


def test_a_refusal_at_the_cap_and_other_alarms_are_no_news(reporting: World) -> None:
    world = reporting
    report(world, alarm="auth")
    report(world, "nobody")
    world.record("a", 620_000)
    report(world)
    world.poll(60)
    assert world.named() == []


def test_reports_that_cannot_be_read_are_an_alert_and_odd_lines_are_none(reporting: World) -> None:
    world = reporting
    path = world.folder / "reports.jsonl"
    path.write_bytes(
        b'{"alarm":\n\xff\n[]\n{"alarm":"credit_mismatch","bucket":1}\n{"alarm":"credit_mismatch","bucket":"a","at":"now"}\n'
    )
    assert read_reports(path) == {}
    path.unlink()
    path.mkdir()
    world.poll(60)
    assert world.named() == ["reports"]
