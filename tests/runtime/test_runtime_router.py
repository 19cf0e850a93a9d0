"""The router over buckets in memory: what a service sees."""

from __future__ import annotations

import pytest
from memory_store import lost
from router_world import UNAVAILABLE, World
from runtime_world import policy_document, raw, usage_document

from fbplan.runtime import (
    CredentialsRefused,
    NotStored,
    ReadOnly,
    Refused,
    TransportFailure,
)


def test_the_guides_five_lines(world):
    placed = world.router.put("hello.txt", b"hi")

    assert str(placed.reference).startswith("fbref1:app/a/hello.txt;v=%22")
    assert world.router.get(str(placed.reference)).content == b"hi"
    assert world.store.calls == [("put", "a"), ("get", "a")], "a read by reference is one request"


def test_three_buckets_fill_one_after_another_and_then_there_is_read_only(world):
    went = [world.router.put(f"k{n}", bytes(100)).bucket for n in range(30)]

    # soft caps of 800 first, then what is left up to the hard caps
    assert went == ["a"] * 8 + ["b"] * 8 + ["c"] * 8 + ["a"] * 2 + ["b"] * 2 + ["c"] * 2
    with pytest.raises(ReadOnly) as refused:
        world.router.put("one more", b"x")
    assert refused.value.retry_at == "2026-12-01T02:00:00Z"
    assert refused.value.reasons == {"a": "2.closed", "b": "2.closed", "c": "2.closed"}
    assert "no bucket takes 1 bytes of app before 2026-12-01T02:00:00Z" in refused.value.why
    world.router.get("k0")
    world.router.delete("k0")


def test_after_the_period_writes_return_and_the_ramp_lets_them_in_one_after_another(world):
    for n in range(30):
        world.router.put(f"k{n}", bytes(100))
    with pytest.raises(ReadOnly):
        world.router.put("x", b"x")
    world.now = 1_796_083_200_000 + 7_200_000  # the first of December, past the grace

    with pytest.raises(ReadOnly) as refused:
        world.router.put("x", b"x")
    assert set(refused.value.reasons.values()) == {"4.ramp"}
    world.now = refused.value.retry_at_ms
    world.router.put("x", b"x")
    world.now += 120_000
    assert world.router.put("y", b"y").bucket == "a"


def test_quota_hops_and_closes_the_bucket_until_a_newer_snapshot(tmp_path):
    use = {name: {"used": 1, "soft": 500, "hard": 500} for name in "abc"}
    world = World(tmp_path, usage=usage_document(use))
    world.store.fail("a", "put", TransportFailure(403, "QUOTA_EXCEEDED"))

    assert [world.router.put(f"k{n}", b"x").bucket for n in range(3)] == ["b", "b", "b"]
    assert (world.puts(), world.alarms) == (["a", "b", "b", "b"], ["credit_mismatch"])
    (tmp_path / "usage.json").write_bytes(raw(usage_document(use, seq=2)))
    world.now += 1_000
    assert world.router.put("later", b"x").bucket == "a"


@pytest.mark.parametrize(("status", "code", "name"), [(403, "QUOTA_EXCEEDED", "credit_mismatch"), (403, "", "auth")])
def test_an_alarm_names_the_bucket_that_raised_it_not_the_one_that_took_the_write(tmp_path, status, code, name):
    told = []
    use = {bucket: {"used": 1, "soft": 500, "hard": 500} for bucket in "abc"}
    world = World(tmp_path, usage=usage_document(use), alarm=lambda *alarm: told.append(alarm))
    world.store.fail("a", "put", *[TransportFailure(status, code)] * 3)

    assert [world.router.put(f"k{n}", b"x").bucket for n in range(3)] == ["b"] * 3
    assert told[0] == (name, {"repository": "app", "bucket": "a"})


def test_a_dead_bucket_costs_one_hop_and_then_rests(world):
    world.store.fail("a", "put", *[TransportFailure(0, was_sent=False)] * 9)

    assert [world.router.put(f"k{n}", b"x").bucket for n in range(5)] == ["b"] * 5
    assert (world.puts(), world.pauses) == (["a", "a", "b", "b", "b", "b", "b"], [0.057])
    world.now += 5_000
    assert world.router.put("probe", b"x").bucket == "b"
    assert world.puts().count("a") == 3, "one try when the rest is over"


def test_an_answer_that_got_lost_is_settled_in_the_same_bucket(world):
    world.store.fail("a", "put", lost())

    placed = world.router.put("k", b"x")
    assert (placed.bucket, world.store.calls) == ("a", [("put", "a"), ("head", "a")])
    assert placed.reference.etag is not None


