"""Every operation on objects and buckets, through boto3 over a loopback port."""

from __future__ import annotations

import base64
import hashlib
import io
import threading
import urllib.error
import urllib.request
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from botocore.exceptions import ClientError
from bridge_rig import MB, Node, refusal


@pytest.fixture
def s3(node: Node) -> Any:
    return node.writer("a")


def put(s3: Any, key: str, body: bytes = b"x", **more: object) -> Any:
    return s3.put_object(Bucket="a", Key=key, Body=body, **more)


def test_what_was_put_comes_back_with_its_metadata(s3: Any) -> None:
    made = put(
        s3, "docs/grün & +1.txt", b"hello", ContentType="text/plain", Metadata={"fb_seq": "7"}, CacheControl="no-store"
    )
    got = s3.get_object(Bucket="a", Key="docs/grün & +1.txt")
    head = s3.head_object(Bucket="a", Key="docs/grün & +1.txt")
    assert got["Body"].read() == b"hello"
    for answer in (got, head):
        assert (answer["ContentType"], answer["Metadata"], answer["CacheControl"], answer["ContentLength"]) == (
            "text/plain",
            {"fb_seq": "7"},
            "no-store",
            5,
        )
        assert answer["ETag"] == made["ETag"] == f'"{hashlib.md5(b"hello").hexdigest()}"'  # noqa: S324
        assert "ContentEncoding" not in answer


@pytest.mark.parametrize(
    ("asked", "body", "where"),
    [
        ("bytes=0-3", b"0123", "bytes 0-3/10"),
        ("bytes=7-", b"789", "bytes 7-9/10"),
        ("bytes=-2", b"89", "bytes 8-9/10"),
        ("bytes=5-99", b"56789", "bytes 5-9/10"),
    ],
)
def test_a_range_is_a_part_of_the_object(s3: Any, asked: str, body: bytes, where: str) -> None:
    put(s3, "k", b"0123456789")
    got = s3.get_object(Bucket="a", Key="k", Range=asked)
    assert (got["Body"].read(), got["ContentRange"], got["ResponseMetadata"]["HTTPStatusCode"]) == (body, where, 206)


def test_a_range_outside_is_a_416_and_a_range_of_nothing_too(s3: Any) -> None:
    put(s3, "k", b"0123456789")
    put(s3, "empty", b"")
    for key, asked in (("k", "bytes=10-"), ("k", "bytes=-0"), ("empty", "bytes=0-0")):
        with pytest.raises(ClientError) as fault:
            s3.get_object(Bucket="a", Key=key, Range=asked)
        assert refusal(fault.value) == (416, "InvalidRange")


def test_a_key_is_written_once_with_if_none_match(s3: Any) -> None:
    put(s3, "k", b"first", IfNoneMatch="*")
    with pytest.raises(ClientError) as fault:
        put(s3, "k", b"second", IfNoneMatch="*")
    assert refusal(fault.value) == (412, "PreconditionFailed")
    assert s3.get_object(Bucket="a", Key="k")["Body"].read() == b"first"


def test_of_many_writers_at_once_one_writes(s3: Any) -> None:
    start = threading.Barrier(8)

    def write(number: int) -> int:
        start.wait()
        try:
            put(s3, "k", str(number).encode() * 100_000, IfNoneMatch="*")
        except ClientError as fault:
            return refusal(fault)[0]
        return 200

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(write, range(8))) == [200, *[412] * 7]


def test_a_condition_holds_at_the_end_of_a_write_too(node: Node) -> None:
    s3 = node.writer("a")
    slow = Meanwhile(lambda: put(s3, "k", b"fast"))
    with pytest.raises(ClientError) as fault:
        s3.put_object(Bucket="a", Key="k", Body=slow, ContentLength=slow.size, IfNoneMatch="*")
    assert refusal(fault.value) == (412, "PreconditionFailed")
    assert s3.get_object(Bucket="a", Key="k")["Body"].read() == b"fast"


