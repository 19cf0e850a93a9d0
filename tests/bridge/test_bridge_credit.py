"""Credit limits as Flashback's users meet them, and as boto3 shows them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from botocore.exceptions import ClientError
from bridge_rig import MB, Node, refusal

BIG = b"x" * 60


def put(s3: Any, key: str, body: bytes = BIG, bucket: str = "a") -> Any:
    return s3.put_object(Bucket=bucket, Key=key, Body=body)


def refused(s3: Any, key: str, body: bytes = BIG) -> tuple[int, str]:
    with pytest.raises(ClientError) as fault:
        put(s3, key, body)
    return refusal(fault.value)


@pytest.mark.parametrize(
    ("status", "code"), [(403, "QUOTA_EXCEEDED"), (429, "QUOTA_EXCEEDED"), (507, "InsufficientStorage")]
)
def test_a_full_bucket_answers_as_its_switch_says(node: Node, status: int, code: str) -> None:
    s3 = node.writer("a", "b")
    node.credit(bucket="a", limit=100, status=status)
    put(s3, "k")
    assert refused(s3, "l") == (status, code)
    assert [entry["Key"] for entry in s3.list_objects_v2(Bucket="a")["Contents"]] == ["k"]
    assert s3.get_object(Bucket="a", Key="k")["Body"].read() == BIG  # reads go on
    put(s3, "k", bucket="b")  # and so does every other bucket


def test_a_write_may_reach_a_limit_and_not_pass_it(node: Node) -> None:
    s3 = node.writer("a")
    node.credit(bucket="a", limit=100)
    put(s3, "k")
    put(s3, "l", b"x" * 40)
    assert refused(s3, "m", b"x") == (403, "QUOTA_EXCEEDED")
    put(s3, "nothing", b"")
    assert node.credit(bucket="a", limit=100)[0]["used"] == 100


def test_ingress_counts_each_write_and_what_is_stored_counts_what_is_there(node: Node) -> None:
    s3 = node.writer("a", "b")
    node.credit(bucket="a", limit=100)
    node.credit(bucket="b", limit=100, meter="stored_bytes")
    put(s3, "k")
    assert refused(s3, "k") == (403, "QUOTA_EXCEEDED")
    for _ in range(3):
        put(s3, "k", bucket="b")
        s3.delete_object(Bucket="b", Key="k")
    put(s3, "k", bucket="b")
    with pytest.raises(ClientError, match="QUOTA_EXCEEDED"):
        put(s3, "l", bucket="b")


def test_credit_returns_with_the_month_of_the_emulators_clock(node: Node) -> None:
    s3 = node.writer("a")
    node.credit(bucket="a", limit=100)
    put(s3, "k")
    assert refused(s3, "l") == (403, "QUOTA_EXCEEDED")
    node.advance(32 * 86400)
    put(s3, "l")
    node.credit(bucket="a", limit=100, period="none")
    assert refused(s3, "m", b"x") == (403, "QUOTA_EXCEEDED")
    node.credit(bucket="a", limit=None)
    put(s3, "m")


def test_parts_and_copies_count_and_are_refused_too(node: Node) -> None:
    s3 = node.writer("a")
    put(s3, "k")
    node.credit(bucket="a", limit=100)
    with pytest.raises(ClientError, match="QUOTA_EXCEEDED"):
        s3.copy_object(Bucket="a", Key="l", CopySource="a/k")
    upload = s3.create_multipart_upload(Bucket="a", Key="l")["UploadId"]
    s3.upload_part(Bucket="a", Key="l", UploadId=upload, PartNumber=1, Body=b"x" * 40)
    with pytest.raises(ClientError, match="QUOTA_EXCEEDED"):
        s3.upload_part(Bucket="a", Key="l", UploadId=upload, PartNumber=2, Body=b"x")
    with pytest.raises(ClientError, match="QUOTA_EXCEEDED"):
        s3.create_multipart_upload(Bucket="a", Key="m")


def test_writers_at_once_never_pass_a_limit(node: Node) -> None:
    s3 = node.writer("a")
    node.credit(bucket="a", limit=20 * 1000)

    def one(number: int) -> int:
        try:
            put(s3, f"k{number}", b"x" * 1000)
        except ClientError as fault:
            return refusal(fault)[0]
        return 200

    with ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(one, range(40)))
    assert (statuses.count(200), statuses.count(403)) == (20, 20)
    assert s3.list_objects_v2(Bucket="a")["KeyCount"] == 20


def test_a_refused_write_is_refused_before_its_body_is_sent(node: Node) -> None:
    s3 = node.writer("a")
    node.credit(bucket="a", limit=10)
    assert refused(s3, "k", b"x" * MB) == (403, "QUOTA_EXCEEDED")
    assert node.daily() == []


WRONG = [
    {}, {"bucket": "none", "limit": 1}, {"bucket": "a"}, {"bucket": "a", "limit": "1"}, {"bucket": "a", "limit": -1},
    {"bucket": "a", "limit": True}, {"bucket": "a", "limit": 1, "status": 404}, {"bucket": "a", "limit": 1, "meter": "x"},
    {"bucket": "a", "limit": 1, "period": "day"}, {"bucket": "a", "limit": 1, "until": 3},
]  # fmt: skip


@pytest.mark.parametrize("body", WRONG)
def test_a_wrong_limit_is_refused_and_none_is_set(node: Node, body: dict[str, object]) -> None:
    node.bucket("a")
    answer = node.api.post("/_emulator/bridge/credit", json=[{"bucket": "a", "limit": 5}, body])
    assert (answer.status_code, answer.json()["success"]) == (400, False)
    assert node.api.get("/_emulator/bridge/credit").json()["credit"] == []
