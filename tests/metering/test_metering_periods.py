"""Which days count: months with a time zone and an anchor day, the grace after a rollover, meters without an end."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from zoneinfo import ZoneInfo

from hypothesis import example, given
from hypothesis import strategies as st
from metering_world import BLIND_S, World, cap

from fbplan.runtime.policy import Meter, Period
from fbplan.runtime.statistics.rows import Row, Total, rows_of, totals_of
from fbplan.runtime.statistics.use import BucketReading, spans_at, sums

DAY_MS = 86_400_000


def month(anchor: int = 1, tz: str = "UTC", grace_s: int = 7200) -> dict[str, object]:
    return {"kind": "month", "anchor_day": anchor, "tz": tz, "rollover_grace_s": grace_s}


def meter_of(world: World, name: str = "ingress_bytes") -> dict[str, object]:
    found: dict[str, object] = world.document()["buckets"]["a"]["meters"][name]
    return found


def test_in_the_grace_the_period_before_counts_as_well_and_says_when_it_ends(open_world) -> None:
    world = open_world(now="2026-11-30T23:58:00Z", allow=("no-memory",))
    world.record("a", 900_000)
    world.poll()
    assert world.use() == ("ok", "2026-11", 900_000)

    world.poll(120)
    assert world.use() == ("ok", "2026-11", 900_000)
    assert meter_of(world)["resets_at"] == "2026-12-01T00:00:00Z", "with the grace added: the retry_at of writers"
    world.record("a", 40_000)
    world.poll(7140)
    assert world.use() == ("ok", "2026-11", 940_000), "a store that still books to November has taken all of it"

    world.poll(60)
    assert world.use() == ("ok", "2026-12", 40_000)
    assert meter_of(world)["resets_at"] == "2027-01-01T00:00:00Z"
    assert (world.named(), meter_of(world)["highs"]) == ([], {"2026-12": 40_000}), "less than before, and no fall"


def test_what_is_new_counts_in_the_grace_already(open_world) -> None:
    world = open_world(now="2026-12-01T00:30:00Z", allow=("no-memory",))
    world.record("a", 10, "2026-11-30T10:00:00Z")
    world.record("a", 700)
    world.poll()
    assert world.use() == ("ok", "2026-11", 710)


def test_what_comes_late_into_the_period_before_still_counts_in_the_grace(open_world) -> None:
    world = open_world(now="2026-12-01T00:10:00Z", allow=("no-memory",))
    world.record("a", 500, "2026-11-30T10:00:00Z")
    world.poll()
    world.record("a", 50, "2026-11-30T23:59:00Z")
    world.poll(60)
    assert world.use() == ("ok", "2026-11", 550)


def test_grants_of_the_old_month_are_taken_off_those_of_the_new_one(open_world) -> None:
    world = open_world(now="2026-11-30T23:59:00Z", allow=("no-memory",))
    world.write_policy(8, [cap(1_000_000, **month(grace_s=0))])
    world.poll()
    world.poll(60)
    assert world.use()[1] == "2026-12"
    assert len(meter_of(world)["earlier"]) == 2


def test_an_outage_over_the_rollover_ends_in_unknown_when_the_grace_is_over(open_world) -> None:
    world = open_world(now="2026-11-30T23:58:00Z", allow=("no-memory",))
    world.record("a", 300_000)
    world.poll()
    world.fault("/stats/daily", "500-before")
    world.poll(120)
    assert world.use() == ("stale", "2026-11", 300_000)
    world.poll(7200)
    assert (world.use(), world.granted()) == (("unknown", "2026-12", 1_000_000), (0, 0))
    world.heal()
    world.poll(BLIND_S)
    assert world.use() == ("ok", "2026-12", 0)
    assert world.granted()[1] > 0


def test_a_month_begins_at_its_anchor_in_its_time_zone(open_world) -> None:
    world = open_world(now="2026-11-15T04:59:00Z", allow=("no-memory",))
    world.write_policy(8, [cap(1_000_000, **month(15, "America/New_York", 0))])
    for at, size in (("2026-10-14T00:00:00Z", 1), ("2026-10-20T00:00:00Z", 20), ("2026-11-16T00:00:00Z", 4000)):
        world.record("a", size, at)
    world.poll()
    assert world.use() == ("ok", "2026-10", 20)
    assert meter_of(world)["resets_at"] == "2026-11-15T05:00:00Z"
    world.now += 60_000
    world.record("a", 300, "2026-11-15T02:00:00Z")
    world.poll()
    assert world.use() == ("ok", "2026-11", 300), "of a day that lies in both periods nobody knows the hours: it counts"


def test_a_time_zone_that_this_machine_does_not_know_is_an_alert(open_world) -> None:
    world = open_world()
    world.write_policy(8, [cap(1_000_000, **month(1, "Mars/Olympus_Mons"))])
    world.poll()
    world.poll(60)
    ((name, told),) = world.alerts
    assert (name, "'Mars/Olympus_Mons' is not known here" in told) == ("policy", True)


def test_a_meter_without_a_period_counts_since_ever(open_world) -> None:
    world = open_world(allow=("no-memory",))
    world.write_policy(8, [cap(1_000_000, kind="none"), cap(99, "egress_bytes", kind="none")])
    world.record("a", 5, "2019-01-01T00:00:00Z", dwl_bytes=3)
    world.record("a", 7, dwl_bytes=4)
    world.poll()
    assert (world.use(), world.use(meter="egress_bytes")) == (("ok", "none", 12), ("ok", "none", 7))
    assert "resets_at" not in meter_of(world)
    assert "grants" not in meter_of(world, "egress_bytes"), "writes do not drive it"


def test_what_is_stored_may_fall_and_no_month_empties_it(open_world) -> None:
    world = open_world(allow=("no-memory",))
    world.write_policy(8, [cap(), cap(5000, "stored_bytes")])
    world.record("a", 0, "2026-09-01T00:00:00Z", size_change=4000)
    world.poll()
    assert world.use(meter="stored_bytes") == ("ok", "none", 4000)
    world.record("a", 0, size_change=-1500)
    world.poll(60)
    assert (world.use(meter="stored_bytes"), world.named()) == (("ok", "none", 2500), [])
    world.record("a", 0, size_change=-9000)
    world.poll(60)
    assert world.use(meter="stored_bytes") == ("ok", "none", 0), "more was deleted than came through here"


# Days as numbers, the moment as days and hours: small, so that rows and periods meet.
days = st.integers(0, 120)
counts = st.integers(0, 2**70)
written = st.lists(st.tuples(days, counts, counts, st.integers(-(2**60), 2**60), st.sampled_from("ab")), max_size=40)
FIRST = 20_454 * DAY_MS
"""2026-01-01."""


@given(
    written,
    st.integers(0, 120 * 24),
    st.integers(1, 28),
    st.sampled_from(("UTC", "America/New_York", "Asia/Kolkata", "Pacific/Kiritimati", "Europe/Berlin")),
    st.sampled_from(("ingress_bytes", "egress_bytes")),
    st.booleans(),
    st.sampled_from(("unitId", "bucketId")),
    st.sampled_from((1, 1000)),
)
@example([(31, 5, 0, 0, "a")], 31 * 24, 1, "UTC", "ingress_bytes", True, "unitId", 1)
def test_use_is_the_plain_sum_of_the_days_of_the_period(rows, hour, anchor, tz, name, as_text, wire, unit) -> None:
    at_ms = FIRST + hour * 3_600_000
    answer = [
        {
            "timestamp": (FIRST + day * DAY_MS) // 1000 * unit,
            wire: bucket,
            "upl_bytes": str(up) if as_text else up,
            "dwl_bytes": str(down) if as_text else down,
            "size_change": str(change) if as_text else change,
        }
        for day, up, down, change, bucket in rows
    ]
    meter = Meter(name, 1, 1, 1, Period("month", tz, anchor, 7_200_000))
    spans = spans_at(meter, at_ms)
    read = BucketReading(rows_of(answer, {"a"}, FIRST + 121 * DAY_MS)["a"], Total(0, 0, 0))

    found = sums(meter, spans, read)

    # by the calendar of the standard library instead of ours
    zone = ZoneInfo(tz)
    here = dt.datetime.fromtimestamp(at_ms / 1000, zone)
    year, number = (here.year, here.month) if here.day >= anchor else _before(here.year, here.month)
    starts = [_start(year, number, anchor, zone), _start(*_before(year, number), anchor, zone)]
    ends = [_start(*_after(year, number), anchor, zone), starts[0]]
    expected: Counter[str] = Counter()
    for span, start, end in zip(spans, starts, ends, strict=False):
        expected[span.key] = sum(
            (up if name == "ingress_bytes" else down)
            for day, up, down, _, bucket in rows
            if bucket == "a" and start < FIRST + (day + 1) * DAY_MS and FIRST + day * DAY_MS < end
        )
    assert found == dict(expected)
    assert len(spans) == 1 + (at_ms < starts[0] + 7_200_000)


@given(st.dictionaries(st.sampled_from("abc"), st.tuples(counts, counts, st.integers(-(2**70), 2**70))))
def test_totals_are_exact_and_what_is_not_there_is_odd(totals) -> None:
    answer = [
        {"bucketId": name, "totalUploadBytes": str(up), "totalDownloadBytes": str(down), "totalSizeChange": str(change)}
        for name, (up, down, change) in totals.items()
    ]
    found = totals_of(answer, "abc")
    assert {name: total for name, total in found.items() if isinstance(total, Total)} == {
        name: Total(*counted) for name, counted in totals.items()
    }
    assert set(found) == set("abc")


def test_a_row_is_what_it_says() -> None:
    (row,) = rows_of(
        [
            {
                "timestamp": 1_777_593_600,
                "unitId": "x",
                "upl_bytes": "9007199254740993",
                "dwl_bytes": 2,
                "size_change": "-1",
            }
        ],
        {"x"},
        1_777_600_000_000,
    )["x"]  # type: ignore[misc]
    assert row == Row(1_777_593_600_000, 9_007_199_254_740_993, 2, -1)


def _start(year: int, number: int, anchor: int, zone: ZoneInfo) -> int:
    return round(dt.datetime(year, number, anchor, tzinfo=zone).timestamp() * 1000)


def _before(year: int, number: int) -> tuple[int, int]:
    return (year, number - 1) if number > 1 else (year - 1, 12)


def _after(year: int, number: int) -> tuple[int, int]:
    return (year, number + 1) if number < 12 else (year + 1, 1)
