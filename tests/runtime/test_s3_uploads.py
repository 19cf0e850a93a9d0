"""Files in parts through `wrap(boto3 client)`: one write each, caps that hold, and nothing left of a failure."""

from __future__ import annotations

import io
from concurrent.futures import ThreadPoolExecutor

import pytest
from bridge_rig import MB
from s3_world import Stream
from uploads_world import BODY, PART, SMALL, grants, in_parts, left, routed

from fbplan.runtime import NotStored, ReadOnly
from fbplan.runtime.words import why

CAPS = dict.fromkeys("abc", 100 * MB)


@pytest.fixture
def client(s3):
    return routed(s3)


def test_a_large_file_goes_up_in_parts_and_is_one_write(s3, client, tmp_path):
    (tmp_path / "up").write_bytes(BODY)
    told = []
    answer = client.upload_file(str(tmp_path / "up"), "app", "k", {"ContentType": "text/plain"}, told.append, SMALL)

    assert sorted(in_parts(s3)) == [("a", 1), ("a", 2), ("a", 3)]
    got = client.get_object(Bucket="app", Key=answer["FbplanReference"])
    assert got["Body"].read() == BODY
    assert (got["ContentType"], sum(told)) == ("text/plain", len(BODY))
    assert {"fbseq", "fbsha256"} <= got["Metadata"].keys()
    (record,) = s3.records
    assert (record["size"], record["charged"], record["bucket"], record["upload"]) == (
        len(BODY),
        len(BODY),
        "a",
        "whole",
    )
    assert s3.used()["a"] == len(BODY)
    assert why(record).startswith(f"{len(BODY)} bytes of app went to a")


def test_what_is_shorter_than_the_threshold_is_one_request(s3, client):
    client.upload_fileobj(io.BytesIO(b"x" * (PART - 1)), "app", "k", Config=SMALL)
    client.upload_fileobj(Stream(PART - 1), "app", "l", Config=SMALL)
    client.upload_fileobj(io.BytesIO(b"x" * PART), "app", "m")
    assert in_parts(s3) == []
    assert client.head_object(Bucket="app", Key="l")["ContentLength"] == PART - 1


def test_a_stream_of_unknown_length_goes_up_in_parts(s3, client):
    told = []
    answer = client.upload_fileobj(Stream(2 * PART + 7), "app", "k", None, told.append, SMALL)
    assert client.head_object(Bucket="app", Key=answer["FbplanReference"])["ContentLength"] == 2 * PART + 7
    assert sorted(told) == [7, PART, PART]
    assert sum(record["charged"] for record in s3.records) == 2 * PART + 7
    assert [record["upload"] for record in s3.records] == ["part", "part", "whole"]
    assert s3.records[-1]["size"] == 2 * PART + 7


def test_uploads_at_the_same_time_are_counted_when_they_begin_so_that_none_is_given_up(open_s3):
    s3 = open_s3(caps=dict.fromkeys("abc", 14 * MB))
    client = routed(s3)

    def upload(number):
        return client.upload_fileobj(io.BytesIO(BODY), "app", f"k{number}", Config=SMALL)["FbplanReference"]

    with ThreadPoolExecutor(3) as pool:
        placed = [reference.split("/")[1] for reference in pool.map(upload, range(3))]
    assert sorted(placed) == [*"abc"]
    with pytest.raises(ReadOnly):
        upload(3)
    assert s3.used() == dict.fromkeys("abc", len(BODY))


@pytest.mark.parametrize("code", ["quota-403", "quota-429"])
def test_a_quota_that_ends_in_the_middle_leaves_nothing_and_the_next_upload_goes_elsewhere(s3, client, code):
    s3.node.credit(bucket="a", limit=7 * MB, status=int(code[-3:]))
    with pytest.raises(ReadOnly) as refused:
        client.upload_fileobj(io.BytesIO(BODY), "app", "k", Config=SMALL)
    assert left(s3) == [0, 0]
    assert refused.value.reasons["a"] == "1.tried"
    assert refused.value.retry_at_ms == s3.now, "the whole may begin again at once, elsewhere"
    assert "the upload of" in str(refused.value)
    assert "a: begun after" in refused.value.why
    assert s3.alarms == ["credit_mismatch"]
    again = client.upload_fileobj(io.BytesIO(BODY), "app", "k", Config=SMALL)
    assert again["FbplanReference"].startswith("fbref1:app/b/")
    assert {bucket for bucket, _ in in_parts(s3)[3:]} == {"b"}


