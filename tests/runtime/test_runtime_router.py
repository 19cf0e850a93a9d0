"""The router over buckets in memory: what a service sees."""

from __future__ import annotations

import asyncio
import io
import threading

import pytest
from memory_store import AsyncMemoryStore, MemoryStore, lost
from runtime_world import T0, meter, policy_document, raw, usage_document

from fbplan.runtime import (
    AlreadyExists,
    AsyncRouter,
    CredentialsRefused,
    NoPolicy,
    NotFound,
    NotStored,
    ReadOnly,
    Reference,
    Refused,
    Router,
    TransportFailure,
    Unavailable,
)

NO_ANSWER = TransportFailure(0)
UNAVAILABLE = TransportFailure(503, "ServiceUnavailable")


class World:
    """A folder with the files, a store, a clock that only pauses move."""

    def __init__(self, folder, policy=None, usage=None, **settings):
        self.folder, self.store, self.now, self.alarms, self.pauses = folder, MemoryStore(), T0, [], []
        (folder / "policy.json").write_bytes(raw(policy or policy_document()))
        if usage is not None:
            (folder / "usage.json").write_bytes(raw(usage))
            settings["usage"] = folder / "usage.json"
        self.settings = {
            "writer": "w1",
            "clock_ms": lambda: self.now,
            "dice": lambda: 7,
            "alarm": lambda name, _: self.alarms.append(name),
            **settings,
        }
        self.router = Router.from_file(folder / "policy.json", self.store, sleep=self.sleep, **self.settings)

    def sleep(self, seconds):
        self.pauses.append(seconds)
        self.now += round(seconds * 1000)

    def puts(self):
        return [bucket for method, bucket in self.store.calls if method == "put"]


@pytest.fixture
def world(tmp_path):
    return World(tmp_path)


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


def test_keys_are_written_once_and_an_overwrite_goes_to_the_bucket_that_holds_the_key(world):
    world.router.put("k", b"x")
    with pytest.raises(AlreadyExists):
        world.router.put("k", b"y")
    world.store.fail("a", "put", TransportFailure(507))
    world.router.put("l", b"l")
    assert world.router.put("l", b"m", overwrite=True).bucket == "b"
    assert world.router.put("new", b"n", overwrite=True).bucket == "b", "a is closed for now"
    assert world.store.buckets["b"]["l"][0] == b"m"


class Pipe(io.RawIOBase):
    def __init__(self, content):
        super().__init__()
        self.left = content

    def readable(self):
        return True

    def readinto(self, into):
        found, self.left = self.left[: len(into)], self.left[len(into) :]
        into[: len(found)] = found
        return len(found)


def test_a_body_that_cannot_seek_is_held_up_to_a_limit_and_then_hops_like_any_other(world):
    world.store.fail("a", "put", UNAVAILABLE, UNAVAILABLE)
    assert world.router.put("k", io.BufferedReader(Pipe(b"x" * 50))).bucket == "b"


def test_a_longer_body_that_cannot_seek_is_never_sent_twice(tmp_path):
    world = World(tmp_path, spool_limit=10)
    world.store.fail("a", "put", UNAVAILABLE)
    with pytest.raises(NotStored) as failed:
        world.router.put("k", io.BufferedReader(Pipe(b"x" * 50)), size=50)
    assert (world.puts(), failed.value.record["rule"]) == (["a"], "7.once")

    world.store.fail("a", "put", *[TransportFailure(0, was_sent=False)] * 2)
    assert world.router.put("l", io.BufferedReader(Pipe(b"y" * 50)), size=50).bucket == "b", "no byte had left"
    assert world.store.buckets["b"]["l"][0] == b"y" * 50
    with pytest.raises(ValueError, match="needs its size"):
        world.router.put("m", io.BufferedReader(Pipe(b"z" * 50)))


def test_a_file_is_sent_from_where_it_stood_each_time(world):
    world.store.fail("a", "put", UNAVAILABLE, UNAVAILABLE)
    file = io.BytesIO(b"--body")
    file.seek(2)
    world.router.put("k", file)
    assert world.store.buckets["b"]["k"][0] == b"body"


def test_not_found_needs_the_word_of_every_bucket(world):
    with pytest.raises(NotFound):
        world.router.get("k")
    world.store.calls.clear()
    with pytest.raises(NotFound):
        world.router.get("k")
    assert world.store.calls == [], "asked a moment ago"
    world.now += 1_000
    world.store.fail("b", "head", NO_ANSWER)
    with pytest.raises(Unavailable) as unknown:
        world.router.get("k")
    assert list(unknown.value.buckets) == ["b"]


def test_a_key_written_after_it_was_not_found_is_found(world):
    with pytest.raises(NotFound):
        world.router.get("k")
    world.router.put("k", b"x")
    assert world.router.get("k").content == b"x"


def test_at_most_three_buckets_are_asked_and_then_absence_is_not_certain(tmp_path):
    world = World(tmp_path, policy_document({name: {} for name in "abcde"}))
    with pytest.raises(Unavailable) as unknown:
        world.router.get("k")
    assert (len(world.store.calls), list(unknown.value.buckets)) == (3, ["d", "e"])


