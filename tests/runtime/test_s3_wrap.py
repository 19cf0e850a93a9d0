"""`wrap(boto3 client)`: boto3's signatures and answers, the policy's choice."""

from __future__ import annotations

import io
import logging

import pytest
from botocore.exceptions import ClientError
from s3_world import CAP, Stream

from fbplan.runtime import AlreadyExists, CredentialsRefused, ReadOnly, RoutingError, Unavailable, wrap


@pytest.fixture
def bare(s3):
    return s3.node.s3(s3.key, request_checksum_calculation="when_required")


@pytest.fixture
def client(s3, bare):
    return wrap(bare, s3.policy, **s3.settings())


def keys(answer):
    return [line["Key"] for line in answer.get("Contents", ())]


def test_five_lines(s3):
    client = wrap(s3.node.s3(s3.key), s3.policy)
    placed = client.put_object(Bucket="app", Key="hello.txt", Body=b"hi")
    assert client.get_object(Bucket="app", Key=placed["FbplanReference"])["Body"].read() == b"hi"


def test_answers_have_the_shape_of_boto3s(s3, bare, client):
    for routed, plain in (
        (
            client.put_object(Bucket="app", Key="k", Body="text", ContentType="text/plain", Metadata={"mine": "1"}),
            bare.put_object(Bucket="b", Key="k", Body="text", ContentType="text/plain", Metadata={"mine": "1"}),
        ),
        (client.head_object(Bucket="app", Key="k"), bare.head_object(Bucket="b", Key="k")),
        (client.get_object(Bucket="app", Key="k"), bare.get_object(Bucket="b", Key="k")),
        (client.list_objects_v2(Bucket="app"), bare.list_objects_v2(Bucket="b")),
        (client.delete_object(Bucket="app", Key="k"), {"ResponseMetadata": {"HTTPStatusCode": 204}}),
    ):
        assert plain.keys() - {"EncodingType"} <= routed.keys(), plain.keys() - routed.keys()
        status = [answer["ResponseMetadata"]["HTTPStatusCode"] for answer in (routed, plain)]
        assert status[0] == status[1]


def test_what_the_caller_says_of_an_object_reaches_it(client):
    client.put_object(Bucket="app", Key="k", Body=b"x", ContentType="text/plain", Metadata={"mine": "1"})
    head = client.head_object(Bucket="app", Key="k")
    assert (head["ContentType"], head["Metadata"]["mine"]) == ("text/plain", "1")
    assert {"fbseq", "fbsha256"} <= head["Metadata"].keys()


def test_files_go_up_and_come_down(s3, client, tmp_path):
    (tmp_path / "up").write_bytes(b"x" * 300)
    sent, came = [], []
    reference = client.upload_file(str(tmp_path / "up"), "app", "k", {"ContentType": "text/plain"}, sent.append)
    client.download_file("app", reference["FbplanReference"], str(tmp_path / "down"), Callback=came.append)
    assert (tmp_path / "down").read_bytes() == b"x" * 300
    assert (sum(sent), sum(came)) == (300, 300)

    client.upload_fileobj(io.BytesIO(b"y" * 10), "app", "l")
    client.upload_fileobj(Stream(5), "app", "m")
    into = io.BytesIO()
    client.download_fileobj("app", "l", into)
    client.download_fileobj("app", "m", into)
    assert into.getvalue() == b"y" * 10 + b"x" * 5
    with pytest.raises(ClientError):
        client.download_file("app", "none", str(tmp_path / "none"))
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_file()) == ["down", "routing-policy.json", "up"]


def test_writes_move_on_when_a_cap_is_reached_and_end_in_read_only(s3, client):
    references = []

    def fill():
        for number in range(100):
            answer = client.put_object(Bucket="app", Key=f"k{number}", Body=b"x" * 100)
            references.append(answer["FbplanReference"])

    with pytest.raises(ReadOnly) as refused:
        fill()
    assert [reference.split("/")[1] for reference in references] == [*"aaaaaaaabbbbbbbbccccccccaabbcc"]
    assert refused.value.retry_at is not None
    assert s3.used() == dict.fromkeys("abc", CAP)
    for reference in references:
        assert client.get_object(Bucket="app", Key=reference)["Body"].read() == b"x" * 100
    s3.wait_until(refused.value.retry_at_ms + 120_000)
    again = wrap(s3.node.s3(s3.key), s3.policy, **s3.settings())
    assert "fbref1:app/a/" in again.put_object(Bucket="app", Key="new", Body=b"x")["FbplanReference"]


