"""Signature Version 4: the vendor's published vectors, what boto3 really sends, and each way to get it wrong."""

from __future__ import annotations

import io
import time
import urllib.error
import urllib.request
from typing import Any

import pytest
from botocore.exceptions import ClientError
from bridge_rig import Node, refusal

from fbplan.emulator.bridge.chunked import Chunked
from fbplan.emulator.bridge.node_request import NodeRequest
from fbplan.emulator.bridge.refusals import Refusal
from fbplan.emulator.bridge.sigv4 import Seal, claim_of, proved

# docs.aws.amazon.com/AmazonS3/latest/API: sigv4-streaming.html and sigv4-streaming-trailers.html
SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
THEN = 1369353600.0
NAMES = "content-encoding;content-length;host;x-amz-content-sha256;x-amz-date;x-amz-decoded-content-length;x-amz-storage-class"
PLAIN = {
    "payload": "STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
    "length": "66824",
    "signed": NAMES,
    "seed": "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9",
    "chunks": [
        "ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648",
        "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497",
        "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9",
    ],
    "tail": b"\r\n",
}
TRAILED = {
    "payload": "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER",
    "length": "",
    "signed": NAMES.replace(";content-length;", ";") + ";x-amz-trailer",
    "seed": "106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e",
    "chunks": [
        "b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2",
        "1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7",
        "2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992",
    ],
    "tail": (
        b"x-amz-checksum-crc32c:sOO8/Q==\r\n"
        b"x-amz-trailer-signature:d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435\r\n\r\n"
    ),
}
VECTORS = pytest.mark.parametrize("vector", [PLAIN, TRAILED], ids=["plain", "trailer"])


def published(vector: dict[str, Any]) -> NodeRequest:
    """The request of the vendor's page: 65 KiB of the letter a in two chunks."""
    framed = b""
    for size, signature in zip((65536, 1024, 0), vector["chunks"], strict=True):
        framed += f"{size:x};chunk-signature={signature}\r\n".encode() + b"a" * size + (b"\r\n" if size else b"")
    headers = {
        "host": "s3.amazonaws.com",
        "x-amz-date": "20130524T000000Z",
        "x-amz-storage-class": "REDUCED_REDUNDANCY",
        "x-amz-content-sha256": vector["payload"],
        "content-encoding": "aws-chunked",
        "x-amz-decoded-content-length": "66560",
        "authorization": "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,"
        f"SignedHeaders={vector['signed']},Signature={vector['seed']}",
    }
    if vector["length"]:
        headers["content-length"] = vector["length"]
    else:
        headers["x-amz-trailer"] = "x-amz-checksum-crc32c"
    return NodeRequest("PUT", "/examplebucket/chunkObject.txt", (), headers, io.BytesIO(framed + vector["tail"]))


def sealed(request: NodeRequest) -> Seal:
    return proved(claim_of(request), request, SECRET, THEN)


def chunks(vector: dict[str, Any], request: NodeRequest) -> Chunked:
    return Chunked(request.body, sealed(request), has_trailers=vector is TRAILED)


@VECTORS
def test_the_published_vectors_hold(vector: dict[str, Any]) -> None:
    request = published(vector)
    taken = chunks(vector, request)
    assert b"".join(taken) == b"a" * 66560
    assert taken.trailers == ({"x-amz-checksum-crc32c": "sOO8/Q=="} if vector is TRAILED else {})


@VECTORS
@pytest.mark.parametrize("number", [0, 1, 2])
def test_each_chunk_is_signed(vector: dict[str, Any], number: int) -> None:
    wrong = {**vector, "chunks": [("0" * 64 if n == number else sig) for n, sig in enumerate(vector["chunks"])]}
    with pytest.raises(Refusal, match="chunk"):
        b"".join(Chunked((request := published(wrong)).body, sealed(request), has_trailers=vector is TRAILED))


def test_a_trailer_is_signed() -> None:
    request = published({**TRAILED, "tail": TRAILED["tail"].replace(b"sOO8", b"tOO8")})
    with pytest.raises(Refusal, match="chunk"):
        b"".join(chunks(TRAILED, request))


@pytest.mark.parametrize(
    "config",
    [
        {},
        {"request_checksum_calculation": "when_required"},
        {"s3": {"payload_signing_enabled": True, "addressing_style": "path"}},
        {"s3": {"payload_signing_enabled": False, "addressing_style": "path"}},
    ],
)
def test_what_boto3_sends_is_understood(node: Node, config: dict[str, object]) -> None:
    s3 = node.writer("a", **config)
    for body in (b"", b"hello", b"x" * 300_000):
        for form in (body, io.BytesIO(body)):
            s3.put_object(Bucket="a", Key="k", Body=form)
            assert s3.get_object(Bucket="a", Key="k")["Body"].read() == body


