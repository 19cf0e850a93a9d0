"""Writers, the poller and the emulator's statistics together, in virtual time: caps hold, outages are survived."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, field

import pytest
from memory_store import MemoryStore
from metering_world import EVERY_S, World, cap, ms

from fbplan.runtime import ReadOnly, Router

STEP_S = 10
CAPS = {"a": 1_000_000, "b": 400_000}
FLEETS = {"app": 4, "batch": 2}


@dataclass
class Fleet:
    """Two repositories with a fleet each share buckets a and b. Bytes show in the statistics `lag_s` after their end."""

    world: World
    lag_s: int
    seed: int = 1
    upload_s: int = 300
    missed_polls: float = 0.0
    polls: bool = True
    stored: Counter[str] = field(default_factory=Counter)
    refused: list[tuple[int, ReadOnly]] = field(default_factory=list)
    written_ms: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.chance = random.Random(self.seed)
        self.pending: list[tuple[int, str, int]] = []
        self.next_poll = self.world.now
        self.publish()
        self.number = 0
        self.routers = [
            Router.from_file(
                self.world.folder / "policy.json",
                MemoryStore(),
                usage=self.world.folder / "usage.json",
                repository=repository,
                writer=f"{repository}.{n}",
                clock_ms=lambda: self.world.now,
                dice=lambda: self.chance.getrandbits(32),
                sleep=lambda _: None,
            )
            for repository, size in FLEETS.items()
            for n in range(size)
        ]

    def run(self, seconds: int, size: int) -> None:
        """Every writer would like to write up to twice `size` bytes every ten seconds."""
        for _ in range(seconds // STEP_S):
            if self.world.now >= self.next_poll:
                self.next_poll += EVERY_S * 1000
                if self.polls and self.chance.random() >= self.missed_polls:
                    self.publish()
            for router in self.routers:
                self.put(router, self.chance.randint(1, 2 * size))
            self.world.now += STEP_S * 1000

    def publish(self) -> None:
        known_ms = self.world.now - self.lag_s * 1000
        due = [upload for upload in self.pending if upload[0] <= known_ms]
        self.pending = [upload for upload in self.pending if upload[0] > known_ms]
        sums: Counter[tuple[int, str]] = Counter()
        for ends_ms, bucket, size in due:
            sums[ends_ms // 3_600_000, bucket] += size
        for (hour, bucket), size in sums.items():
            self.world.record(bucket, size, hour * 3_600_000)
        self.world.poll()

    def put(self, router: Router, size: int) -> None:
        self.number += 1
        try:
            bucket = router.put(f"k{self.number}", bytes(size)).bucket
        except ReadOnly as fault:
            self.refused.append((self.world.now, fault))
            return
        self.written_ms.append(self.world.now)
        self.stored[bucket] += size
        self.pending.append((self.world.now + self.chance.randrange(self.upload_s * 1000 + 1), bucket, size))


@pytest.fixture
def open_fleet(open_world):
    def open_one(now: str = "2026-11-10T00:00:00Z", *, lag_s: int = 180, seed: int = 1, **settings) -> Fleet:
        world = open_world("a", "b", now=now, allow=("no-memory",))
        share(world)
        return Fleet(world, lag_s, seed, **settings)

    return open_one


def share(world: World) -> None:
    import json

    from fbplan.runtime.canonical import sealed

    world.write_policy(7, {name: [cap(limit)] for name, limit in CAPS.items()}, order=["a", "b"])
    document = json.loads((world.folder / "policy.json").read_bytes())
    document["repositories"]["batch"] = document["repositories"]["app"]
    for name, bucket in document["buckets"].items():
        bucket |= {"writers": sum(FLEETS.values()), "folders": {"app": name, "batch": f"batch-{name}"}}
    (world.folder / "policy.json").write_text(json.dumps(sealed(document)))


@pytest.mark.parametrize(("lag_s", "missed", "seed"), [(0, 0.0, 1), (180, 0.0, 2), (180, 0.3, 3), (90, 0.6, 4)])
def test_two_fleets_on_shared_buckets_fill_both_caps_and_pass_neither(
    open_fleet, lag_s: int, missed: float, seed: int
) -> None:
    fleet = open_fleet(lag_s=lag_s, seed=seed, missed_polls=missed)

    fleet.run(2 * 3600, 900)

    assert fleet.stored["a"] <= CAPS["a"]
    assert fleet.stored["b"] <= CAPS["b"]
    if missed < 0.5:
        assert sum(fleet.stored.values()) > 0.9 * sum(CAPS.values()), "and they are used, not only kept"
    assert fleet.world.alerts == []


def test_statistics_that_lag_longer_than_was_assumed_are_what_it_costs_to_be_wrong(open_fleet) -> None:
    """The same fleet, told that there is no lag: this is how the suite would notice a poller that ignores `max-lag`."""
    fleet = open_fleet(lag_s=1200)
    fleet.world.poller = fleet.world.started(lag_s=0)
    fleet.run(5400, 2000)
    assert fleet.stored["a"] > CAPS["a"]


def test_when_the_statistics_are_down_writes_go_on_until_the_grants_are_over_and_then_there_is_read_only(
    open_fleet,
) -> None:
    fleet = open_fleet()
    fleet.run(900, 100)
    before = fleet.stored.copy()
    ends_ms = min(use.expires_ms for use in fleet.world.usage().buckets.values()) - 2_000
    assert fleet.refused == []
    fleet.world.fault("/stats/daily", "500-before")

    fleet.run(3600, 100)

    first_ms, fault = fleet.refused[0]
    assert first_ms >= ends_ms, "nothing was refused before"
    assert set(fault.reasons.values()) <= {"2.expired", "2.closed"}
    assert max(fleet.written_ms) < fleet.world.now - 2_700_000, "after a quarter of an hour everything is closed"
    assert fleet.stored["a"] <= CAPS["a"]
    assert sum(fleet.stored.values()) > sum(before.values())
    last = fleet.world.usage().buckets
    assert {(use.quality, use.meters["ingress_bytes"].hard < 20) for use in last.values()} == {("stale", True)}
    assert {name for name, _ in fleet.world.alerts} == {"statistics"}

    fleet.world.heal()
    fleet.refused.clear()
    fleet.run(1800, 100)
    assert fleet.written_ms[-1] >= fleet.world.now - STEP_S * 1000
    assert all(at < fleet.world.now - 1_500_000 for at, _ in fleet.refused), "open again at once"


def test_when_the_poller_dies_no_write_is_refused_before_the_last_grant_ends_and_each_one_after(open_fleet) -> None:
    fleet = open_fleet()
    fleet.run(900, 100)
    ends_ms = min(use.expires_ms for use in fleet.world.usage().buckets.values()) - 2_000
    fleet.polls = False
    fleet.run(600, 100)
    assert min(at for at, _ in fleet.refused) >= ends_ms
    assert max(fleet.written_ms) < ends_ms
    assert set(fleet.refused[-1][1].reasons.values()) == {"2.expired"}


def test_after_the_month_the_fleet_returns_when_the_grace_is_over(open_fleet) -> None:
    fleet = open_fleet("2026-11-30T21:00:00Z", lag_s=60)
    fleet.run(1800, 2000)
    for bucket, limit in CAPS.items():  # and what others left of them
        fleet.world.record(bucket, limit)
    fleet.run(600, 2000)
    (_, full) = fleet.refused[-1]
    assert full.retry_at == "2026-12-01T02:00:00Z"
    november = fleet.stored.copy()
    fleet.refused.clear()

    fleet.written_ms.clear()
    fleet.run(600, 50)
    for stamp in ("2026-11-30T23:55:00Z", "2026-12-01T01:50:00Z"):
        fleet.world.now = fleet.next_poll = ms(stamp)
        fleet.run(1200, 50)

    opened_ms = fleet.written_ms[0]
    assert opened_ms >= ms(full.retry_at)
    assert opened_ms - ms(full.retry_at) <= 300_000
    assert fleet.stored["a"] - november["a"] <= CAPS["a"]
    assert fleet.written_ms[-1] >= fleet.world.now - STEP_S * 1000


@pytest.mark.parametrize("seed", range(2))
def test_a_poller_that_starts_again_without_its_memory_passes_no_cap(open_fleet, seed: int) -> None:
    fleet = open_fleet(seed=seed)
    fleet.run(1200, 1500)
    (fleet.world.folder / "usage.json").unlink()
    fleet.world.allow = ()
    fleet.world.poller = fleet.world.started()
    fleet.run(5400, 1500)
    assert fleet.stored["a"] <= CAPS["a"]
    assert fleet.stored["b"] <= CAPS["b"]
    assert fleet.stored["a"] > 0.9 * CAPS["a"]
