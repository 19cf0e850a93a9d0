"""What passes is counted into the statistics: per bucket, repository and day, with the lag that was set."""

from __future__ import annotations

from datetime import timedelta

import pytest
from bridge_rig import Node

from fbplan.emulator.bridge import traffic


def test_each_operation_counts_what_passed(node: Node) -> None:
    s3 = node.writer("a")
    s3.put_object(Bucket="a", Key="k", Body=b"x" * 100)
    assert node.daily() == [(100, 0, 100)]
    s3.put_object(Bucket="a", Key="k", Body=b"x" * 30)
    assert node.daily() == [(130, 0, 30)]
    s3.get_object(Bucket="a", Key="k")["Body"].read()
    s3.get_object(Bucket="a", Key="k", Range="bytes=0-9")["Body"].read()
    assert node.daily() == [(130, 40, 30)]
    s3.head_object(Bucket="a", Key="k")
    s3.copy_object(Bucket="a", Key="l", CopySource="a/k")
    assert node.daily() == [(160, 40, 60)]
    s3.delete_object(Bucket="a", Key="k")
    s3.delete_objects(Bucket="a", Delete={"Objects": [{"Key": "l"}, {"Key": "none"}]})
    assert node.daily() == [(160, 40, 0)]
    upload = s3.create_multipart_upload(Bucket="a", Key="k")["UploadId"]
    tag = s3.upload_part(Bucket="a", Key="k", UploadId=upload, PartNumber=1, Body=b"x" * 7)["ETag"]
    assert node.daily() == [(167, 40, 0)]
    s3.complete_multipart_upload(
        Bucket="a", Key="k", UploadId=upload, MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": tag}]}
    )
    assert node.daily() == [(167, 40, 7)]


def test_the_framing_of_a_streamed_body_is_not_counted(node: Node) -> None:
    s3 = node.writer("a", request_checksum_calculation="when_supported")
    s3.put_object(Bucket="a", Key="k", Body=b"x" * 100_000, ChecksumAlgorithm="CRC32")
    assert node.daily() == [(100_000, 0, 100_000)]


def test_every_statistic_tells_the_same(node: Node) -> None:
    s3 = node.writer("a", "b")
    for bucket, size in (("a", 5), ("b", 7), ("b", 11)):
        s3.put_object(Bucket=bucket, Key=f"k{size}", Body=b"x" * size)
    assert sorted(node.daily()) == [(5, 0, 5), (18, 0, 18)]
    minutes = node.api.get("/stats/minute").json()["data"]
    assert sum(int(row["upl_bytes"]) for row in minutes) == 23
    totals = node.api.get("/bucket/stats").json()["stats"]
    assert [(row["totalUploadBytes"], row["totalSizeChange"], row["totalCount"]) for row in totals] == [
        ("5", "5", "1"),
        ("18", "18", "2"),
    ]
    (repo,) = node.api.get("/repo/stats").json()["stats"]
    assert repo["totalUploadBytes"] == "23"
    assert node.api.get("/v2/stats/storage?scope=org&window=7d").json()["summary"]["total"] == 23


def test_bytes_show_when_their_lag_is_over_and_not_before(open_node) -> None:
    node = open_node(bridge_stats_lag=120)
    s3 = node.writer("a")
    s3.put_object(Bucket="a", Key="k", Body=b"x" * 100)
    node.advance(100)
    s3.put_object(Bucket="a", Key="l", Body=b"x" * 10)
    assert node.daily() == []
    node.advance(30)
    assert node.daily() == [(100, 0, 100)]
    assert node.daily() == [(100, 0, 100)]
    node.post("/_emulator/settings", {"bridge_stats_lag": 0})
    assert node.daily() == [(110, 0, 110)]


def test_a_row_belongs_to_the_day_when_it_passed(open_node) -> None:
    node = open_node(bridge_stats_lag=3600)
    s3 = node.writer("a")
    s3.put_object(Bucket="a", Key="k", Body=b"x" * 100)
    day = node.emulator.store.now().date()
    node.advance(40 * 86400)
    s3.put_object(Bucket="a", Key="l", Body=b"x" * 10)
    node.advance(3601)
    later = node.emulator.store.now().date()
    assert node.daily(endDate=day.isoformat() + "T23:59:59Z") == [(100, 0, 100)]
    assert node.daily(startDate=(later - timedelta(days=1)).isoformat()) == [(10, 0, 10)]


def test_two_repositories_on_one_bucket_are_counted_apart_and_together(node: Node) -> None:
    bucket = node.bucket("a")
    repos = [node.repository(name, (bucket, name)) for name in ("r1", "r2")]
    for size, repo in enumerate(repos, 10):
        node.s3(node.key(repo)).put_object(Bucket="a", Key="k", Body=b"x" * size)
    assert [node.daily(repoId=repo) for repo in repos] == [[(10, 0, 10)], [(11, 0, 11)]]
    assert node.api.get("/bucket/stats").json()["stats"][0]["totalUploadBytes"] == "21"


@pytest.mark.parametrize("more", [0, 1])
def test_a_crash_between_the_two_commits_neither_loses_nor_doubles(node: Node, more: int) -> None:
    s3 = node.writer("a")
    s3.put_object(Bucket="a", Key="k", Body=b"x" * 100)
    until = node.emulator.store.now().timestamp() + 1
    with node.emulator.changing() as organisation:
        traffic.publish(node.bridge.store, organisation.db, until)  # and here the process dies
    for number in range(more):
        s3.put_object(Bucket="a", Key=f"more{number}", Body=b"x" * 10)
    assert [up for up, _, _ in node.daily()] == [100 + 10 * more]
    assert [up for up, _, _ in node.daily()] == [100 + 10 * more]


def test_what_is_pending_outlives_the_process(open_node) -> None:
    node = open_node("kept", bridge_stats_lag=600)
    node.writer("a").put_object(Bucket="a", Key="k", Body=b"x" * 100)
    node.close()
    again = open_node("kept", bridge_stats_lag=600)
    assert again.daily() == []
    again.advance(601)
    assert again.daily() == [(100, 0, 100)]


def test_rows_recorded_by_hand_and_real_traffic_add_up(node: Node) -> None:
    s3 = node.writer("a")
    node.post("/_emulator/usage", {"rows": [{"bucket": "a", "repository": "a", "upl_bytes": 1000}]})
    s3.put_object(Bucket="a", Key="k", Body=b"x" * 5)
    assert node.daily() == [(1005, 0, 1005)]
