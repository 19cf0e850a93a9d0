"""Schedule files: what they mean, and what is said of one that is wrong."""

from __future__ import annotations

import contextlib
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from simulation_world import DAY, GB, HOUR, MB, START, policy

from fbplan.errors import ApiFault, SpecInvalid
from fbplan.runtime.policy import Policy
from fbplan.simulation.history import schedule_of
from fbplan.simulation.reading import read_schedule
from fbplan.simulation.schedule import Schedule

GOOD = "from: 2026-11-01\nfor: 2d\nrepositories:\n  r:\n    rate: 24GB/day\n"


@pytest.fixture
def told(tmp_path):
    """What is wrong with a text: (line, code) of each."""

    def read(text, name="month.yaml"):
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        try:
            return read_schedule(path)
        except SpecInvalid as fault:
            found = fault.diagnostics
        assert all(d.location is not None and d.fix for d in found)
        return [(d.location.line, d.code.id) for d in found]

    return read


def test_the_shortest_schedule(told):
    found = told(GOOD)

    assert (found.start_ms, found.hours) == (START, 48)
    (flow,) = found.flows
    assert (flow.repository, flow.size) == ("r", 8 * MB)
    assert flow.hourly == (GB,) * 48


def test_json_is_read_as_well(told):
    document = {
        "from": "2026-11-01T06:00:00Z",
        "for": "1d",
        "repositories": {"r": {"rate": "2GB/hour"}},
        "used": {"a": 5},
    }

    found = told(json.dumps(document), "month.json")

    assert found.start_ms == START + 6 * HOUR
    assert sum(found.flows[0].hourly) == 48 * GB
    assert found.used == {"a": 5}


def test_every_habit_at_once(told):
    found = told(
        GOOD + "    object: 5MB\n    growth: 10%/day\n    weekend: 50%\n    busy: {hours: 8-20, share: 75%}\n"
        "    bursts:\n      - {at: 2026-11-02T03:00:00Z, for: 1h, rate: 7GB/hour}\n"
    )

    (flow,) = found.flows
    assert flow.size == 5 * MB
    assert sum(flow.hourly[:24]) == 12 * GB
    assert sum(flow.hourly[24:]) == 24 * GB * 11 // 10 + 7 * GB
    assert sum(flow.hourly[8:20]) == 9 * GB


def test_rows_of_days_and_hours_add_up(told):
    found = told(
        "time,repository,bytes,object\n# a comment\n2026-11-02,r,24GB,1MB\n2026-11-01T23:00:00Z,r,5GB,1MB\n"
        "2026-11-02T00:00:00Z,r,1000,1MB\n2026-11-01T23:00:00Z,s,7,\n",
        "month.csv",
    )

    assert (found.start_ms, found.hours) == (START + 23 * HOUR, 25)
    r, s = found.flows
    assert r.size == MB
    assert r.hourly[:3] == (5 * GB, GB + 1000, GB)
    assert sum(r.hourly) == 29 * GB + 1000
    assert sum(s.hourly) == 7


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("", [(1, "FB006")]),
        ("- 1\n", [(1, "FB006")]),
        ("from: [\n", [(2, "FB002")]),
        (b"from: \xff\n", [(1, "FB001")]),
        (GOOD + "    rate: 1GB/day\n", [(6, "FB003")]),
        (GOOD + "    speed: 1\n", [(6, "FB101")]),
        (GOOD + "    object: 8 parsecs\n", [(6, "FB105")]),
        (GOOD + "    object: 0B\n", [(6, "FB105")]),
        (GOOD + "    growth: 2%\n", [(6, "FB105")]),
        (GOOD + "    growth: 100%/day\n    weekend: 101%\n", [(7, "FB105")]),
        (GOOD + "    busy: {hours: 0-24, share: 50%}\n", [(6, "FB105")]),
        (GOOD + "    busy: {hours: 8-20}\n", [(6, "FB102")]),
        (GOOD + "    bursts: {at: 1}\n", [(6, "FB103")]),
        (GOOD + "    bursts:\n    - {at: 2026-10-01, for: 1h, rate: 1GB/hour}\n", [(7, "FB105")]),
        (GOOD + "    bursts:\n    - {at: 2026-11-01T00:30:00Z, for: 90m, rate: 1GB}\n", [(7, "FB105")] * 3),
        (GOOD + "used: 5\n", [(6, "FB006")]),
        (GOOD + "used: {a: -5}\n", [(6, "FB105")]),
        (GOOD.replace("24GB/day", "24GB"), [(5, "FB105")]),
        (GOOD.replace("24GB/day", "24"), [(5, "FB105")]),
        (GOOD.replace("24GB/day", "[1]"), [(5, "FB105")]),
        (GOOD.replace("2d", "500d"), [(2, "FB105")]),
        (GOOD.replace("2d", "30m"), [(2, "FB105")]),
        (GOOD.replace("2d", "2 days"), [(2, "FB105")]),
        (GOOD.replace("2026-11-01", "yesterday"), [(1, "FB105")]),
        (GOOD.replace("2026-11-01", "2026-11-31"), [(1, "FB105")]),
        (GOOD.replace("2026-11-01", "2026-11-01T00:30:00Z"), [(1, "FB105")]),
        (GOOD.replace("2026-11-01", "2026"), [(1, "FB105")]),
        ("from: 2026-11-01\nfor: 1d\nrepositories: {}\n", [(3, "FB102")]),
        ("from: 2026-11-01\nfor: 1d\nrepositories: {1: {rate: 1GB/day}}\n", [(3, "FB106")]),
        ("from: 2026-11-01\nfor: 1d\nrepositories:\n  r:\n", [(4, "FB006")]),
        (GOOD.replace("2d", "400d") + "    growth: 100%/day\n", [(4, "FB105")]),
    ],
)
def test_a_wrong_schedule_is_told_with_its_lines(told, text, wanted):
    assert told(text) == wanted


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("", [(1, "FB102")]),
        ("time,repository,bytes\n", [(1, "FB102")]),
        ("time,bytes\n2026-11-01,5\n", [(1, "FB102")]),
        ("time,time,repository,bytes\n", [(1, "FB102")]),
        ("time,repository,bytes\n2026-11-01,r\n", [(2, "FB002")]),
        ("time,repository,bytes\n2026-11-01,r,5G\n\n2026-13-01,r,5\n", [(2, "FB109"), (4, "FB105")]),
        ("time,repository,bytes\n2026-11-01,r,-5\n", [(2, "FB109")]),
        ("time,repository,bytes\n2026-11-01,,5\n", [(2, "FB102")]),
        ('time,repository,bytes\n2026-11-01,"r,5\n', [(2, "FB002")]),
        ("time,repository,bytes,object\n2026-11-01,r,5,1MB\n2026-11-02,r,5,2MB\n", [(3, "FB105")]),
        ("time,repository,bytes\n2026-11-01,r,5\n2028-11-01,r,5\n", [(1, "FB105")]),
        ("time,repository,bytes\n2026-11-01,r,٣\n", [(2, "FB109")]),
        (b"time,repository,bytes\n2026-11-01,r,\x00\n", [(2, "FB109")]),
    ],
)
def test_wrong_rows_are_told_with_their_lines(told, text, wanted):
    assert told(text, "month.csv") == wanted