class Meanwhile(io.BytesIO):
    """A body in the middle of whose sending something happens, once the head of the request is through."""

    size = 4 * MB

    def __init__(self, happen: Callable[[], object]) -> None:
        super().__init__(b"x" * self.size)
        self._happen: Callable[[], object] | None = happen
        self._reads = 0

    def read(self, size: int | None = -1) -> bytes:
        # boto3 reads it through for the checksum first; the second time is the sending.
        self._reads += self.tell() == 0
        if self._reads == 2 and self.tell() > self.size // 2 and self._happen is not None:
            happen, self._happen = self._happen, None
            happen()
        return super().read(size)


def test_no_header_comes_out_of_a_query(node: Node) -> None:
    s3 = node.writer("a", signature_version="s3v4")
    put(s3, "k")
    params = {"Bucket": "a", "Key": "k", "ResponseContentType": "text/x\r\nInjected: 1 €"}
    with urllib.request.urlopen(s3.generate_presigned_url("get_object", Params=params)) as answer:
        assert (answer.read(), answer.headers["Injected"]) == (b"x", None)
        assert answer.headers["Content-Type"] == "text/xInjected: 1 ?"


def test_a_write_can_depend_on_what_is_there(s3: Any) -> None:
    etag = put(s3, "k", b"first")["ETag"]
    put(s3, "k", b"second", IfMatch=etag)
    for key, status in (("k", (412, "PreconditionFailed")), ("none", (404, "NoSuchKey"))):
        with pytest.raises(ClientError) as fault:
            put(s3, key, b"third", IfMatch=etag)
        assert refusal(fault.value) == status


def test_a_read_can_depend_on_what_is_there(s3: Any) -> None:
    etag = put(s3, "k", b"first")["ETag"]
    assert s3.get_object(Bucket="a", Key="k", IfMatch=etag)["ContentLength"] == 5
    for condition, status in ((("IfMatch", '"other"'), 412), (("IfNoneMatch", etag), 304)):
        with pytest.raises(ClientError) as fault:
            s3.get_object(Bucket="a", Key="k", **dict([condition]))
        assert refusal(fault.value)[0] == status


def test_a_wrong_content_md5_keeps_nothing(s3: Any) -> None:
    with pytest.raises(ClientError) as fault:
        put(s3, "k", b"hello", ContentMD5=base64.b64encode(hashlib.md5(b"other").digest()).decode())  # noqa: S324
    assert refusal(fault.value) == (400, "BadDigest")
    put(s3, "k", b"hello", ContentMD5=base64.b64encode(hashlib.md5(b"hello").digest()).decode())  # noqa: S324


@pytest.mark.parametrize("name", ["CRC32", "SHA1", "SHA256"])
def test_a_checksum_is_verified_and_given_back(s3: Any, name: str) -> None:
    made = put(s3, "k", b"hello", ChecksumAlgorithm=name)
    head = s3.head_object(Bucket="a", Key="k", ChecksumMode="ENABLED")
    assert head[f"Checksum{name}"] == made[f"Checksum{name}"]
    with pytest.raises(ClientError) as fault:
        put(s3, "k", b"other", **{f"Checksum{name}": made[f"Checksum{name}"]})
    assert refusal(fault.value) == (400, "BadDigest")


def test_a_missing_key_is_not_found(s3: Any) -> None:
    with pytest.raises(ClientError) as fault:
        s3.get_object(Bucket="a", Key="none")
    assert refusal(fault.value) == (404, "NoSuchKey")
    with pytest.raises(ClientError) as fault:
        s3.head_object(Bucket="a", Key="none")
    assert refusal(fault.value)[0] == 404


def test_a_deleted_object_is_gone_and_deleting_nothing_succeeds(s3: Any) -> None:
    for _ in range(2):
        assert s3.delete_object(Bucket="a", Key="k")["ResponseMetadata"]["HTTPStatusCode"] == 204
        put(s3, "k")
    s3.delete_object(Bucket="a", Key="k")
    assert s3.list_objects_v2(Bucket="a")["KeyCount"] == 0


