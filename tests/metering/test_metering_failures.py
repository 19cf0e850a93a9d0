"""Statistics that lag, fall, change shape or vanish: what cannot be read is never zero."""

from __future__ import annotations

import pytest
from metering_world import BLIND_S, World, cap, ms
from runtime_world import T0

from fbplan.runtime.times import stamp_of


@pytest.fixture
def granting(open_world) -> World:
    """500,000 of 1,000,000 bytes used, grants running."""
    world = open_world("a", "b", allow=("no-memory",))
    world.record("a", 500_000)
    world.poll()
    return world


NEXT_TO_NOTHING = 20
"""Bytes: what is left over by the rounding of a dozen rounds."""
OVER_S = 91
"""When the grants of a poll have ended."""


def as_of(world: World) -> str:
    return str(world.document()["buckets"]["a"]["meters"]["ingress_bytes"]["as_of"])


def stays_closed_for_good(world: World, polls: int = 15) -> int:
    """How much is granted in all while nothing more is learnt."""
    given = {}
    for _ in range(polls):
        given[world.usage().seq] = world.granted()[1]
        world.poll(60)
    assert max(world.granted()) < NEXT_TO_NOTHING
    return sum(given.values())


OUTAGES = ("500-before", "502-html", "cut-before", "truncated-json", "200-failure", "token-expired", "429")


@pytest.mark.parametrize("fault", OUTAGES)
def test_an_outage_leaves_the_last_use_and_its_date_and_grants_shrink_to_nothing(granting: World, fault: str) -> None:
    world, date, first = granting, as_of(granting), granting.granted()[1]
    world.fault("/stats/daily", fault)
    world.poll(OVER_S)
    assert (world.use(), as_of(world)) == (("stale", "2026-11", 500_000), date)
    given = stays_closed_for_good(world)
    assert first + given <= 500_000, "never more than what was left when it was last known"
    assert (world.use(), as_of(world)) == (("stale", "2026-11", 500_000), date)


@pytest.mark.parametrize("fault", ["unknown-fields", "nulls", "missing-fields"])
def test_what_nobody_needs_may_come_and_go(granting: World, fault: str) -> None:
    granting.fault("/stats/daily", fault)
    granting.record("a", 1)
    granting.poll(60)
    assert granting.use() == ("ok", "2026-11", 500_001)


def test_while_grants_run_a_failed_poll_leaves_the_file_alone_since_a_new_one_would_end_them(granting: World) -> None:
    world = granting
    for _ in range(12):
        world.poll(60)
    before = world.document()
    world.fault("/stats/daily", "500-before")
    while world.poll(20).is_published:  # there is room for one more round, then for none
        before = world.document()
    last = ms(before["buckets"]["a"]["expires_at"])
    while world.now + 20_000 < last:
        assert not world.poll(20).is_published
    assert world.document() == before
    assert world.poll(20).is_published
    assert (world.use()[0], max(world.granted()) < NEXT_TO_NOTHING) == ("stale", True)


def test_the_second_failed_poll_in_a_row_is_an_alert_and_so_is_each_one_after_it(granting: World) -> None:
    world = granting
    world.fault("/stats/daily", "500-before")
    named = []
    for _ in range(4):
        world.poll(60)
        named.append(world.named())
    assert named == [[], ["statistics"], ["statistics"], ["statistics"]]
    world.heal()
    world.poll(60)
    assert (world.named(), world.use()[0], "failed_polls" in world.document()) == ([], "ok", False)
    world.fault("/stats/daily", "500-before")
    world.poll(60)
    assert world.named() == [], "counting began anew"


def test_failed_polls_are_counted_over_restarts(granting: World) -> None:
    world = granting
    world.fault("/stats/daily", "500-before")
    world.poll(OVER_S)
    world.poller = world.started()
    world.poll(OVER_S)
    assert world.named() == ["statistics"]


