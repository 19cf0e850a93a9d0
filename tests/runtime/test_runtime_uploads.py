"""Accounts of uploads in parts, over a store in memory: caps hold whatever is interleaved, and nothing leaks."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from memory_store import lost
from parts_world import CAP, World
from runtime_world import meter, policy_document, raw, usage_document
from s3_world import Stream

from fbplan.runtime import Manner, NotAnUpload, NotStored, Router, TransportFailure, Upload, WriteFailed


@pytest.fixture
def world(tmp_path):
    return World(tmp_path)


steps = st.lists(
    st.tuples(
        st.sampled_from(["send", "stream", "put", "part-fails", "begin-fails", "wait"]),
        st.integers(1, 700),
        st.integers(50, 300),
        st.integers(1, 3),
    ),
    max_size=12,
)


@settings(max_examples=60, deadline=None)
@given(steps)
def test_caps_hold_and_what_was_not_sent_is_released(tmp_path_factory, taken):
    world, spare = World(tmp_path_factory.mktemp("w")), 0
    world.store.meanwhile = lambda: world.sleep(40)
    for number, (what, size, part_size, together) in enumerate(taken):
        if what == "part-fails":
            for bucket in "abc":
                world.store.fail(bucket, "part", None, TransportFailure(400, "BadDigest"))
        elif what == "begin-fails":
            world.store.fail("a", "begin", TransportFailure(507, "InsufficientStorage"))
        with suppress(WriteFailed):
            match what:
                case "wait":
                    world.sleep(size)
                case "put":
                    world.router.put(f"k{number}", b"x" * size)
                case "stream":
                    world.send(f"k{number}", Stream(size), part_size, together)
                case _:
                    world.send(f"k{number}", b"x" * size, part_size, together)
        world.store.faults.clear()
        came = {bucket: world.store.came.get(bucket, 0) for bucket in "abc"}
        counted = world.counted()
        assert max(came.values()) <= CAP
        assert world.store.uploads == {}
        assert all(came[bucket] <= counted[bucket] for bucket in "abc")
        # a part that was refused was counted and did not come: so many may be on the way together
        spare += (together + 1) * part_size if what.endswith("-fails") else 0
        assert sum(counted.values()) - sum(came.values()) <= spare


def test_a_part_is_counted_when_it_is_sent_so_that_an_upload_may_outlive_what_is_remembered(world):
    world.store.meanwhile = lambda: world.sleep(400)
    world.send("k", b"x" * 900)
    assert world.counted() == {"a": 900, "b": 0, "c": 0}
    assert world.router.put("l", b"x" * 100).bucket == "b", "after the soft cap"
    (record, _) = world.records
    assert (record["charged"], record["took_ms"], record["decisions"][0]["bucket"]) == (900, 9 * 400_000, "a")


def test_a_writer_on_top_of_the_statistics_counts_each_part_in_the_minute_in_which_it_is_sent(world):
    use = {name: {"used": 0} for name in "abc"}
    (world.folder / "u.json").write_bytes(raw(usage_document(use, at_ms=world.now)))
    usage = {"usage": world.folder / "u.json", "simple": True}
    router = Router.from_file(world.folder / "p.json", world.store, **world.settings(**usage))
    world.store.meanwhile = lambda: world.sleep(70)
    router.uploads.put("k", b"x" * 700, manner=Manner(100))
    local = router._core._state.local("a")
    assert [count for _, count in local.slots if count] == [100] * 7
    assert router.choose().candidates[0].own == 700


def test_under_one_grant_the_whole_and_its_parts_are_the_same_bytes(world):
    use = {name: {"used": 0, "soft": 700, "hard": 700} for name in "abc"}
    (world.folder / "u.json").write_bytes(raw(usage_document(use, at_ms=world.now)))
    router = Router.from_file(world.folder / "p.json", world.store, **world.settings(usage=world.folder / "u.json"))
    assert router.uploads.put("k", b"x" * 700, manner=Manner(100)).bucket == "a"
    assert router.choose(1).candidates[0].own == 700


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from([0, 0, 30, 60, 100]), st.sampled_from([0, 100, 150, 300, 700])), max_size=8),
    st.integers(1, 2),
)
def test_under_each_grant_no_more_is_started_than_it_gives(tmp_path_factory, showings, writers):
    world = World(tmp_path_factory.mktemp("w"))
    document = policy_document({name: {"meters": [meter(CAP)], "writers": writers} for name in "abc"}, generation=8)
    (world.folder / "p.json").write_bytes(raw(document))
    given, started = [900], {}

    def show():
        use = {name: {"used": 0, "soft": given[-1], "hard": given[-1]} for name in "abc"}
        (world.folder / "u.json").write_bytes(raw(usage_document(use, len(given), world.now, 8)))

    show()
    router = Router.from_file(world.folder / "p.json", world.store, **world.settings(usage=world.folder / "u.json"))
    waiting = iter(showings)

    def later():
        """A part of 100 bytes starts; then time goes by and the next grants come."""
        grant = world.store.calls[-1][1], router._core.view().seq
        started[grant] = started.get(grant, 0) + 100
        seconds, size = next(waiting, (0, 0))
        world.sleep(seconds)
        if seconds:
            given.append(size)
            show()

    world.store.meanwhile = later
    for number in range(3):
        with suppress(WriteFailed):
            router.uploads.put(f"k{number}", b"x" * 400, manner=Manner(100))
    assert world.store.uploads == {}
    assert all(count <= given[seq - 1] // writers for (_, seq), count in started.items())


def test_what_was_never_sent_is_counted_no_more(world):
    world.store.fail("a", "begin", TransportFailure(507, "InsufficientStorage"))
    world.store.fail("b", "part", None, TransportFailure(400, "BadDigest"))
    with pytest.raises(WriteFailed):
        world.send("k", b"x" * 700)
    assert world.store.came == {"b": 100}
    assert world.counted() == {"a": 100, "b": 200, "c": 0}, "a part that was tried stays counted"


def test_a_bucket_that_closes_for_new_objects_takes_the_rest_of_an_upload(world):
    tried = []

    def others():
        """Somebody asks for more than is left, so that the cap closes the bucket until the month ends."""
        tried.append(world.router.choose(200).bucket)
        world.router.put(f"other{len(tried)}", b"x" * 200)

    world.store.meanwhile = others
    assert world.send("k", b"x" * 960, 240).bucket == "a"
    assert world.router.choose().candidates[0].rule == "4.hold"
    assert set(tried) == {"b"}
    assert world.store.came == {"a": 960, "b": 800}
    assert world.counted() == {"a": 960, "b": 800, "c": 0}


def test_a_stream_that_comes_once_is_no_part_twice(world):
    upload, _ = world.router.uploads.begin("k")
    world.store.fail("a", "part", TransportFailure(500, "InternalError"))
    world.router.uploads.part(upload, "k", 1, b"x" * 10)
    router = Router.from_file(world.folder / "p.json", world.store, **world.settings(spool_limit=5))
    world.store.fail("a", "part", TransportFailure(500, "InternalError"))
    with pytest.raises(NotStored) as failed:
        router.uploads.part(upload, "k", 2, Stream(10), size=10)
    assert failed.value.record["rule"] == "7.once"
    assert [method for method, _ in world.store.calls] == ["head", "begin", "part", "part", "part"]


def test_a_completion_is_made_once_whatever_becomes_of_its_answers(world):
    for failures, calls in (
        ([lost()], ["complete", "head"]),
        ([TransportFailure(500)], ["complete", "head", "complete"]),
        ([TransportFailure(500), lost(404, "NoSuchUpload")], ["complete", "head", "complete", "head"]),
        ([TransportFailure(501, "NotImplemented")], ["complete", "head", "complete"]),
        ([TransportFailure(403, "AccessDenied")], ["complete", "complete"]),
    ):
        key = f"k{len(world.records)}"
        world.store.fail("a", "complete", *failures)
        world.store.calls.clear()
        assert world.send(key, b"x" * 150).bucket == "a"
        assert [method for method, _ in world.store.calls][4:] == calls
        assert world.store.buckets["a"][key][0] == b"x" * 150
    assert world.store.reloads == 1

    world.store.fail("b", "complete", *[TransportFailure(500)] * 9)
    with pytest.raises(NotStored):
        world.send("never", b"x" * 150)
    assert world.store.uploads == {}


@pytest.mark.parametrize("together", [1, 2])
@pytest.mark.parametrize("part", [1, 3])
def test_a_stop_by_the_user_in_the_middle_of_a_request_leaves_nothing(world, part, together):
    def stop():
        if [method for method, _ in world.store.calls].count("part") == part - 1:
            raise KeyboardInterrupt

    world.store.meanwhile = stop
    with pytest.raises(KeyboardInterrupt):
        world.send("k", b"x" * 500, 100, together)
    assert world.store.uploads == {}
    assert ("complete", "a") not in world.store.calls


@pytest.mark.parametrize(
    "text", ["", "fbup1:a/1", "fbup1:a/x/1", "fbup1:a/1/%", "fbup1:a/1/%FF", "fbup1:../1/1", "2~x"]
)
def test_what_is_no_upload_is_told(text):
    with pytest.raises(NotAnUpload):
        Upload.parse(text)
    upload = Upload("a", "7", "x/ä= ;")
    assert Upload.parse(str(upload)) == upload


def test_no_step_of_an_upload_takes_an_empty_key(world):
    uploads, upload = world.router.uploads, Upload("a", "1", "u")
    for step in (
        lambda: uploads.put("", b"x"),
        lambda: uploads.begin(""),
        lambda: uploads.part(upload, "", 1, b"x"),
        lambda: uploads.complete(upload, "", []),
        lambda: uploads.abort(upload, ""),
        lambda: uploads.parts(upload, ""),
    ):
        with pytest.raises(ValueError, match="the key is empty"):
            step()
    assert (world.store.calls, world.counted()) == ([], {"a": 0, "b": 0, "c": 0})