def test_many_are_deleted_at_once(s3: Any) -> None:
    for key in ("a<&>", "b", "c"):
        put(s3, key)
    told = s3.delete_objects(Bucket="a", Delete={"Objects": [{"Key": "a<&>"}, {"Key": "none"}]})
    assert [entry["Key"] for entry in told["Deleted"]] == ["a<&>", "none"]
    assert "Deleted" not in s3.delete_objects(Bucket="a", Delete={"Objects": [{"Key": "b"}], "Quiet": True})
    assert [entry["Key"] for entry in s3.list_objects_v2(Bucket="a")["Contents"]] == ["c"]


def test_a_copy_keeps_or_replaces_metadata(node: Node) -> None:
    s3 = node.writer("a", "b")
    etag = put(s3, "k ü", b"hello", Metadata={"m": "1"})["ETag"]
    source = {"Bucket": "a", "Key": "k ü"}
    assert s3.copy_object(Bucket="b", Key="same", CopySource=source)["CopyObjectResult"]["ETag"] == etag
    s3.copy_object(Bucket="b", Key="new", CopySource=source, Metadata={"m": "2"}, MetadataDirective="REPLACE")
    found = [s3.get_object(Bucket="b", Key=key) for key in ("same", "new")]
    assert [(each["Metadata"], each["Body"].read()) for each in found] == [
        ({"m": "1"}, b"hello"),
        ({"m": "2"}, b"hello"),
    ]
    with pytest.raises(ClientError) as fault:
        s3.copy_object(Bucket="a", Key="k ü", CopySource=source)
    assert refusal(fault.value) == (400, "InvalidRequest")


def test_listing_has_pages_prefixes_and_the_order_of_bytes(s3: Any) -> None:
    keys = ["a", "b/1", "b/2", "b/c/3", "c", "e\u0301", "z/9", "\U0001f600"]
    for key in reversed(keys):
        put(s3, key)
    paged = [s3.get_paginator(name) for name in ("list_objects_v2", "list_objects")]
    for paginator in paged:
        pages = list(paginator.paginate(Bucket="a", PaginationConfig={"PageSize": 3}))
        assert [entry["Key"] for page in pages for entry in page["Contents"]] == keys
        folders = list(paginator.paginate(Bucket="a", Delimiter="/", PaginationConfig={"PageSize": 1}))
        assert [entry["Prefix"] for page in folders for entry in page.get("CommonPrefixes", ())] == ["b/", "z/"]
        assert [e["Key"] for page in folders for e in page.get("Contents", ())] == ["a", "c", "e\u0301", "\U0001f600"]
    below = s3.list_objects_v2(Bucket="a", Prefix="b/", Delimiter="/")
    assert [entry["Key"] for entry in below["Contents"]] == ["b/1", "b/2"]
    assert [entry["Prefix"] for entry in below["CommonPrefixes"]] == ["b/c/"]
    assert [entry["Key"] for entry in s3.list_objects_v2(Bucket="a", StartAfter="c")["Contents"]] == keys[5:]


def test_a_multipart_upload_is_created_listed_completed(s3: Any) -> None:
    begun = s3.create_multipart_upload(Bucket="a", Key="k", ContentType="text/plain", Metadata={"m": "1"})
    parts = [b"a" * 5 * MB, b"tail"]
    made = []
    for number, part in enumerate(parts, 1):
        answer = s3.upload_part(Bucket="a", Key="k", UploadId=begun["UploadId"], PartNumber=number, Body=part)
        made.append({"PartNumber": number, "ETag": answer["ETag"]})
    listed = s3.list_parts(Bucket="a", Key="k", UploadId=begun["UploadId"])["Parts"]
    assert [(part["PartNumber"], part["Size"]) for part in listed] == [(1, 5 * MB), (2, 4)]
    assert s3.list_objects_v2(Bucket="a")["KeyCount"] == 0
    done = s3.complete_multipart_upload(
        Bucket="a", Key="k", UploadId=begun["UploadId"], MultipartUpload={"Parts": made}, IfNoneMatch="*"
    )
    got = s3.get_object(Bucket="a", Key="k")
    assert got["Body"].read() == b"".join(parts)
    assert (got["ETag"], got["ETag"][-3:], got["Metadata"]) == (done["ETag"], '-2"', {"m": "1"})


