"""The router in a process that lives long: threads, event loops, files that change, age or are not there."""

from __future__ import annotations

import asyncio
import threading

import pytest
from memory_store import AsyncMemoryStore
from router_world import UNAVAILABLE, World
from runtime_world import meter, policy_document, usage_document

from fbplan.runtime import (
    AsyncRouter,
    NoPolicy,
    ReadOnly,
    Router,
)


def test_without_a_policy_nothing_is_written_and_references_are_read(tmp_path):
    world = World(tmp_path)
    (tmp_path / "none").mkdir()
    router = Router.from_file(tmp_path / "none/policy.json", world.store, **world.settings)
    world.store.buckets["a"] = {"k": (b"x", {})}
    with pytest.raises(NoPolicy):
        router.put("k", b"x")
    assert router.get("fbref1:app/a/k").content == b"x"


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda _path: None, "there is no such file"),
        (lambda path: path.mkdir(), "it is not a regular file"),
        (lambda path: path.write_text("{}"), "its format is not fbplan.routing/1"),
    ],
)
def test_a_write_without_a_policy_names_the_file_and_its_fault(tmp_path, make, told):
    world = World(tmp_path)
    path = tmp_path / "other.json"
    make(path)
    router = Router.from_file(path, world.store, **world.settings)
    for _ in range(2):  # also when nothing is new at the place
        with pytest.raises(NoPolicy) as refused:
            router.put("k", b"x")
        assert str(refused.value) == (
            f"no routing policy was ever good, nothing is written: {path}: {told}; run: fbplan policy check {path}"
        )
        world.now += 1_000


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