@pytest.mark.parametrize(
    ("path", "method", "tries"), [("/a/k", "POST", 2), ("/a/k", "PUT", 2)], ids=["create", "first-part"]
)
def test_until_the_first_part_is_through_another_bucket_is_tried(s3, client, path, method, tries):
    s3.node.fault(method=method, path=path, fault="500-after", times=9)
    answer = client.upload_fileobj(io.BytesIO(BODY), "app", "k", Config=SMALL)
    assert answer["FbplanReference"].startswith("fbref1:app/b/")
    (record,) = s3.records
    assert [(a["bucket"], a["class"]) for a in record["attempts"]] == [*([("a", "transient")] * tries), ("b", None)]
    if method == "PUT":
        assert left(s3) == [0, 0]


def test_a_bucket_that_dies_in_the_middle_leaves_nothing_and_raises(s3, client):
    s3.node.fault(method="PUT", path="/a/k", fault="cut-before", times=9, nth=2)
    with pytest.raises(NotStored) as failed:
        client.upload_fileobj(io.BytesIO(BODY), "app", "k", Config=SMALL)
    assert failed.value.record["attempts"][0]["then"] == "begun"
    assert left(s3) == [0, 0]
    assert in_parts(s3)[0] == ("a", 1)
    assert {bucket for bucket, _ in in_parts(s3)} == {"a"}


def test_an_answer_that_got_lost_costs_a_second_request_and_no_upload(s3, client):
    s3.node.fault(method="PUT", path="/a/k", fault="cut-after", times=1)
    s3.node.fault(method="POST", path="/a/k", fault="cut-after", times=1)
    answer = client.upload_fileobj(io.BytesIO(BODY), "app", "k", Config=SMALL)
    assert client.get_object(Bucket="app", Key=answer["FbplanReference"])["Body"].read() == BODY


def test_what_stops_an_upload_from_outside_leaves_nothing(s3, client):
    class Broken(io.BytesIO):
        def read(self, size=-1):
            if self.tell() >= PART and seen.add(self.tell()) is None and len(seen) > 3:
                raise OSError("the disk is gone")
            return super().read(size)

    seen = set()
    with pytest.raises(OSError, match="the disk is gone"):
        client.upload_fileobj(Broken(BODY), "app", "k", Config=SMALL)

    def stop(_sent):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        client.upload_fileobj(io.BytesIO(BODY), "app", "k", Callback=stop, Config=SMALL)
    assert in_parts(s3) != []
    assert left(s3) == [0, 0]


@pytest.mark.parametrize("each", [20 * MB, 4 * MB])
def test_parts_of_an_upload_that_outlives_its_grant_are_counted_under_the_next_one(s3, each):
    grants(s3, 1, 20 * MB)
    client = routed(s3, usage=s3.folder / "usage.json")

    def later(_sent):
        s3.now += 60_000
        grants(s3, 1 + s3.now // 60_000, each)

    def upload():
        client.upload_fileobj(io.BytesIO(BODY), "app", "k", Callback=later, Config=SMALL)

    if each > PART:
        upload()
        told = [(record["upload"], record["charged"]) for record in s3.records]
        assert sorted(told) == [("part", 3), ("part", PART), ("whole", len(BODY))]
        assert s3.records[0]["seq"] != s3.records[-1]["seq"]
        return
    with pytest.raises(ReadOnly) as refused:
        upload()
    assert refused.value.reasons["a"] == "2.closed"
    assert refused.value.retry_at_ms == s3.now + 60_000, "no bucket has room for the whole before the next grants"
    assert left(s3) == [0, 0]


def test_a_grant_that_ran_out_takes_no_more_parts(s3):
    grants(s3, 1, 20 * MB)
    client = routed(s3, usage=s3.folder / "usage.json")

    def later(_sent):
        s3.now += 90_000

    with pytest.raises(ReadOnly) as refused:
        client.upload_fileobj(io.BytesIO(BODY), "app", "k", Callback=later, Config=SMALL)
    assert refused.value.reasons["a"] == "2.expired"
    assert in_parts(s3) == [("a", 1)]
    assert left(s3) == [0, 0]