def test_a_key_is_written_once_unless_overwriting_was_asked_for(s3, bare, client):
    client.put_object(Bucket="app", Key="k", Body=b"1")
    with pytest.raises(AlreadyExists):
        client.put_object(Bucket="app", Key="k", Body=b"2")
    bare.put_object(Bucket="b", Key="l", Body=b"1")
    rewriting = wrap(bare, s3.policy, overwrite=True, **s3.settings())
    rewriting.put_object(Bucket="app", Key="k", Body=b"2")
    rewriting.put_object(Bucket="app", Key="l", Body=b"2")
    with pytest.raises(AlreadyExists):
        rewriting.put_object(Bucket="app", Key="k", Body=b"3", IfNoneMatch="*")
    assert bare.get_object(Bucket="a", Key="k")["Body"].read() == b"2"
    assert bare.get_object(Bucket="b", Key="l")["Body"].read() == b"2", "where the key is, not where new ones go"


def test_what_a_store_refuses_whatever_the_bucket_is_boto3s_error(s3, client):
    with pytest.raises(client.exceptions.NoSuchKey):
        client.get_object(Bucket="app", Key="none")
    with pytest.raises(ClientError) as fault:
        client.head_object(Bucket="app", Key="none")
    assert fault.value.response["Error"]["Code"] == "404"
    client.put_object(Bucket="app", Key="k", Body=b"x")
    with pytest.raises(ClientError) as fault:
        client.get_object(Bucket="app", Key="k", Range="bytes=7-9")
    assert fault.value.response["Error"]["Code"] == "InvalidRange"
    with pytest.raises(ClientError) as fault:
        client.put_object(Bucket="app", Key="x" * 2000, Body=b"x")
    assert (fault.value.operation_name, fault.value.response["ResponseMetadata"]["HTTPStatusCode"]) == (
        "PutObject",
        400,
    )


def test_ranges_and_conditions_reach_the_store(client):
    reference = client.put_object(Bucket="app", Key="k", Body=b"0123456789")["FbplanReference"]
    answer = client.get_object(Bucket="app", Key=reference, Range="bytes=2-4")
    assert (answer["Body"].read(), answer["ContentLength"]) == (b"234", 3)


def test_a_write_whose_answer_got_lost_is_answered_all_the_same(s3, client):
    s3.node.fault(method="PUT", path="/a/*", fault="cut-after")
    answer = client.put_object(Bucket="app", Key="k", Body=b"x")
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 200
    assert answer["ETag"] == client.head_object(Bucket="app", Key=answer["FbplanReference"])["ETag"]
    assert len(s3.requests("PUT")) == 1


def test_what_was_got_can_be_put_again(client):
    client.put_object(Bucket="app", Key="k", Body=b"x" * 300)
    got = client.get_object(Bucket="app", Key="k")
    client.put_object(Bucket="app", Key="l", Body=got["Body"], ContentLength=got["ContentLength"])
    assert client.head_object(Bucket="app", Key="l")["ContentLength"] == 300


def test_a_revoked_key_is_told_as_such(s3, client):
    s3.revoke(s3.key)
    with pytest.raises(CredentialsRefused):
        client.put_object(Bucket="app", Key="k", Body=b"x")
    assert s3.alarms == ["auth"]


def test_bucket_names_a_repository_and_nothing_else(s3, bare, client):
    for made in (client, wrap(bare, s3.router())):
        with pytest.raises(RoutingError, match="app"):
            made.put_object(Bucket="a", Key="k", Body=b"x")
    assert s3.requests("PUT") == []


def test_everything_else_is_the_clients_own(s3, bare, client):
    assert client.meta is bare.meta
    assert client.head_bucket(Bucket="a")["ResponseMetadata"]["HTTPStatusCode"] == 200
    assert repr(client) == f"Routed({s3.node.url})"
    assert s3.key["secret"] not in repr(vars(client))