def test_a_reference_to_a_mirrored_object_falls_back_to_the_mirror(tmp_path):
    world = World(tmp_path, policy_document(mode="MIRROR"))
    placed = world.router.put("k", b"x")
    world.store.buckets["b"] = dict(world.store.buckets["a"])
    world.store.fail("a", "get", NO_ANSWER)
    assert world.router.get(placed.reference).content == b"x"


def test_delete_goes_to_all_and_a_listing_says_when_it_is_not_complete(world):
    world.router.put("k", b"x")
    world.store.buckets["b"] = {"k": (b"old", {}), "l": (b"l", {})}
    listed = world.router.list("")
    assert [(e.bucket, e.entry.key) for e in listed.entries] == [("a", "k"), ("b", "l")]
    assert listed.is_complete

    world.store.fail("c", "list", NO_ANSWER)
    assert world.router.list("").failed == {"c": "no answer"}
    world.store.fail("b", "delete", UNAVAILABLE)
    assert not world.router.delete("k").is_complete
    assert world.router.delete("k").is_complete
    assert "k" not in world.store.buckets["b"]


def test_without_a_policy_nothing_is_written_and_references_are_read(tmp_path):
    world = World(tmp_path)
    (tmp_path / "none").mkdir()
    router = Router.from_file(tmp_path / "none/policy.json", world.store, **world.settings)
    world.store.buckets["a"] = {"k": (b"x", {})}
    with pytest.raises(NoPolicy):
        router.put("k", b"x")
    assert router.get("fbref1:app/a/k").content == b"x"


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


def test_references_survive_any_key():
    for key in ("a/b", "ü ö", ";v=1", "%41", "fbref1:x", "\n"):
        reference = Reference("app", "b-1", key, '"e;v="')
        assert Reference.parse(str(reference)) == reference
        assert str(reference).isascii()


def test_the_event_loop_takes_the_same_way_as_a_thread(tmp_path):
    world = World(tmp_path)
    faults = [UNAVAILABLE, UNAVAILABLE]
    world.store.fail("a", "put", *faults)
    records = [world.router.put("k", b"x").record]
    twin = World(tmp_path)
    twin.store.fail("a", "put", *faults)

    async def sleep(seconds):
        twin.sleep(seconds)

    async def story():
        router = AsyncRouter.from_file(
            tmp_path / "policy.json", AsyncMemoryStore(twin.store), sleep=sleep, **twin.settings
        )
        placed = await router.put("k", b"x")
        assert (await router.get(placed.reference)).content == b"x"
        assert (await router.list()).is_complete
        assert (await router.delete("k")).is_complete
        return placed.record

    records.append(asyncio.run(story()))
    assert records[0] == records[1]


def test_threads_together_never_pass_the_cap(tmp_path):
    world = World(tmp_path, policy_document({"a": {"meters": [meter(1000, soft_ppm=1_000_000)]}}))
    stored, full = [], []

    def write(n):
        for i in range(20):
            try:
                stored.append(world.router.put(f"{n}.{i}", bytes(7)))
            except ReadOnly:
                full.append(n)

    threads = [threading.Thread(target=write, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(stored), len(full)) == (142, 18)


def test_an_outage_of_the_statistics_stops_no_write_until_the_grants_expire(tmp_path):
    world = World(tmp_path, usage=usage_document({name: {"used": 1, "soft": 500, "hard": 500} for name in "abc"}))
    (tmp_path / "usage.json").write_bytes(b"torn")
    world.now += 87_000
    assert world.router.put("k", b"x").bucket == "a"
    world.now += 1_000
    with pytest.raises(ReadOnly) as refused:
        world.router.put("l", b"x")
    assert set(refused.value.reasons.values()) == {"2.expired"}
    assert world.router.get("k").content == b"x"
    assert (world.alarms, world.router.counts["usage.torn"]) == (["usage.torn"], 1)


def test_a_key_that_is_refused_is_loaded_again_also_for_a_body_that_cannot_be_sent_again(tmp_path):
    world = World(tmp_path, spool_limit=10)
    world.store.fail("a", "put", TransportFailure(403, "InvalidAccessKeyId"))
    with pytest.raises(NotStored):
        world.router.put("k", io.BufferedReader(Pipe(b"x" * 50)), size=50)
    assert (world.store.reloads, world.alarms) == (1, [])


def test_choosing_counts_nothing_and_reads_no_file(tmp_path):
    world = World(tmp_path)
    for path in tmp_path.iterdir():
        path.unlink()
    world.now += 10_000
    assert {world.router.choose(500).bucket for _ in range(9)} == {"a"}
    assert world.store.calls == []


def test_a_stale_policy_is_an_alarm_once(tmp_path):
    world = World(tmp_path, policy_document(valid={"stale_after_s": 60}))
    (tmp_path / "policy.json").unlink()
    world.now += 61_000
    for n in range(3):
        world.router.put(f"k{n}", b"x")
    assert world.alarms.count("policy.stale") == 1


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
