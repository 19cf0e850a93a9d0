"""boto3's multipart calls through `wrap`, in any process; and the calls that cannot be routed."""

from __future__ import annotations

import io

import pytest
from botocore.exceptions import ClientError
from bridge_rig import MB
from s3_world import Stream
from uploads_world import BODY, PART, SMALL, in_parts, left, routed

from fbplan.runtime import AlreadyExists, ReadOnly, Router, RoutingError, wrap
from fbplan.runtime.words import why

CAPS = dict.fromkeys("abc", 100 * MB)


@pytest.fixture
def client(s3):
    return routed(s3)


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
