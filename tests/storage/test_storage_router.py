"""A router reads policy and usage where `apply` and the poller publish them: in an object store."""

from __future__ import annotations

import os
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator

import pytest
from memory_store import MemoryStore
from runtime_world import T0, policy_document, raw, usage_document
from storage_places import CANARIES, S3

from fbplan.runtime import Router
from fbplan.storage import open_document

USED = {name: {"used": 0, "soft": 800, "hard": 1000} for name in "abc"}


@pytest.fixture
def folder(s3: S3) -> str:
    return f"s3://acme/{uuid.uuid4().hex}"


def publish(url: str, content: bytes) -> None:
    place = open_document(url, "", "")
    stands = place.read()
    assert place.write(content, None if stands is None else stands.tag) is not None


class World:
    """A router over the two objects; every look is made by hand."""

    def __init__(self, folder: str) -> None:
        self.now, self.alarms, self.told = T0, [], []
        self.policy, self.usage = f"{folder}/routing-policy.json", f"{folder}/usage.json"
        publish(self.policy, raw(policy_document()))
        publish(self.usage, raw(usage_document(USED, seq=4)))
        self.router = Router.from_file(
            self.policy, MemoryStore(), usage=self.usage, clock_ms=lambda: self.now, alarm=self._alarm
        )

    def _alarm(self, name: str, told: object) -> None:
        self.alarms.append(name)
        self.told.append(str(told))

    def look(self) -> None:
        self.now += 2_000
        self.router.refresh(now=True)

    def seq(self) -> int:
        return int(self.router.put(uuid.uuid4().hex, b"x").record["seq"])


@pytest.fixture
def world(folder: str) -> Iterator[World]:
    made = World(folder)
    yield made
    made.router.close()


def test_a_router_follows_what_is_published_in_s3(s3: S3, world: World) -> None:
    assert world.seq() == 4
    s3.calls.clear()
    world.look()
    assert (world.router.counts["policy.taken"], world.router.counts["usage.taken"]) == (1, 1), "304 by ETag"

    publish(world.usage, raw(usage_document(USED, seq=5)))
    world.look()
    assert (world.seq(), world.alarms) == (5, [])


@pytest.mark.parametrize(
    ("bad", "why"),
    [
        ("500", "it answered 500"),
        ("denied", "it answered 403 SignatureDoesNotMatch"),
        ("cut", "the connection failed"),
        ("gone", "it answered 404 NoSuchKey"),
    ],
)
def test_a_store_in_trouble_leaves_the_last_good_in_force_and_is_told_without_secrets(
    s3: S3, world: World, bad: str, why: str
) -> None:
    if bad == "gone":
        open_document(world.usage, "", "").calls.delete([world.usage.removeprefix("s3://acme/")])
    else:
        s3.script.append(("GET", "usage.json", bad))
    world.look()
    assert (world.seq(), world.alarms) == (4, ["usage.unreadable"])
    assert world.told == [str({"path": world.usage, "why": why})]
    assert not any(canary in told for canary in CANARIES.values() for told in world.told)

    publish(world.usage, raw(usage_document(USED, seq=5)))
    world.look()
    assert world.seq() == 5


def test_a_bucket_that_is_not_there_is_an_alarm_at_the_start_and_nothing_is_written(s3: S3) -> None:
    alarms: list[str] = []
    router = Router.from_file("s3://nobucket/p.json", MemoryStore(), alarm=lambda name, _: alarms.append(name))
    assert alarms == ["policy.unreadable"]
    assert router.counts["policy.unreadable"] == 1


FORKED = """
import os, sys
from fbplan.runtime.source import Source
told = []
source = Source(sys.argv[1], None, clock_ms=lambda: 0, alarm=lambda *alarm: told.append(alarm))
child = os.fork()
if child == 0:
    source.refresh(now=True)
    sys.exit(0 if source.pair.policy and [name for name, _ in told] == ["policy.forked"] else 1)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


def test_a_fork_after_the_first_look_is_an_alarm_and_never_hangs(world: World) -> None:
    ended = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", FORKED, world.policy],
        env=os.environ,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (ended.returncode, ended.stderr) == (0, "")


def test_azure_answers_by_etag_too(azure: str) -> None:
    _told_by_etag(f"{azure}/routing-policy.json", publish)


def _told_by_etag(url: str, publish: Callable[[str, bytes], None]) -> None:
    publish(url, raw(policy_document()))
    with Router.from_file(url, MemoryStore(), clock_ms=lambda: T0) as router:
        router.refresh(now=True)
        assert router.counts == {"policy.taken": 1}
        publish(url, raw(policy_document(generation=8)))
        router.refresh(now=True)
        assert router.counts == {"policy.taken": 2}
