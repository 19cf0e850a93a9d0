"""Objects in parts through `wrap(boto3 client)`: one bucket for each, caps that hold, and nothing left of a failure."""

from __future__ import annotations

import io
from concurrent.futures import ThreadPoolExecutor

import pytest
from boto3.s3.transfer import TransferConfig
from botocore.exceptions import ClientError
from bridge_rig import MB
from runtime_world import raw, usage_document
from s3_world import Stream

from fbplan.runtime import AlreadyExists, NotStored, ReadOnly, Router, RoutingError, wrap
from fbplan.runtime.times import stamp_of
from fbplan.runtime.words import why

PART = 5 * MB
SMALL = TransferConfig(multipart_threshold=PART, multipart_chunksize=PART, max_concurrency=2)
BODY = bytes(range(256)) * (2 * PART // 256) + b"end"


@pytest.fixture
def s3(open_s3):
    return open_s3(caps=dict.fromkeys("abc", 100 * MB))


def routed(s3, **settings):
    return wrap(s3.node.s3(s3.key, request_checksum_calculation="when_required"), s3.policy, **s3.settings(**settings))


@pytest.fixture
def client(s3):
    return routed(s3)


def in_parts(s3, method="PUT"):
    """(bucket, number) of every part that reached the node."""
    asked = [line for line in s3.requests(method) if "partNumber" in line["query"]]
    return [(line["path"][1], int(line["query"]["partNumber"])) for line in asked]


def left(s3):
    """Parts and uploads that are on the node."""
    with s3.node.bridge.store.reading() as db:
        return [db.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in ("upload", "part")]


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


def test_any_process_goes_on_with_an_upload_that_another_began(s3, client):
    s3.node.credit(bucket="a", limit=0)
    begun = client.create_multipart_upload(Bucket="app", Key="k/ö", Metadata={"mine": "1"}, ContentType="text/plain")
    upload = {"Bucket": "app", "Key": "k/ö", "UploadId": begun["UploadId"]}
    assert begun["UploadId"].startswith("fbup1:b/")

    other, parts = routed(s3), []
    for number, body in enumerate((b"x" * PART, io.BytesIO(b"y" * PART), Stream(5)), 1):
        length = {"ContentLength": 5} if isinstance(body, Stream) else {}
        sent = other.upload_part(**upload, PartNumber=number, Body=body, **length)
        parts.append({"PartNumber": number, "ETag": sent["ETag"]})
    pages = other.get_paginator("list_parts").paginate(**upload)
    assert [part["Size"] for page in pages for part in page["Parts"]] == [PART, PART, 5]
    answer = other.complete_multipart_upload(**upload, MultipartUpload={"Parts": parts})

    assert answer["FbplanReference"].startswith("fbref1:app/b/k%2F%C3%B6;v=")
    assert (answer["Bucket"], answer["ETag"]) == ("app", client.head_object(Bucket="app", Key="k/ö")["ETag"])
    got = client.get_object(Bucket="app", Key=answer["FbplanReference"])
    assert (got["ContentType"], got["Metadata"]["mine"], "fbseq" in got["Metadata"]) == ("text/plain", "1", True)
    assert got["Body"].read() == b"x" * PART + b"y" * PART + b"x" * 5
    assert {record["upload"]: record["charged"] for record in s3.records} == {"begun": 0, "part": 5, "completed": 0}
    assert [why(record).split(" (")[0] for record in s3.records[:2]] == [
        "an upload of app began in b",
        f"a part of {PART} bytes of app went to b",
    ]


def test_an_upload_that_is_aborted_leaves_nothing(s3, client):
    upload = {"Bucket": "app", "Key": "k"}
    upload["UploadId"] = client.create_multipart_upload(**upload)["UploadId"]
    client.upload_part(**upload, PartNumber=1, Body=b"x")
    assert client.abort_multipart_upload(**upload)["ResponseMetadata"]["HTTPStatusCode"] == 204
    assert left(s3) == [0, 0]
    for call in (client.abort_multipart_upload, client.list_parts):
        with pytest.raises(ClientError) as fault:
            call(**upload)
        assert fault.value.response["Error"]["Code"] == "NoSuchUpload"
    with pytest.raises(ClientError, match="NoSuchUpload"):
        client.upload_part(**upload, PartNumber=2, Body=b"x")
    with pytest.raises(RoutingError, match="no upload that the router began"):
        client.list_parts(**{**upload, "UploadId": "8f00"})
    with pytest.raises(RoutingError, match="in bucket 'gone'"):
        client.list_parts(**{**upload, "UploadId": "fbup1:gone/1/8f00"})


def test_a_part_that_a_cap_has_no_room_for_is_refused_and_the_cap_holds(open_s3):
    s3 = open_s3(caps={"a": 12 * MB, "b": 100 * MB})
    client, upload = routed(s3), {"Bucket": "app", "Key": "k"}
    upload["UploadId"] = client.create_multipart_upload(**upload)["UploadId"]
    parts = [
        {"PartNumber": n, "ETag": client.upload_part(**upload, PartNumber=n, Body=b"x" * PART)["ETag"]} for n in (1, 2)
    ]
    with pytest.raises(ReadOnly) as refused:
        client.upload_part(**upload, PartNumber=3, Body=b"x" * PART)
    assert refused.value.reasons == {"a": "2.closed", "b": "1.pinned"}
    assert refused.value.retry_at is not None
    assert s3.used() == {"a": 2 * PART, "b": 0}
    assert client.complete_multipart_upload(**upload, MultipartUpload={"Parts": parts})["FbplanReference"]


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


def test_a_key_is_written_once_in_parts_too(s3, client):
    bare = s3.node.s3(s3.key)
    client.put_object(Bucket="app", Key="k", Body=b"1")
    for begin in (
        lambda: client.create_multipart_upload(Bucket="app", Key="k"),
        lambda: client.upload_fileobj(io.BytesIO(BODY), "app", "k", Config=SMALL),
    ):
        with pytest.raises(AlreadyExists):
            begin()
    assert in_parts(s3) == []

    upload = {"Bucket": "app", "Key": "l"}
    upload["UploadId"] = client.create_multipart_upload(**upload)["UploadId"]
    parts = {"Parts": [{"PartNumber": 1, "ETag": client.upload_part(**upload, PartNumber=1, Body=b"x")["ETag"]}]}
    bare.put_object(Bucket="a", Key="l", Body=b"meanwhile")
    with pytest.raises(AlreadyExists):
        client.complete_multipart_upload(**upload, MultipartUpload=parts)
    assert client.get_object(Bucket="app", Key="l")["Body"].read() == b"meanwhile"

    bare.put_object(Bucket="b", Key="m", Body=b"1")
    rewriting = wrap(bare, s3.policy, overwrite=True, **s3.settings())
    answer = rewriting.upload_fileobj(io.BytesIO(BODY), "app", "m", Config=SMALL)
    assert answer["FbplanReference"].startswith("fbref1:app/b/"), "where the key is, not where new ones go"
    assert bare.head_object(Bucket="b", Key="m")["ContentLength"] == len(BODY)


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


def grants(s3, seq, each):
    """A new showing of usage, with so many bytes for each bucket."""
    use = {name: {"used": 0, "soft": each, "hard": each, "period": stamp_of(s3.now)[:7]} for name in "abc"}
    (s3.folder / "usage.json").write_bytes(raw(usage_document(use, seq=seq, at_ms=s3.now)))


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


def test_a_call_that_cannot_be_routed_says_so_and_what_can(s3, client):
    source = {"Bucket": "app", "Key": "k"}
    for call in (
        lambda: client.copy_object(Bucket="app", Key="l", CopySource=source),
        lambda: client.copy_object(Bucket="a", Key="l", CopySource="app/k"),
        lambda: client.copy(source, "a", "l"),
        lambda: client.copy({"Bucket": "a", "Key": "k"}, "app", "l"),
        lambda: client.generate_presigned_url("get_object", Params=source),
        lambda: client.generate_presigned_post("app", "k"),
        lambda: client.delete_objects(Bucket="app", Delete={"Objects": [{"Key": "k"}]}),
        lambda: client.upload_part_copy(Bucket="app", Key="l", CopySource=source, UploadId="u", PartNumber=1),
        lambda: list(client.get_paginator("list_objects").paginate(Bucket="app")),
    ):
        with pytest.raises(RoutingError, match=r"'app' is a repository, and this call cannot be routed.*put_object"):
            call()
    assert client.generate_presigned_url("get_object", Params={"Bucket": "a", "Key": "app"}).startswith(s3.node.url)
    client.put_object(Bucket="app", Key="k", Body=b"x")
    client.copy_object(Bucket="b", Key="l", CopySource={"Bucket": "a", "Key": "k"})
    client.get_waiter("object_exists").wait(Bucket="app", Key="l", WaiterConfig={"MaxAttempts": 1})


def test_a_transport_that_sends_no_parts_is_told(s3):
    from memory_store import MemoryStore

    router = Router.from_file(s3.policy, MemoryStore(), **s3.settings())
    with pytest.raises(RoutingError, match="MemoryStore sends no parts"):
        router.uploads.put("k", b"x")