def test_a_listing_is_one_over_all_buckets_in_pages(bare, client):
    for number, bucket in enumerate("abcab"):
        bare.put_object(Bucket=bucket, Key=f"d{number % 2}/k{number}", Body=b"x")
    bare.put_object(Bucket="c", Key="e", Body=b"x")
    bare.put_object(Bucket="b", Key="f", Body=b"x")

    asked, pages = {}, []
    while True:
        page = client.list_objects_v2(Bucket="app", MaxKeys=2, **asked)
        pages.append(keys(page))
        if not page["IsTruncated"]:
            break
        asked = {"ContinuationToken": page["NextContinuationToken"]}
    assert pages == [["d0/k0", "d0/k2"], ["d0/k4", "d1/k1"], ["d1/k3", "e"], ["f"]]
    assert keys(client.list_objects_v2(Bucket="app", Prefix="d1/")) == ["d1/k1", "d1/k3"]
    assert keys(client.list_objects_v2(Bucket="app", StartAfter="d1/k1")) == ["d1/k3", "e", "f"]

    paginator = client.get_paginator("list_objects_v2")
    assert [len(keys(page)) for page in paginator.paginate(Bucket="app", PaginationConfig={"PageSize": 3})] == [3, 3, 1]
    found = paginator.paginate(Bucket="app", PaginationConfig={"PageSize": 3}).search("Contents[].Key")
    assert list(found) == [key for page in pages for key in page]

    one = client.list_objects_v2(Bucket="app", Delimiter="/", MaxKeys=1)
    assert (one["CommonPrefixes"], keys(one)) == ([{"Prefix": "d0/"}], [])
    rest = client.list_objects_v2(Bucket="app", Delimiter="/", ContinuationToken=one["NextContinuationToken"])
    assert (rest["CommonPrefixes"], keys(rest)) == ([{"Prefix": "d1/"}], ["e", "f"])


def test_a_bucket_that_does_not_answer_is_no_silent_gap(s3, bare, client):
    bare.put_object(Bucket="a", Key="k", Body=b"x")
    s3.node.post("/_emulator/state", {"bucket": "b", "status": "OFFLINE"})
    page = client.list_objects_v2(Bucket="app")
    assert (keys(page), page["FbplanComplete"], list(page["FbplanFailed"])) == (["k"], False, ["b"])
    with pytest.raises(Unavailable, match="may still be there: no answer from b"):
        client.delete_object(Bucket="app", Key="k")


def test_without_a_sink_and_an_endpoint_those_of_the_client_are_used(s3, bare):
    from runtime_world import policy_document, raw

    s3.policy.write_bytes(raw(policy_document(generation=8)))
    client = wrap(bare, s3.policy)
    client.put_object(Bucket="app", Key="k", Body=b"x")
    assert {line["key"] for line in s3.requests("PUT", "a")} == {s3.key["key"]}


def test_a_shadow_does_what_the_caller_says_and_tells_what_it_would_have_chosen(s3, bare, caplog):
    caplog.set_level(logging.INFO, "fbplan.runtime")
    shadow = wrap(bare, s3.policy, shadow=True, **s3.settings())

    for number in range(9):
        answer = shadow.put_object(Bucket="c", Key=f"k{number}", Body=b"x" * 100)
    shadow.upload_fileobj(io.BytesIO(b"x" * 100), "c", "file")
    assert "FbplanReference" not in answer
    assert (len(s3.requests("PUT", "c")), s3.requests("PUT", "a")) == (10, [])
    assert [record["bucket"] for record in s3.records] == [*"aaaaaaaabb"], "counted as if they had gone there"
    assert {(record["outcome"], record["charged"]) for record in s3.records} == {("stored", 100)}
    told = [record.getMessage() for record in caplog.records]
    assert told[0] == "shadow: 100 bytes to c; the policy: a (open: 0% used)"
    assert told[8] == "shadow: 100 bytes to c; the policy: b (open: 0% used)"
    assert shadow.get_object(Bucket="c", Key="k0")["Body"].read() == b"x" * 100


def test_a_shadow_never_stands_in_the_way(s3, bare, caplog, tmp_path):
    shadow = wrap(bare, tmp_path / "none.json", shadow=True)
    shadow.put_object(Bucket="a", Key="k", Body=b"x")
    assert "no choice: no routing policy was ever good" in caplog.text

    full = wrap(bare, s3.policy, shadow=True, **s3.settings())
    caplog.set_level(logging.INFO, "fbplan.runtime")
    full.put_object(Bucket="b", Key="l", Body=io.BytesIO(b"x" * 2000))
    assert "the policy: no bucket: a smaller than the object, b smaller than the object" in caplog.text
    assert bare.head_object(Bucket="b", Key="l")["ContentLength"] == 2000


def test_only_a_client_of_s3_can_be_wrapped(s3):
    from bridge_rig import session

    with pytest.raises(RoutingError, match=r"boto3\.client\('s3'\)"):
        wrap(session().client("sqs"), s3.policy)