def test_an_outage_tells_why_once_for_all_buckets(granting: World) -> None:
    world = granting
    world.fault("/stats/daily", "500-before")
    world.poll(60)
    world.poll(60)
    ((_, told),) = world.alerts
    assert told.startswith("2 polls in a row did not read the use of a.ingress_bytes, b.ingress_bytes: ")
    assert "GET /stats/daily" in told


def test_without_any_reading_a_bucket_is_unknown_closed_and_shown_as_full(world: World) -> None:
    world.fault("/stats/daily", "500-before")
    for _ in range(15):
        world.poll(60)
    assert (world.use(), world.granted()) == (("unknown", "2026-11", 1_000_000), (0, 0))


def test_after_an_outage_grants_come_back_at_once(granting: World) -> None:
    world = granting
    world.fault("/stats/daily", "500-before")
    stays_closed_for_good(world)
    world.heal()
    world.poll(BLIND_S)
    assert world.granted()[1] > 0


def test_use_that_falls_is_an_alert_the_larger_counts_and_its_grants_end(granting: World) -> None:
    world, date = granting, as_of(granting)
    world.forget("a")
    world.record("a", 20_000)
    world.poll(60)
    assert world.named() == ["fell"]
    assert (world.use(), as_of(world)) == (("stale", "2026-11", 500_000), date)
    stays_closed_for_good(world)
    assert set(world.named()) == {"fell"}, "a fall is no failed poll"
    world.record("a", 480_000)
    world.poll(60)
    assert (world.named(), world.use()) == ([], ("ok", "2026-11", 500_000))
    assert world.granted()[1] > 0


def test_a_fall_is_believed_when_somebody_says_so_and_only_for_that_bucket(granting: World) -> None:
    world = granting
    world.record("b", 300_000)
    world.poll(60)
    world.forget("a")
    world.forget("b")
    world.allow = ("fall:a",)
    world.poller = world.started()
    world.poll(60)
    assert (world.use("a"), world.use("b")) == (("ok", "2026-11", 0), ("stale", "2026-11", 300_000))
    assert [told.split(":")[0] for _, told in world.alerts] == ["b.ingress_bytes"]


def test_rows_that_vanish_altogether_are_a_fall_and_no_zero(granting: World) -> None:
    granting.forget("a")
    granting.poll(60)
    assert (granting.use(), granting.named()) == (("stale", "2026-11", 500_000), ["fell"])


class Answering:
    """The API with one of its answers changed."""

    def __init__(self, world: World, name: str, change) -> None:
        self._world, self._name, self._change = world, name, change

    def __getattr__(self, name: str):
        real = getattr(self._world.client, name)
        return (lambda *asked: self._change(real(*asked))) if name == self._name else real


def changed(**fields: object):
    return lambda rows: [{**row, **fields} for row in rows]


def without(*names: str):
    return lambda rows: [{k: v for k, v in row.items() if k not in names} for row in rows]