def test_no_file_and_no_regular_file_are_told(told, tmp_path):
    for path in (tmp_path / "absent.yaml", tmp_path):
        with pytest.raises(SpecInvalid) as fault:
            read_schedule(path)
        assert fault.value.diagnostics[0].fix == "name a schedule file"


@settings(max_examples=150, deadline=None)
@given(
    st.one_of(
        st.text(max_size=200),
        st.lists(
            st.sampled_from([*GOOD.splitlines(keepends=True), "  - {\n", "    busy: 8\n", "for: {}\n", "\t\n"])
        ).map("".join),
    ),
    st.sampled_from(["yaml", "csv", "json"]),
)
def test_no_text_is_a_traceback(tmp_path_factory, text, ending):
    path = tmp_path_factory.mktemp("any") / f"x.{ending}"
    path.write_bytes(text.encode("utf-8", "surrogatepass"))

    with contextlib.suppress(SpecInvalid):
        assert isinstance(read_schedule(path), Schedule)


def routed(**orders) -> Policy:
    names = sorted({name for order in orders.values() for name in order})
    found = policy(dict.fromkeys(names), orders).policy
    return found._replace(
        repositories={n: r._replace(repo_id=f"id-{n}") for n, r in found.repositories.items()},
        buckets={n: b._replace(bucket_id=f"id-{n}") for n, b in found.buckets.items()},
    )


def test_the_history_is_replayed_whatever_bucket_took_it():
    day = START // DAY
    rows = [
        {"timestamp": START // 1000, "bucketId": "id-a", "repoId": "id-r", "upl_bytes": "24000"},
        {"timestamp": str(START + 5 * HOUR), "unitId": "id-b", "repoId": "id-r", "upl_bytes": 24},
        {"timestamp": START + DAY, "bucketId": "id-c", "upl_bytes": 48},
        {"timestamp": START + 9 * DAY, "bucketId": "id-c", "upl_bytes": 7},
    ]

    found, notes = schedule_of(rows, routed(r=["a", "b"], s=["c"]), day, 2, MB)

    assert (found.start_ms, found.hours, notes) == (START, 48, ())
    assert {f.repository: (sum(f.hourly[:24]), sum(f.hourly[24:])) for f in found.flows} == {
        "r": (24_024, 0),
        "s": (0, 48),
    }


def test_bytes_that_belong_to_no_repository_are_said_and_not_guessed():
    rows = [{"timestamp": START, "bucketId": "id-a", "upl_bytes": 5000}]

    found, notes = schedule_of(rows, routed(r=["a"], s=["a"]), START // DAY, 1, MB)

    assert found.flows == ()
    assert notes == ("5,000 bytes of the history belong to no repository of the policy",)


@pytest.mark.parametrize(
    "row",
    [
        {},
        {"timestamp": START},
        {"timestamp": START, "upl_bytes": None},
        {"timestamp": START, "upl_bytes": "-5"},
        {"timestamp": START, "upl_bytes": 1.5},
        {"timestamp": START, "upl_bytes": True},
        {"timestamp": "2026-11-01", "upl_bytes": 5},
        {"timestamp": "9" * 40, "upl_bytes": 5},
    ],
)
def test_a_row_that_cannot_be_read_is_an_error_and_never_zero(row):
    with pytest.raises(ApiFault, match="statistics cannot be read"):
        schedule_of([row], routed(r=["a"]), START // DAY, 1, MB)
