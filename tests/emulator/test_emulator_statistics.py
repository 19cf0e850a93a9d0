"""Counters, dates and nodes (api/README.md §7 and §10)."""

from __future__ import annotations

import pytest
from emulator_api import Api


@pytest.fixture
def used(api: Api) -> Api:
    first, second = api.bucket("a"), api.bucket("b")
    api.repository("r", (first, "f"), (second, "f"))
    api.record(
        {"bucket": "a", "repository": "r", "day": "2026-11-03", "upl_bytes": 10, "dwl_bytes": 1},
        {
            "bucketId": first,
            "repository": "r",
            "day": "2026-11-03",
            "upl_bytes": 5,
            "host": "eu-central-1-azure.flashback.tech",
        },
        {"bucket": "b", "minute": "2026-11-04T10:00:30Z", "upl_bytes": 2**62, "size_change": -3},
        {"bucket": "b", "minute": "2026-11-04T10:00:59Z", "upl_bytes": 2**62},
        {"bucket": "b", "minute": "2026-11-04T10:00:10Z", "upl_bytes": 2**62},
    )
    return api


def test_lifetime_totals_are_strings_of_any_size(used: Api) -> None:
    first, second = used.get("/bucket/stats").json()["stats"]
    assert (first["totalUploadBytes"], first["totalDownloadBytes"], first["totalSizeChange"], first["totalCount"]) == (
        "15",
        "1",
        "15",
        "2",
    )
    assert (second["totalUploadBytes"], second["totalSizeChange"]) == (str(3 * 2**62), str(2 * 2**62 - 3))
    (repo,) = used.get("/repo/stats").json()["stats"]
    assert repo["totalUploadBytes"] == "15"


def test_totals_are_zero_without_usage_and_select_by_id(api: Api) -> None:
    api.bucket("a")
    second = api.bucket("b")
    (only,) = api.get(f"/bucket/stats?bucketId={second},unknown").json()["stats"]
    assert only == {
        "bucketId": second,
        "totalCount": "0",
        "totalUploadBytes": "0",
        "totalDownloadBytes": "0",
        "totalSizeChange": "0",
    }


def test_rows_are_grouped_by_day_or_minute_and_host(used: Api) -> None:
    daily = used.get("/stats/daily").json()["data"]
    assert [(row["timestamp"], row["upl_bytes"]) for row in daily] == [
        (1793664000, "5"),
        (1793664000, "10"),
        (1793750400, str(3 * 2**62)),
    ]
    minutes = used.get("/stats/minute?startDate=2026-11-04T00:00:00Z").json()["data"]
    assert [row["timestamp"] for row in minutes] == [1793786400]


@pytest.mark.parametrize(
    ("query", "rows"),
    [
        ("startDate=2026-11-04T00:00:00Z", 1),
        ("endDate=2026-11-03T00:00:00.000Z", 2),
        ("startDate=2026-11-03T12:00:00Z&endDate=2026-11-03T13:00:00Z", 2),
        ("hosts=eu-central-1-azure.flashback.tech", 1),
        ("unitId=unknown", 0),
        ("bucketId=undefined&repoId=", 3),
    ],
)
def test_rows_are_selected_by_date_host_and_id(used: Api, query: str, rows: int) -> None:
    assert len(used.get(f"/stats/daily?{query}").json()["data"]) == rows


@pytest.mark.parametrize(
    "query", ["startDate=tomorrow", "startDate=2026-02-30", "startDate=2026-11-04&endDate=2026-11-03"]
)
def test_bad_dates_are_a_400(api: Api, query: str) -> None:
    assert api.get(f"/stats/daily?{query}").status_code == 400


def test_node_days_are_numbers_without_the_leading_zero(api: Api) -> None:
    api.bucket("b")
    rows = api.get("/stats/nodes/daily?startDate=31082026&endDate=1092026").json()["data"]
    assert [row["day"] for row in rows[::3]] == [31082026, 1092026]


@pytest.mark.parametrize("query", ["startDate=99", "startDate=32012026", "startDate=1010001&endDate=31129999"])
def test_bad_node_days_are_a_400(api: Api, query: str) -> None:
    api.bucket("b")
    assert api.get(f"/stats/nodes/daily?{query}").status_code == 400