ODD = {
    "no counter": without("upl_bytes"),
    "null": changed(upl_bytes=None),
    "a float": changed(upl_bytes=1.5),
    "words": changed(upl_bytes="1e6"),
    "a boolean": changed(upl_bytes=True),
    "less than nothing": changed(upl_bytes="-1"),
    "grouped digits": changed(upl_bytes="500,000"),
    "no bucket": without("unitId", "bucketId"),
    "two buckets": changed(unitId="x", bucketId="y"),
    "no time": without("timestamp"),
    "a time in microseconds": changed(timestamp=T0 * 1000),
    "a time in days": changed(timestamp=T0 // 86_400_000),
    "a time in words": changed(timestamp="yesterday"),
}


@pytest.mark.parametrize("shape", ODD)
def test_a_shape_that_is_not_understood_leaves_the_last_use(granting: World, shape: str) -> None:
    world = granting
    world.now += OVER_S * 1000
    world.poller.poll(Answering(world, "daily", ODD[shape]))
    assert world.use() == ("stale", "2026-11", 500_000)


@pytest.mark.parametrize("shape", ODD)
def test_a_shape_that_is_not_understood_from_the_start_is_unknown(open_world, shape: str) -> None:
    world = open_world(allow=("no-memory",))
    world.record("a", 10)
    world.poller.poll(Answering(world, "daily", ODD[shape]))
    assert (world.use(), world.granted()) == (("unknown", "2026-11", 1_000_000), (0, 0))


def test_no_rows_are_no_use_only_of_a_bucket_that_the_totals_know(open_world) -> None:
    world = open_world("a", "b", allow=("no-memory",))
    world.record("b", 5)
    world.poll()
    assert world.use("a") == ("ok", "2026-11", 0)
    world.storage.remove("ledger")
    world.poller = world.started()
    world.poller.poll(Answering(world, "totals", lambda _: []))
    assert world.use("a") == ("unknown", "2026-11", 1_000_000)
    assert world.use("b") == ("ok", "2026-11", 5), "its rows speak for it"


def test_an_empty_list_is_a_fall(granting: World) -> None:
    granting.fault("/stats/daily", "empty-list")
    granting.poll(60)
    assert (granting.use(), granting.named()) == (("stale", "2026-11", 500_000), ["fell"])


def test_a_bucket_that_the_api_no_longer_knows_is_not_empty(granting: World) -> None:
    world = granting
    answer = world.api.delete(f"/bucket/{world.ids['b']}")
    assert answer.is_success
    world.poll(60)
    assert world.use("b")[0] == "stale"
    world.poll(60)
    assert "the statistics do not know the bucket" in world.alerts[-1][1]


def test_one_odd_bucket_does_not_spoil_the_others(granting: World) -> None:
    world = granting
    world.record("b", 7)
    bad = world.ids["a"]

    def change(rows):
        return [{**row, "upl_bytes": None} if row.get("unitId") == bad else row for row in rows]

    world.now += 60_000
    world.poller.poll(Answering(world, "daily", change))
    assert (world.use("a"), world.use("b")) == (("stale", "2026-11", 500_000), ("ok", "2026-11", 7))
    assert world.document()["as_of"] == stamp_of(T0 - 180_000), "true of every bucket"


def test_a_hint_that_cannot_be_read_makes_a_bucket_partial_and_closes_nothing(open_world) -> None:
    world = open_world(allow=("no-memory",))
    world.write_policy(8, [cap(), cap(900, "stored_bytes", kind="none")])
    world.record("a", 5)
    world.poller.poll(Answering(world, "totals", lambda _: []))
    assert world.use() == ("partial", "2026-11", 5)
    assert world.use(meter="stored_bytes") == ("partial", "none", 900), "not less than the cap, as nobody knows"
    assert world.granted()[1] > 0


def test_nodes_and_times_that_are_not_told_are_left_out(granting: World) -> None:
    world = granting
    world.fault("/stats/nodes/minute", "500-before")
    world.poll(60)
    found = world.document()["buckets"]["a"]
    assert (found["quality"], found["node"], "put_p95_us" in found) == ("ok", "UNKNOWN", False)
    assert world.named() == []


@pytest.mark.parametrize("counters", ["string", "number"])
@pytest.mark.parametrize("usage_id", ["unitId", "bucketId"])
@pytest.mark.parametrize("unit", ["seconds", "milliseconds"])
def test_every_form_that_the_api_notes_leave_open_is_read(open_world, counters: str, usage_id: str, unit: str) -> None:
    world = open_world(interval_counters=counters, usage_id=usage_id, timestamp_unit=unit)
    world.record("a", 2**60 + 1)
    world.poll()
    assert world.use() == ("ok", "2026-11", 2**53 - 1), "the largest that every reader keeps exactly"
    world.record("a", 3, "2026-10-30T00:00:00Z")
    world.poll(60)
    assert world.use()[0] == "ok"
