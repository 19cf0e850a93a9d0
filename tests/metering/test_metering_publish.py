"""What a poll publishes, and what a restart knows of it."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest
from metering_world import BLIND_S, World, cap
from runtime_world import T0, ZERO

from fbplan.errors import FbplanError, LockHeld
from fbplan.metering.memory import remembered
from fbplan.runtime.canonical import sealed
from fbplan.runtime.grants import Terms
from fbplan.runtime.times import stamp_of

SCHEMA = json.loads((Path(__file__).parents[2] / "schemas/usage.schema.json").read_text(encoding="utf-8"))
TERMS = Terms(60_000, 180_000, 90_000, 2_000, 300_000)


def test_a_poll_publishes_use_with_its_period_its_end_and_its_date(world: World) -> None:
    world.record("a", 1234, "2026-10-31T23:59:00Z")
    world.record("a", 500, "2026-11-01T00:00:00Z")
    world.record("a", 70)

    world.poll()

    found = world.document()
    jsonschema.validate(found, SCHEMA)
    assert world.use() == ("ok", "2026-11", 570)
    assert found["buckets"]["a"]["meters"]["ingress_bytes"]["resets_at"] == "2026-12-01T00:00:00Z"
    assert (found["policy_generation"], found["poll_s"], found["max_lag_s"]) == (7, 60, 180)
    assert (found["published_at"], found["as_of"]) == (stamp_of(T0), stamp_of(T0 - 180_000))
    assert (found["buckets"]["a"]["expires_at"], found["buckets"]["a"]["node"]) == (stamp_of(T0 + 90_000), "ONLINE")
    assert world.alerts == []


def test_without_memory_nothing_is_granted_until_whatever_was_granted_before_is_in_the_statistics(world: World) -> None:
    world.poll()
    assert world.granted() == (0, 0)
    world.poll(BLIND_S - 1)
    assert world.granted() == (0, 0)
    world.poll(1)
    assert world.granted() == (800_000 // TERMS.rounds, 1_000_000 // TERMS.rounds)


def test_who_says_that_there_was_no_grant_before_gets_one_at_once(open_world) -> None:
    world = open_world(allow=("no-memory",))
    world.poll()
    assert world.granted() == (800_000 // TERMS.rounds, 1_000_000 // TERMS.rounds)


def test_a_restart_goes_on_with_the_grants_and_the_seq_of_the_file(open_world) -> None:
    world = open_world(allow=("no-memory",))
    for _ in range(3):
        world.poll(60)
    seq, before = world.usage().seq, remembered((world.folder / "usage.json").read_bytes())
    world.allow, world.poller = (), None
    world.poller = world.started()
    world.poll(60)
    assert world.usage().seq == seq + 1
    after = remembered((world.folder / "usage.json").read_bytes()).meters["a", "ingress_bytes"]
    kept = [g for g in before.meters["a", "ingress_bytes"].earlier if g in after.earlier]
    assert len(kept) == 6, "both tiers of three rounds"
    assert world.granted() != (0, 0)


def test_seq_begins_above_whatever_was_forgotten_and_rises_by_one(world: World) -> None:
    world.poll()
    assert world.usage().seq == T0 // 1000
    world.poll(60)
    assert world.usage().seq == T0 // 1000 + 1
    (world.folder / "usage.json").unlink()
    world.poller = world.started()
    world.poll(60)
    assert world.usage().seq == T0 // 1000 + 120, "a reader that saw the lost file takes this one"


def test_a_damaged_file_is_an_alert_and_a_loss_of_memory(open_world) -> None:
    world = open_world()
    world.poll_past_blindness()
    seq = world.usage().seq
    (world.folder / "usage.json").write_bytes(b"{torn")
    world.poller = world.started()
    world.poll(60)
    assert world.named() == ["memory"]
    assert (world.granted(), world.usage().seq > seq) == ((0, 0), True)
    world.poll(BLIND_S)
    assert world.granted() != (0, 0)


def test_a_second_publisher_is_an_alert_and_its_grants_count(open_world) -> None:
    world = open_world(allow=("no-memory",))
    world.poll()
    found = world.document()
    meter = found["buckets"]["a"]["meters"]["ingress_bytes"]
    meter["grants"] = [{"id": "theirs", "tier": "hard", "bytes": 999_999}]
    (world.folder / "usage.json").write_text(json.dumps(sealed({**found, "seq": found["seq"] + 10})))
    world.poll(60)
    assert world.named() == ["second_publisher"]
    assert world.usage().seq == found["seq"] + 11
    assert world.granted()[1] == 0, "what they granted may be in use"
    world.poll(60)
    assert world.named() == []


def test_who_writes_between_look_and_publish_is_noticed_too(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.poll()
    daily, done = world.client.daily, []

    class Meanwhile:
        def __getattr__(self, name: str):
            return getattr(world.client, name)

        def daily(self, *asked: object):
            if not done:
                done.append(world.document())
                (world.folder / "usage.json").write_text(json.dumps(sealed({**done[0], "seq": done[0]["seq"] + 5})))
            return daily(*asked)

    world.now += 60_000
    world.poller.poll(Meanwhile())
    assert world.named() == ["second_publisher"]
    assert world.usage().seq == done[0]["seq"] + 6


def test_a_lost_lease_ends_the_publishing(world: World) -> None:
    world.poll()
    world.storage.break_lease("lease")
    with pytest.raises(LockHeld, match="nothing is published"):
        world.poll(60)


def test_a_policy_that_cannot_be_read_is_an_alert_and_the_last_good_one_stays(world: World) -> None:
    world.poll()
    (world.folder / "policy.json").write_text("{")
    world.poll(60)
    assert world.named() == ["policy"]
    assert world.use() == ("ok", "2026-11", 0)
    world.write_policy(generation=8)
    world.poll(60)
    assert (world.named(), world.usage().policy_generation) == ([], 8)


def test_without_a_policy_there_is_nothing_to_poll(world: World) -> None:
    (world.folder / "policy.json").unlink()
    with pytest.raises(FbplanError, match="there is no policy file") as fault:
        world.poll()
    assert fault.value.next == "fbplan apply publishes it; or name it with --policy"


def test_a_bucket_that_leaves_the_policy_takes_its_grants_along_until_they_are_over(open_world) -> None:
    world = open_world("a", "b", allow=("no-memory",))
    world.poll()
    granted = world.granted("b")
    world.write_policy(8, {"a": [cap()]})
    world.poll(60)
    gone = world.document()["buckets"]["b"]
    assert gone["quality"] == "unknown"
    assert [g["bytes"] for g in gone["meters"]["ingress_bytes"]["earlier"]] == list(granted)
    world.write_policy(9)
    world.poll(60)
    assert (
        sum(
            g.size
            for g in remembered((world.folder / "usage.json").read_bytes()).meters["b", "ingress_bytes"].earlier
            if g.tier == "hard"
        )
        > granted[1]
    )
    world.write_policy(10, {"a": [cap()]})
    world.poll(BLIND_S + 60)
    assert "b" not in world.document()["buckets"]


def test_a_cap_on_a_bucket_that_had_none_grants_when_what_was_written_freely_is_counted(world: World) -> None:
    world.write_policy(8, [cap(None)])
    for _ in range(20):
        world.poll(60)
    assert world.use() == ("ok", "2026-11", 0)
    world.write_policy(9)
    world.poll(60)
    assert world.granted() == (0, 0)
    world.poll(BLIND_S)
    assert world.granted() != (0, 0)


def test_repositories_that_share_a_bucket_share_one_grant_by_its_longest_terms(open_world) -> None:
    world = open_world(allow=("no-memory",))
    document = json.loads((world.folder / "policy.json").read_bytes())
    app = document["repositories"]["app"]
    document["repositories"] |= {"slow": {**app, "fleet": {"size": 4, "max_upload_s": 600, "grant_ttl_s": 120}}}
    document["buckets"]["a"] |= {"writers": 5, "folders": {"app": "a", "slow": "s"}}
    (world.folder / "policy.json").write_text(json.dumps(sealed(document)))
    world.poll()
    found = world.document()["buckets"]["a"]
    assert (found["writers"], found["expires_at"]) == (5, stamp_of(T0 + 120_000))
    rounds = Terms(60_000, 180_000, 120_000, 2_000, 600_000).rounds
    assert world.granted() == (800_000 // rounds, 1_000_000 // rounds), "the grant is for all five writers"


def test_a_file_of_another_hand_is_remembered_as_far_as_it_goes() -> None:
    document = {
        "format": "fbplan.usage/1", "policy_generation": 1, "policy_digest": ZERO, "seq": 3,
        "published_at": stamp_of(T0), "as_of": stamp_of(T0 - 9000), "poll_s": 60, "max_lag_s": 9,
        "buckets": {"a": {"quality": "ok", "expires_at": stamp_of(T0 + 5000), "meters": {"ingress_bytes": {
            "period": "2026-11", "used": 5, "grants": [{"id": "g", "tier": "hard", "bytes": 7}]}}}},
    }  # fmt: skip
    known = remembered(json.dumps(sealed(document)).encode()).meters["a", "ingress_bytes"]
    assert (known.highs, known.as_of_ms) == ({"2026-11": 5}, T0 - 9000)
    assert [(g.id, g.size, g.expires_ms) for g in known.earlier] == [("g", 7, T0 + 5000)]
