"""Nodes and latency, and the table of `usage show`."""

from __future__ import annotations

import json

import pytest
from metering_world import World, cap
from runtime_world import T0, raw, usage_document

from fbplan.metering.health import Health, health_of
from fbplan.metering.view import usage_view
from fbplan.render.usage import usage_annotations, usage_markdown, usage_text
from fbplan.render.usage import usage_document as as_json
from fbplan.runtime.policy import read_policy


def test_the_best_node_speaks_for_a_bucket() -> None:
    rows = [
        {"bucketId": b, "nodeStatus": s}
        for b, s in (("a", "OFFLINE"), ("a", "online"), ("b", "OFFLINE"), ("b", "DISCONNECTED"), ("c", "RESTING"))
    ]
    found = health_of("abcd", rows, [])
    assert [found[name].node for name in "abcd"] == ["ONLINE", "DISCONNECTED", "UNKNOWN", "UNKNOWN"]


def test_latency_is_that_of_minutes_in_which_something_was_written() -> None:
    minutes = [{"unitId": "a", "upl_bytes": "5", "latency_ms": n} for n in range(1, 101)]
    minutes += [
        {"unitId": "a", "upl_bytes": "0", "latency_ms": 9999},
        {"unitId": "a", "upl_bytes": "5", "latency_ms": None},
    ]
    minutes += [{"unitId": "a", "upl_bytes": "5", "latency_ms": "40"}, {"upl_bytes": "5", "latency_ms": 1}]
    assert health_of("ab", [], minutes) == {"a": Health("UNKNOWN", 95_000, 100), "b": Health()}


@pytest.mark.parametrize(("strategy", "asked"), [("ordered", False), ("latency", True)])
def test_minutes_are_asked_for_only_where_the_strategy_looks_at_them(world: World, strategy: str, asked: bool) -> None:
    world.write_policy(8, select={"strategy": strategy})
    world.record("a", 5)
    world.poll()
    found = world.document()["buckets"]["a"]
    paths = {row["path"] for row in world.api.get("/_emulator/requests").json()["requests"]}
    assert ("/stats/minute" in paths) is asked
    assert (found.get("put_p95_us"), found.get("samples")) == ((42_000, 1) if asked else (None, None))


def test_nodes_that_gave_no_answer_are_not_asked_after_for_a_while(world: World) -> None:
    world.fault("/stats/nodes/minute", "200-failure")
    for _ in range(12):
        world.poll(60)
    asked = [
        row for row in world.api.get("/_emulator/requests").json()["requests"] if row["path"] == "/stats/nodes/minute"
    ]
    assert len(asked) == 2


def test_one_of_several_nodes_that_is_offline_leaves_the_others(open_world) -> None:
    world = open_world(bridge_status="OFFLINE")
    world.poll()
    assert world.document()["buckets"]["a"]["node"] == "ONLINE", "two others are there"


def shown(world: World, now_ms: int | None = None):
    policy = read_policy((world.folder / "policy.json").read_bytes())
    return usage_view((world.folder / "usage.json").read_bytes(), policy, now_ms or world.now, "usage.json")


def test_the_table_tells_use_cap_share_and_what_is_left_of_which_tier(open_world) -> None:
    world = open_world("a", "b", "c", "d", now=T0 - T0 % 86_400_000 + 36_000_000, allow=("no-memory",))
    world.write_policy(
        8,
        {
            "a": [cap(1_000_000)],
            "b": [cap(1_000_000)],
            "c": [cap(1_000_000)],
            "d": [cap(None), cap(100, "stored_bytes")],
        },
    )
    for bucket, used in (("a", 250_000), ("b", 900_000), ("c", 1_200_000), ("d", 77)):
        world.record(bucket, used)
    world.poll()
    view = shown(world, world.now + 5_000)
    assert usage_text(view) == (
        "bucket  meter          period       used        cap    share  left           quality  resets at             as of\n"
        "a       ingress_bytes  2026-11  250.0 kB     1.0 MB   25.0 %  soft 550.0 kB  ok       2026-12-01T00:00:00Z  2026-11-18T09:57:00Z\n"
        "b       ingress_bytes  2026-11  900.0 kB     1.0 MB   90.0 %  hard 100.0 kB  ok       2026-12-01T00:00:00Z  2026-11-18T09:57:00Z\n"
        "c       ingress_bytes  2026-11    1.2 MB     1.0 MB  120.0 %  nothing        ok       2026-12-01T00:00:00Z  2026-11-18T09:57:00Z\n"
        "d       ingress_bytes  2026-11      77 B  unlimited        –  –              ok       2026-12-01T00:00:00Z  2026-11-18T09:57:00Z\n"
        "d       stored_bytes   none         77 B      100 B   77.0 %  soft 3 B       ok       never                 2026-11-18T09:57:00Z\n"
        "\n"
        "usage.json: seq 1794996000, policy generation 8, published 2026-11-18T10:00:00Z (5s ago), as of 2026-11-18T09:57:00Z\n"
    )
    assert "| c | ingress\\_bytes | 2026-11 | 1.2 MB | 1.0 MB | 120.0 % | nothing | ok |" in usage_markdown(view)
    assert "::warning title=fbplan usage::c ingress_bytes: ok, nothing left" in usage_annotations(view)
    assert [row["tier"] for row in json.loads(as_json(view))["rows"]] == ["soft", "hard", "none", None, "soft"]


def test_use_that_is_not_known_is_said_to_be_unknown(world: World) -> None:
    world.fault("/stats/daily", "500-before")
    world.poll()
    (row,) = shown(world).rows
    assert (row.used, row.share_ppm, row.tier, row.quality) == (None, None, None, "unknown")
    assert "unknown" in usage_text(shown(world))


def test_the_view_says_when_nothing_runs_any_more(world: World) -> None:
    world.poll()
    (blind,) = shown(world).remarks
    assert blind.startswith("earlier grants are not known: nothing is granted until the statistics reach")
    world.poll_past_blindness()
    assert shown(world).remarks == ()
    (late,) = shown(world, world.now + 90_000).remarks
    assert "writers that live on them stand still; is the poller running?" in late
    world.write_policy(9)
    assert shown(world).remarks == ("it was made for generation 7 of the policy, the file here is 9",)


def test_a_file_of_another_hand_is_shown_as_far_as_it_goes() -> None:
    view = usage_view(raw(usage_document({"a": {"used": 5, "soft": 1, "hard": 2}})), None, T0, "x")
    (row,) = view.rows
    assert (row.used, row.limit, row.tier, row.granted_hard) == (5, None, None, 2)
    assert "–" in usage_text(view)