def test_node_services_are_matched_with_and(api: Api) -> None:
    assert [
        api.get(f"/node{query}").json()["total"]
        for query in ("?nodeServices=1", "?nodeServices=0", "", "?nodeServices=2")
    ] == [3, 3, 3, 0]


def test_node_minutes_tell_the_state_of_a_bucket(api: Api) -> None:
    bucket = api.bucket("b")
    api.post("/_emulator/state", json={"bucket": bucket, "status": "DISCONNECTED"})
    rows = api.get(f"/stats/nodes/minute?bucketId={bucket}").json()["data"]
    assert {row["nodeStatus"] for row in rows} == {"DISCONNECTED"}
    assert {row["status"] for row in api.get(f"/bucket/{bucket}/status").json()["nodeStatus"]} == {"DISCONNECTED"}


def test_a_day_of_a_bucket(api: Api) -> None:
    bucket = api.bucket("b")
    stats = api.post(f"/bucket/{bucket}/stats", json={"day": "2026-05-01T00:00:00Z"}).json()["nodeStats"]
    assert {row["last_updated"] for row in stats} == {"2026-05-01T23:59:00.000Z"}
    assert api.post(f"/bucket/{bucket}/stats", json={"day": "someday"}).status_code == 400


def test_own_nodes_are_none_and_those_of_others_are_forbidden(api: Api) -> None:
    org = api.get("/workspace").json()["workspaces"][0]["orgId"]
    assert api.get(f"/organization/{org}/nodes").json()["data"] == []
    assert api.get("/organization/other/nodes").status_code == 403


def test_credits_are_not_enabled(api: Api) -> None:
    assert api.get("/credits/balance").json()["error_code"] == "CREDITS_NOT_ENABLED"
    assert api.get("/credits/rates").json()["data"] == []


WRONG_ROWS = [
    {}, {"bucket": "nowhere"}, {"bucket": "b", "upl_bytes": "5"}, {"bucket": "b", "upl_bytes": 2**63}, {"bucket": "b", "day": "x"},
    {"bucket": "b", "day": "1969-01-01"}, {"bucket": "b", "repository": "x"}, {"bucket": "b", "host": 1}, {"bucket": ["b"]},
]  # fmt: skip


@pytest.mark.parametrize("row", WRONG_ROWS)
def test_a_wrong_usage_row_is_named_and_nothing_is_recorded(api: Api, row: dict[str, object]) -> None:
    api.bucket("b")
    refused = api.post("/_emulator/usage", json={"rows": [{"bucket": "b", "upl_bytes": 1}, row]})
    assert (refused.status_code, "rows[1]" in refused.json()["message"]) == (400, True)
    assert api.get("/stats/daily").json()["data"] == []


def test_v2_counts_a_window_in_json_numbers(api: Api) -> None:
    first, second = api.bucket("a"), api.bucket("b")
    repo = api.repository("r", (first, "f"))
    today = api.emulator.store.now().date().isoformat()
    api.record(
        {"bucket": "a", "repository": "r", "day": today, "upl_bytes": 2**60},
        {"bucket": "b", "day": today, "upl_bytes": 7},
        {"bucket": "b", "day": "2020-01-01", "upl_bytes": 9},
    )
    series = api.get("/v2/stats/storage?scope=org&window=7d").json()
    assert (series["summary"]["total"], len(series["series"])) == (2**60 + 7, 1)
    assert api.get(f"/v2/stats/storage?scope=repo&id={repo}&window=7d").json()["summary"]["total"] == 2**60
    broken = api.get("/v2/stats/storage/breakdown/buckets?scope=org&window=7d&includeSeries=true").json()
    assert {entity["entityName"]: entity["totals"]["uplBytes"] for entity in broken["entities"]} == {"a": 2**60, "b": 7}
    assert {len(entity["series"]) for entity in broken["entities"]} == {1}
    one = api.get(f"/v2/stats/storage/breakdown/repos?scope=workspace&id={api.workspace}&window=24h&limit=1").json()
    assert one["meta"]["totalEntities"] in {0, 1}
    assert second


@pytest.mark.parametrize(
    "query", ["", "scope=org", "scope=repo&window=24h", "scope=all&window=24h", "scope=org&window=1h"]
)
def test_v2_wants_scope_window_and_id(api: Api, query: str) -> None:
    assert api.get(f"/v2/stats/storage?{query}").status_code == 400
