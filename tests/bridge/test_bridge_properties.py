"""Whatever is asked, signed or not, is answered as S3 answers: no crash, no header out of a query."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote
from wsgiref.util import setup_testing_defaults

import pytest
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from bridge_rig import Node
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fbplan.emulator.bridge.refusals import STATUS
from fbplan.emulator.bridge.s3 import SUBRESOURCES

TEXT = st.text(max_size=20)
QUERY = st.dictionaries(
    st.sampled_from(
        [*sorted(SUBRESOURCES), "prefix", "delimiter", "max-keys", "marker", "start-after", "continuation-token",
         "encoding-type", "max-parts", "part-number-marker", "response-content-type", "x-amz-meta-q"]
    ),
    st.one_of(TEXT, st.sampled_from(["", "0", "1", "/", "url", "a\r\nInjected: 1"])),
    max_size=4,
)  # fmt: skip
VALUE = st.one_of(
    st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=30),
    st.sampled_from(
        [
            "*",
            "bytes=0-",
            "bytes=-1",
            "bytes=9-1",
            "bytes=--",
            "/a/k",
            "a/none",
            "a",
            "REPLACE",
            "1",
            "crc32",
            "AAAAAA==",
            '"x"',
        ]
    ),
)
HEADERS = st.dictionaries(
    st.sampled_from(
        ["range", "if-match", "if-none-match", "x-amz-copy-source", "x-amz-metadata-directive", "content-md5",
         "x-amz-checksum-crc32", "x-amz-checksum-sha256", "x-amz-checksum-crc32c", "x-amz-trailer", "content-encoding",
         "x-amz-decoded-content-length", "x-amz-meta-m", "x-amz-checksum-mode", "content-type", "x-amz-copy-source-if-match"]
    ),
    VALUE,
    max_size=4,
)  # fmt: skip
PAYLOADS = [
    "UNSIGNED-PAYLOAD", "STREAMING-UNSIGNED-PAYLOAD-TRAILER", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
    "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER", "0" * 64, "x",
]  # fmt: skip
BODIES = st.one_of(
    st.binary(max_size=60),
    st.sampled_from(
        [b"5\r\nhello\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n", b"5\r\nhel", b"-1\r\n", b"zz;chunk-signature=\r\n",
         b"<Delete><Object><Key>k</Key></Object></Delete>", b"<Delete><Object/></Delete>", b"<!DOCTYPE x><Delete/>",
         b"<CompleteMultipartUpload><Part><PartNumber>x</PartNumber><ETag>y</ETag></Part></CompleteMultipartUpload>"]
    ),
)  # fmt: skip
STATUSES = {200, 204, 206, *STATUS.values()}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Node, Credentials]]:
    folder: Path = tmp_path_factory.mktemp("properties")
    node = Node(folder / "node")
    key = node.key(node.repository("r", (node.bucket("a"), "f"), (node.bucket("b"), "")))
    node.s3(key).put_object(Bucket="a", Key="k", Body=b"0123456789")
    yield node, Credentials(key["key"], key["secret"])
    node.close()


def ask(
    node: Node, method: str, path: str, query: str, headers: dict[str, str], body: bytes
) -> tuple[int, list[Any], bytes]:
    environ: dict[str, Any] = {}
    setup_testing_defaults(environ)
    environ |= {"REQUEST_METHOD": method, "REQUEST_URI": f"{path}?{query}", "PATH_INFO": path, "QUERY_STRING": query}
    environ |= {"HTTP_HOST": "node", "wsgi.input": io.BytesIO(body), "CONTENT_LENGTH": str(len(body))}
    for name, value in headers.items():
        variable = name.upper().replace("-", "_")
        environ[variable if variable == "CONTENT_TYPE" else f"HTTP_{variable}"] = value
    started: list[Any] = []
    pieces = node.bridge(environ, lambda line, headers: started.extend((line, headers)))  # type: ignore[arg-type]
    content = b"".join(pieces)
    if hasattr(pieces, "close"):
        pieces.close()
    return int(started[0][:3]), started[1], content


def check(status: int, headers: list[Any], content: bytes) -> None:
    assert status in STATUSES
    assert not any("\n" in value or "\r" in value for _, value in headers)
    b"".join(value.encode("latin-1") for _, value in headers)
    if status >= 400 and content:
        assert content.startswith(b"<?xml")


PROPERTY = settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@PROPERTY
@given(
    method=st.sampled_from(["GET", "HEAD", "PUT", "POST", "DELETE", "PATCH"]),
    key=st.sampled_from(["", "/", "/k", "/new", "/a b+ü"]),
    bucket=st.sampled_from(["a", "b", "none"]),
    query=QUERY,
    headers=HEADERS,
    payload=st.sampled_from(PAYLOADS),
    body=BODIES,
)
def test_a_signed_request_is_always_answered_in_s3(
    world: tuple[Node, Credentials], method: str, key: str, bucket: str, query: dict[str, str], headers: dict[str, str],
    payload: str, body: bytes,
) -> None:  # fmt: skip
    node, credentials = world
    path = quote(f"/{bucket}{key}")
    raw = "&".join(f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in query.items())
    request = AWSRequest(method, f"http://node{path}?{raw}", {**headers, "Host": "node"}, body)
    request.context["payload_signing_enabled"] = True

    class Auth(S3SigV4Auth):
        def payload(self, _request: AWSRequest) -> str:
            return payload

    Auth(credentials, "s3", "us-east-1").add_auth(request)
    status, replied, content = ask(node, method, path, raw, dict(request.headers.items()), body)
    check(status, replied, content)
    assert b"SignatureDoesNotMatch" not in content or payload.startswith("STREAMING-AWS4")


@PROPERTY
@given(
    method=st.sampled_from(["GET", "PUT", "POST"]),
    path=st.one_of(st.sampled_from(["/", "/a/k", "/%ff", "/%00"]), TEXT.map(lambda text: "/" + quote(text))),
    query=st.one_of(
        TEXT.map(quote),
        st.sampled_from(
            [
                "X-Amz-Signature=%ff",
                "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Signature=1&X-Amz-Credential=a/b/c/s3/aws4_request&X-Amz-Date=b&X-Amz-Expires=1&X-Amz-SignedHeaders=host",
            ]
        ),
    ),
    headers=st.dictionaries(st.sampled_from(["authorization", "x-amz-date", "x-amz-content-sha256"]), VALUE),
)
def test_an_unsigned_request_is_always_refused_in_s3(
    world: tuple[Node, Credentials], method: str, path: str, query: str, headers: dict[str, str]
) -> None:
    status, replied, content = ask(world[0], method, path, query, headers, b"")
    check(status, replied, content)
    assert status in {400, 403}