def test_a_body_that_is_not_what_was_signed_is_not_kept(node: Node) -> None:
    s3 = node.writer("a", s3={"payload_signing_enabled": True, "addressing_style": "path"})

    def altered(request: Any, **_: object) -> None:
        request.body = b"HELLO"

    s3.meta.events.register("before-send.s3.PutObject", altered)
    with pytest.raises(ClientError) as fault:
        s3.put_object(Bucket="a", Key="k", Body=b"hello")
    assert refusal(fault.value)[0] == 400
    assert s3.list_objects_v2(Bucket="a")["KeyCount"] == 0


def test_a_header_that_was_not_signed_is_refused(node: Node) -> None:
    s3 = node.writer("a")

    def altered(request: Any, **_: object) -> None:
        request.headers["x-amz-meta-late"] = "1"

    s3.meta.events.register("before-send.s3.PutObject", altered)
    with pytest.raises(ClientError) as fault:
        s3.put_object(Bucket="a", Key="k", Body=b"hello")
    assert refusal(fault.value) == (403, "AccessDenied")


def test_a_wrong_secret_and_an_unknown_key_are_told_apart(node: Node) -> None:
    key = node.key(node.repository("r", (node.bucket("a"), "")))
    for wrong, code in (
        ({**key, "secret": "x"}, "SignatureDoesNotMatch"),
        ({**key, "key": "FBX"}, "InvalidAccessKeyId"),
    ):
        with pytest.raises(ClientError) as fault:
            node.s3(wrong).list_objects_v2(Bucket="a")
        assert refusal(fault.value) == (403, code)


@pytest.mark.parametrize("minutes", [-16, 16])
def test_a_clock_that_is_off_is_said_so(node: Node, minutes: int) -> None:
    s3 = node.writer("a")
    node.bridge._clock = lambda: time.time() + minutes * 60
    with pytest.raises(ClientError) as fault:
        s3.list_objects_v2(Bucket="a")
    assert refusal(fault.value) == (403, "RequestTimeTooSkewed")


def test_moving_the_emulators_clock_breaks_no_signature(node: Node) -> None:
    s3 = node.writer("a")
    node.advance(40 * 86400)
    s3.put_object(Bucket="a", Key="k", Body=b"x")
    modified = s3.head_object(Bucket="a", Key="k")["LastModified"]
    assert abs(modified.timestamp() - node.emulator.store.now().timestamp()) < 60


def test_a_presigned_url_is_for_one_object_and_one_time(node: Node) -> None:
    s3 = node.writer("a", signature_version="s3v4")
    s3.put_object(Bucket="a", Key="k", Body=b"x")
    url = s3.generate_presigned_url("get_object", Params={"Bucket": "a", "Key": "k"}, ExpiresIn=60)

    def status(url: str) -> tuple[int, bytes]:
        try:
            with urllib.request.urlopen(url) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as fault:
            with fault:
                return fault.code, fault.read()

    assert status(url) == (200, b"x")
    for wrong, says in (
        (url.replace("/k?", "/l?"), b"SignatureDoesNotMatch"),
        (url.replace("Expires=60", "Expires=61"), b"SignatureDoesNotMatch"),
    ):
        code, body = status(wrong)
        assert (code, says in body) == (403, True)
    node.bridge._clock = lambda: time.time() + 61
    code, body = status(url)
    assert (code, b"expired" in body) == (403, True)


MALFORMED = [
    ({}, 403, "AccessDenied"),
    ({"Authorization": "Bearer t"}, 400, "AuthorizationHeaderMalformed"),
    ({"Authorization": "AWS AK:sig"}, 400, "InvalidRequest"),
    ({"Authorization": "AWS4-HMAC-SHA256 Credential=a/b/c, SignedHeaders=host, Signature=0", "x-amz-content-sha256": "x"}, 400, "AuthorizationHeaderMalformed"),
]  # fmt: skip


@pytest.mark.parametrize(("headers", "status", "code"), MALFORMED)
def test_what_is_no_signature_is_an_s3_error(node: Node, headers: dict[str, str], status: int, code: str) -> None:
    import httpx

    answer = httpx.get(f"{node.url}/a/k", headers=headers)
    assert (answer.status_code, f"<Code>{code}</Code>" in answer.text) == (status, True)
    assert answer.headers["content-type"] == "application/xml"


@pytest.mark.parametrize(
    "query", ["X-Amz-Signature=x", "X-Amz-Algorithm=AWS4-HMAC-SHA256", "AWSAccessKeyId=a&Signature=b&Expires=1", "%ff"]
)
def test_a_query_that_is_no_signature_is_an_s3_error(node: Node, query: str) -> None:
    import httpx

    answer = httpx.get(f"{node.url}/a/k?{query}")
    assert answer.status_code in {400, 403}
    assert answer.text.startswith("<?xml")