def test_an_aborted_upload_leaves_nothing(s3: Any, node: Node) -> None:
    upload = s3.create_multipart_upload(Bucket="a", Key="k")["UploadId"]
    s3.upload_part(Bucket="a", Key="k", UploadId=upload, PartNumber=1, Body=b"x")
    s3.abort_multipart_upload(Bucket="a", Key="k", UploadId=upload)
    with pytest.raises(ClientError) as fault:
        s3.list_parts(Bucket="a", Key="k", UploadId=upload)
    assert refusal(fault.value) == (404, "NoSuchUpload")
    assert not [path for path in node.emulator.store.path.parent.glob("bridge/objects/*/*") if path.is_file()]


def test_a_completion_that_does_not_fit_is_refused_and_can_be_mended(s3: Any) -> None:
    upload = s3.create_multipart_upload(Bucket="a", Key="k")["UploadId"]
    ask = {"Bucket": "a", "Key": "k", "UploadId": upload}
    small, tail = (s3.upload_part(**ask, PartNumber=n, Body=b"x")["ETag"] for n in (1, 2))
    one, two = {"PartNumber": 1, "ETag": small}, {"PartNumber": 2, "ETag": tail}
    wrong = {
        "EntityTooSmall": [one, two],
        "InvalidPartOrder": [two, one],
        "InvalidPart": [{"PartNumber": 3, "ETag": tail}],
    }
    for code, parts in wrong.items():
        with pytest.raises(ClientError) as fault:
            s3.complete_multipart_upload(**ask, MultipartUpload={"Parts": parts})
        assert refusal(fault.value) == (400, code)
    s3.complete_multipart_upload(**ask, MultipartUpload={"Parts": [two]})
    assert s3.head_object(Bucket="a", Key="k")["ContentLength"] == 1


def test_presigned_urls_put_get_and_delete(node: Node) -> None:
    s3 = node.writer("a", signature_version="s3v4")  # presigned, boto3 would take version 2 in this region

    def call(name: str, method: str, body: bytes | None = None, **params: str) -> tuple[int, bytes]:
        url = s3.generate_presigned_url(name, Params={"Bucket": "a", "Key": "k ü", **params}, ExpiresIn=60)
        with urllib.request.urlopen(urllib.request.Request(url, data=body, method=method)) as answer:
            return answer.status, answer.read()

    assert call("put_object", "PUT", b"hello") == (200, b"")
    assert call("get_object", "GET", ResponseContentType="text/x") == (200, b"hello")
    assert call("delete_object", "DELETE") == (204, b"")
    with pytest.raises(urllib.error.HTTPError, match="404"):
        call("get_object", "GET")


def test_an_object_larger_than_the_limit_is_refused(open_node: Any) -> None:
    s3 = open_node(bridge_max_object=10).writer("a")
    put(s3, "k", b"x" * 10)
    with pytest.raises(ClientError) as fault:
        put(s3, "k", b"x" * 11)
    assert refusal(fault.value) == (400, "EntityTooLarge")


def test_what_the_node_does_not_have_is_said_so(s3: Any) -> None:
    for call, code in (
        (lambda: s3.get_bucket_acl(Bucket="a"), (501, "NotImplemented")),
        (lambda: s3.create_bucket(Bucket="new"), (405, "MethodNotAllowed")),
        (lambda: s3.delete_bucket(Bucket="a"), (405, "MethodNotAllowed")),
        (lambda: put(s3, "k" * 1025), (400, "KeyTooLongError")),
        (lambda: put(s3, "k", Metadata={"m": "x" * 2048}), (400, "MetadataTooLarge")),
    ):
        with pytest.raises(ClientError) as fault:
            call()
        assert refusal(fault.value) == code


def test_objects_outlive_the_process_and_a_reset_empties_them(open_node: Any) -> None:
    first = open_node("kept")
    s3 = first.writer("a")
    put(s3, "k", b"hello")
    key = {"key": s3._request_signer._credentials.access_key, "secret": s3._request_signer._credentials.secret_key}
    first.close()
    second = open_node("kept")
    assert second.s3(key).get_object(Bucket="a", Key="k")["Body"].read() == b"hello"
    second.post("/_emulator/reset", {})
    assert second.writer("a").list_objects_v2(Bucket="a")["KeyCount"] == 0