def test_a_write_whose_outcome_is_absent_is_tried_again_and_then_elsewhere(world):
    world.store.fail("a", "put", UNAVAILABLE, UNAVAILABLE)

    assert world.router.put("k", b"x").bucket == "b"
    assert [call for call in world.store.calls if call[0] != "put"] == [("head", "a")] * 2
    assert "k" not in world.store.buckets.get("a", {})


def test_a_revoked_key_is_an_alarm_and_does_not_move_the_writers(world):
    world.store.fail("a", "put", *[TransportFailure(403, "AccessDenied")] * 2)

    with pytest.raises(CredentialsRefused):
        world.router.put("k", b"x")
    assert (world.puts(), world.store.reloads, world.alarms) == (["a", "a"], 1, ["auth"])
    world.store.fail("a", "put", TransportFailure(401))
    assert world.router.put("k", b"x").bucket == "a", "rotated: the new key was loaded"


def test_three_bare_403_within_a_minute_are_an_alarm(world):
    world.store.fail("a", "put", *[TransportFailure(403)] * 3)

    for n in range(3):
        assert world.router.put(f"k{n}", b"x").bucket == "b"
    assert world.alarms == ["auth"]


def test_a_throttle_with_a_short_wait_is_waited_for_and_a_long_one_hops(world):
    world.store.fail("a", "put", TransportFailure(429, retry_after_ms=2_000))
    assert (world.router.put("k", b"x").bucket, world.pauses) == ("a", [2.0])

    world.store.fail("a", "put", TransportFailure(503, "SlowDown", retry_after_ms=60_000))
    assert [world.router.put(key, b"x").bucket for key in ("l", "m")] == ["b", "b"]
    assert world.puts() == ["a", "a", "a", "b", "b"]


def test_a_fault_of_the_request_is_raised_at_once(world):
    world.store.fail("a", "put", TransportFailure(400, "InvalidArgument"))
    with pytest.raises(Refused):
        world.router.put("k", b"x")
    assert world.puts() == ["a"]


def test_hops_and_the_share_of_retries_are_limited(tmp_path):
    world = World(tmp_path, policy_document({n: {} for n in "abcdef"}, retry={"max_hops": 1}))
    for name in "ab":
        world.store.fail(name, "put", *[TransportFailure(507)] * 2)
    with pytest.raises(NotStored) as failed:
        world.router.put("k", b"x")
    assert (world.puts(), failed.value.record["rule"]) == (["a", "b"], "9.hops")

    calm = World(tmp_path, policy_document({n: {} for n in "ab"}))
    for name in "ab":
        calm.store.fail(name, "put", *[TransportFailure(403)] * 200)
    rules = []
    for n in range(60):
        with pytest.raises(NotStored) as failed:
            calm.router.put(f"k{n}", b"x")
        rules.append(failed.value.record["rule"])
    assert (rules[:50], rules[-10:]) == (["6.readonly"] * 25 + rules[25:50], ["9.tokens"] * 10)


def test_the_deadline_ends_a_write_whatever_is_left_to_try(tmp_path):
    world = World(tmp_path, policy_document(retry={"deadline_ms": 1_000}))
    slow = world.store.put

    def put(*positional, **named):
        world.now += 600
        return slow(*positional, **named)

    world.store.put = put
    for name in "abc":
        world.store.fail(name, "put", *[TransportFailure(0, was_sent=False)] * 2)
    with pytest.raises(NotStored) as failed:
        world.router.put("k", b"x")
    assert (world.puts(), failed.value.record["rule"]) == (["a", "a"], "9.deadline")


def test_what_the_adapter_says_reaches_the_caller(world):
    placed = world.router.put("k", b"x", options={"echo": {"VersionId": "1"}})
    assert placed.answer == {"VersionId": "1"}
    assert placed.record["outcome"] == "stored"


def test_a_place_names_the_bucket_as_the_repository_wants_it(tmp_path):
    seen = []
    for address, expected in (("name", "Logs (a)"), ("container", "c-a"), ("folder", "gcp")):
        policy = policy_document({"a": {"name": "Logs (a)", "folders": {"app": "gcp"}}}, address=address)
        world = World(tmp_path, policy)
        put = world.store.put
        world.store.put = lambda place, *p, _put=put, **k: seen.append(place) or _put(place, *p, **k)
        world.router.put("k", b"x")
        assert seen[-1].address == expected


def test_no_message_of_a_failed_write_holds_what_the_store_said_or_what_was_written(world):
    world.store.fail("a", "put", TransportFailure(400, "Bad"))
    with pytest.raises(Refused) as failed:
        world.router.put("secret-key-name", b"canary-content")
    told = f"{failed.value} {failed.value.record} {failed.value.why}"
    assert "canary" not in told
    assert "secret-key-name" not in told
