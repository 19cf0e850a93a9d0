"""L9 with real clients: fleets of several repositories fill shared buckets by boto3, polled by the real poller."""

from __future__ import annotations

from contextlib import ExitStack

import pytest
from metering_world import EVERY_S
from shared_world import SharedWorld

from fbplan.runtime.calendar import span_at
from fbplan.runtime.policy import Period

CAP = 1_000_000
SIZES = (60_000, 20_000, 6_000, 2_000)
MONTH = Period("month", "UTC", 1, 7_200_000)
RAMP_S = 120


@pytest.fixture
def open_shared(tmp_path):
    with ExitStack() as opened:

        def open_one(*given, lag_s: int = 120) -> SharedWorld:
            world = SharedWorld(tmp_path, *given, lag_s)
            opened.callback(world.close)
            return world

        yield open_one


def month_end(world: SharedWorld) -> int:
    ends_ms = span_at(MONTH, world.now).ends_ms
    assert ends_ms is not None
    return ends_ms


def poll_at(world: SharedWorld, at_ms: int) -> None:
    world.wait_until(at_ms)
    world.poll()


@pytest.mark.parametrize("repositories", [2, 5])
def test_repositories_fill_the_cap_of_a_shared_bucket_and_pass_it_only_if_each_divides_by_its_own_fleet(
    open_shared, repositories
):
    world = open_shared({"a": CAP}, {f"r{n}": 2 for n in range(repositories)})
    for _ in range(16):
        world.rounds(1, *SIZES)
        assert world.used()["a"] <= CAP
    assert world.used()["a"] > 0.85 * CAP, "and it is used, not only kept"
    assert world.used()["a"] == world.acknowledged()
    assert world.lost() == []
    assert len({line["key"] for line in world.requests("PUT")}) == repositories
    assert [*world.alerts, *world.alarms] == []

    world.publish(writers=2)
    poll_at(world, month_end(world) + MONTH.grace_ms)
    world.rounds(3, 1)  # and the ramp
    world.rounds(6, *SIZES[:3])
    assert world.used()["a"] > 1.1 * CAP, "a policy that says so is wrong, and it shows"


def back_by_tenth(world: SharedWorld) -> list[int]:
    """How many writers wrote again at the beginning and after each tenth of the ramp."""
    began, back, counts = world.now, set(), []
    for tenth in range(11):
        world.wait_until(began + tenth * RAMP_S * 100)
        if tenth and tenth % 5 == 0:
            world.poll()
        stored = world.at_once(lambda writer: writer.put(1000))
        back |= {writer.name for writer, count in zip(world.fleet, stored, strict=True) if count}
        counts.append(len(back))
    return counts


def closed_at_the_end_of_the_month_until_the_grace_is_over(world: SharedWorld, use: int, size: int) -> None:
    """Others wrote too, up to a use at which no writer may write `size` bytes any more."""
    ends_ms = month_end(world)
    poll_at(world, ends_ms - 3_600_000)
    world.rounds(1, 1000)
    world.taken_by_others("a", use - world.used()["a"])
    world.rounds(3, size)
    opens_ms = ends_ms + MONTH.grace_ms
    assert {fault.retry_at_ms for fault in world.refusals()} == {opens_ms if use == CAP else world.now}
    for at_ms in (ends_ms + 600_000, opens_ms - EVERY_S * 1000):
        poll_at(world, at_ms)
        assert world.at_once(lambda writer: writer.put(size)) == [0] * 20, "in the grace both months count"
    poll_at(world, opens_ms)


def test_after_the_month_twenty_writers_return_one_after_another_within_the_ramp_and_without_one_all_at_once(
    open_shared,
):
    world = open_shared({"a": CAP}, {"app": 12, "batch": 8})
    reached, short_of_room = (CAP, 2000), (CAP * 8 // 10, 3000)  # a share of the last fifth holds no 3000 bytes
    for use, size in (reached, short_of_room):
        closed_at_the_end_of_the_month_until_the_grace_is_over(world, use, size)
        counts = back_by_tenth(world)
        assert counts[0] == 0
        assert 1 <= counts[1] <= 5
        assert 6 <= counts[5] <= 14
        assert counts[10] == 20
        assert world.used()["a"] <= CAP, "of the new month"

    world.publish(select={"hysteresis": {"ramp_s": 0}})
    closed_at_the_end_of_the_month_until_the_grace_is_over(world, *reached)
    assert world.at_once(lambda writer: writer.put(1000)) == [1] * 20


def filled(world: SharedWorld, *sizes: int) -> dict[str, dict[str, int]]:
    """Write until nothing was stored for three polls: what was used when each bucket took its first bytes."""
    first_use: dict[str, dict[str, int]] = {}
    history = [-1]
    while history[-1] not in history[-4:-3]:
        world.rounds(1, *sizes)
        history.append(world.acknowledged())
        use = world.used()
        assert max(use.values()) <= CAP
        first_use |= {name: use for name in sorted(use) if use[name] and name not in first_use}
    return first_use


def test_three_buckets_fill_in_turn_then_read_only_and_the_month_opens_them_again(open_shared):
    world = open_shared(dict.fromkeys("abc", CAP), {"app": 2, "batch": 1}, lag_s=30)
    first_use = filled(world, 32_000, 8_000, 2_000)
    assert list(first_use) == ["a", "b", "c"]
    assert first_use["b"]["a"] > 0.5 * CAP, "the last third is rationed, so that what does not fit goes on"
    assert first_use["c"]["b"] > 0.5 * CAP
    assert min(world.used().values()) > 0.9 * CAP
    november = world.acknowledged()
    assert sum(world.used().values()) == november
    assert all(fault.retry_at_ms > world.now - EVERY_S * 1000 for fault in world.refusals())

    poll_at(world, month_end(world) + MONTH.grace_ms)
    assert back_by_tenth(world)[-1] == 3
    assert sum(world.used().values()) == world.acknowledged() - november
    assert world.lost() == [], "of either month"
    assert [*world.alerts, *world.alarms] == []
