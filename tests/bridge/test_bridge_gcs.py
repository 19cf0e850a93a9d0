"""The JSON API of the Bridge Node, as google-cloud-storage uses it and as its documentation has it."""

from __future__ import annotations

import io
import json
import sys
import time
from pathlib import Path
from typing import Any

import httpx
import pytest
from bridge_rig import Node
from google.api_core.exceptions import GoogleAPICallError
from google.auth import crypt, jwt
from google.cloud.storage.fileio import BlobWriter
from offered import Offered

from fbplan.emulator.bridge.crc32c import Slow, crc32c

KB = 1024
GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"


@pytest.fixture
def offered(node: Node, tmp_path: Path) -> Offered:
    return Offered(node, tmp_path, "GCS")


@pytest.fixture
def bucket(offered: Offered) -> Any:
    return offered.client().bucket("a")


@pytest.fixture
def api(offered: Offered) -> Any:
    """The API without the SDK, with a token."""
    with httpx.Client(base_url=offered.node.url) as client:
        token = client.post("/token", data=asked(offered.key)).json()["access_token"]
        client.headers["Authorization"] = f"Bearer {token}"
        yield client


def asked(key: dict[str, str], by: str | None = None, **claims: object) -> dict[str, str]:
    signer = crypt.RSASigner.from_string((by or key["secret"]).replace("\\n", "\n"))
    now = int(time.time())
    said = {"iss": key["key"], "iat": now, "exp": now + 3600, "aud": "https://oauth2.googleapis.com/token", **claims}
    return {"grant_type": GRANT, "assertion": jwt.encode(signer, said).decode()}


def failure(call: Any, *given: Any, **stated: Any) -> tuple[int, str]:
    with pytest.raises(GoogleAPICallError) as fault:
        call(*given, **stated)
    return int(fault.value.code), fault.value.response.json()["error"]["errors"][0]["reason"]


def test_an_object_keeps_its_metadata_and_answers_a_range(bucket: Any) -> None:
    blob = bucket.blob("k")
    blob.metadata, blob.cache_control = {"Written-By": "me"}, "no-store"
    blob.upload_from_string(b"0123456789", content_type="text/x")
    found = bucket.get_blob("k")
    assert (found.size, found.metadata, found.content_type, found.cache_control) == (
        10,
        {"Written-By": "me"},
        "text/x",
        "no-store",
    )
    assert found.download_as_bytes(start=2, end=4) == b"234"
    assert found.download_as_bytes() == b"0123456789"
    assert bucket.exists()
    assert [one.name for one in bucket.client.list_buckets()] == ["a", "b"]
    assert bucket.get_blob("none") is None
    assert failure(bucket.blob("none").delete) == (404, "notFound")
    assert failure(bucket.client.bucket("nowhere").blob("k").upload_from_string, b"") == (404, "notFound")


def test_a_generation_is_a_condition_of_writes_reads_and_deletes(bucket: Any) -> None:
    blob = bucket.blob("k")
    blob.upload_from_string(b"one", if_generation_match=0)
    first = blob.generation
    assert failure(bucket.blob("k").upload_from_string, b"two", if_generation_match=0) == (412, "conditionNotMet")
    bucket.blob("k").upload_from_string(b"one", if_generation_match=first)
    assert failure(bucket.blob("k").upload_from_string, b"three", if_generation_match=first) == (412, "conditionNotMet")
    assert failure(bucket.blob("k").delete, if_generation_match=first) == (412, "conditionNotMet")
    present = bucket.get_blob("k")
    assert present.generation != first, "the same bytes are another generation"
    assert failure(bucket.blob("k", generation=first).reload) == (404, "notFound")
    present.delete(if_generation_match=present.generation)


def test_a_listing_has_pages_prefixes_and_common_prefixes(bucket: Any) -> None:
    for name in ("a/1", "a/2", "b/1", "c"):
        bucket.blob(name).upload_from_string(b"x")
    assert [one.name for one in bucket.list_blobs(page_size=1)] == ["a/1", "a/2", "b/1", "c"]
    assert [one.name for one in bucket.list_blobs(prefix="a/")] == ["a/1", "a/2"]
    cut = bucket.list_blobs(delimiter="/", page_size=2)
    assert [one.name for one in cut] == ["c"]
    assert cut.prefixes == {"a/", "b/"}


def test_a_session_takes_an_object_in_chunks_that_count_when_they_come(node: Node, bucket: Any) -> None:
    blob = bucket.blob("k", chunk_size=256 * KB)
    blob.metadata = {"by": "me"}
    body = bytes(range(256)) * 3 * KB
    blob.upload_from_file(io.BytesIO(body), size=len(body), if_generation_match=0)
    assert bucket.blob("k").download_as_bytes() == body
    assert bucket.get_blob("k").metadata == {"by": "me"}
    with BlobWriter(bucket.blob("unknown size"), chunk_size=256 * KB) as writer:
        writer.write(body)
    assert bucket.get_blob("unknown size").size == len(body)
    node.credit(bucket="a", limit=len(body) * 2 + 1)
    assert failure(bucket.blob("l", chunk_size=256 * KB).upload_from_file, io.BytesIO(body)) == (403, "QUOTA_EXCEEDED")
    assert [up for up, _, _ in node.daily()] == [2 * len(body)]


def test_a_session_tells_how_far_it_got_and_goes_on_from_there(api: httpx.Client) -> None:
    began = api.post("/upload/storage/v1/b/a/o?uploadType=resumable&name=a/k", json={"contentType": "text/x"})
    where = began.headers["location"]
    assert api.put(where, headers={"content-range": "bytes */*"}).headers.get("range") is None
    assert api.put(where, content=b"01234", headers={"content-range": "bytes 0-4/10"}).headers["range"] == "bytes=0-4"
    assert api.put(where, content=b"5", headers={"content-range": "bytes 5-9/10"}).status_code == 400
    again = api.put(where, content=b"01234", headers={"content-range": "bytes 0-4/10"})
    assert (again.status_code, again.headers["range"]) == (308, "bytes=0-4"), "it was there already"
    rest = api.put(where, content=iter([b"56", b"789"]), headers={"content-range": "bytes 5-*/10"})
    assert (rest.status_code, rest.json()["size"], rest.json()["contentType"]) == (200, "10", "text/x")
    assert api.get("/storage/v1/b/a/o/a%2Fk?alt=media").content == b"0123456789"
    assert api.put(where, content=b"xyz", headers={"content-range": "bytes 0-4/10"}).status_code == 404
    assert api.put(where, content=b"", headers={"content-range": "bytes */10"}).status_code == 404


def test_media_may_come_alone_and_metadata_may_say_what_its_bytes_should_be(api: httpx.Client) -> None:
    put = "/upload/storage/v1/b/a/o"
    assert api.post(f"{put}?uploadType=media&name=k", content=b"hi").json()["md5Hash"] == "SfaKXIST7CwL9ImCHCH8Ow=="
    boundary = "\r\n--x"

    def related(end: str, *, as_chunks: bool = False, **metadata: str) -> httpx.Response:
        body = f"--x\r\n\r\n{json.dumps({'name': 'm', **metadata})}{boundary}\r\ncontent-type: a/b\r\n\r\nhi{boundary}--{end}"
        kind = {"content-type": "multipart/related; boundary=x"}
        return api.post(
            f"{put}?uploadType=multipart", content=iter([body.encode()]) if as_chunks else body.encode(), headers=kind
        )

    assert (
        related("").json()["size"]
        == related("\r\n").json()["size"]
        == related("", as_chunks=True).json()["size"]
        == "2"
    )
    assert related("", md5Hash="SfaKXIST7CwL9ImCHCH8Ow==", crc32c="w3GrNg==").status_code == 400
    assert related("", md5Hash="AAAAXIST7CwL9ImCHCH8Ow==").status_code == 400
    assert related("", name="\ud800").status_code == 400
    assert related("garbage").json()["error"]["errors"][0]["reason"] == "invalid"
    assert api.post("/storage/v1/b/a/o/k/rewriteTo/b/b/o/l").status_code == 501
    assert api.get("/storage/v1/b/a/o?pageToken=%21").status_code == 400


def test_a_token_is_given_for_a_signature_of_the_key_and_for_nothing_else(offered: Offered, api: httpx.Client) -> None:
    node, key = offered.node, offered.key
    other, now = node.key(offered.repo, name="other"), int(time.time())
    wrong = [
        {**asked(key), "grant_type": "password"},
        asked(key, by=other["secret"]),
        {"grant_type": GRANT, "assertion": "a.b.c"},
        {"grant_type": GRANT},
        {"grant_type": GRANT, "assertion": "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiAiXHVkODAwIn0.AAAA"},
        asked(key, iat=now - 9000, exp=now - 5400),
        asked(key, exp=now + 9000),
        asked(key, aud="https://example.org"),
        asked(key, iss="fb0@nowhere.example"),
    ]
    answers = [api.post("/token", data=form) for form in wrong]
    assert {answer.status_code for answer in answers} == {400}
    assert [answer.json()["error"] for answer in answers] == ["unsupported_grant_type", *["invalid_grant"] * 8]

    token = api.post("/token", data=asked(key)).json()["access_token"]

    def read(held: str) -> int:
        return api.get("/storage/v1/b/a", headers={"Authorization": f"Bearer {held}"}).status_code

    assert (read(token), read(token[:-1] + "z"), read("x"), read("fb.!.1.2")) == (200, 401, 401, 401)
    renamed = token.split(".")
    stolen = api.post("/token", data=asked(other)).json()["access_token"].split(".")
    assert read(".".join([stolen[0], stolen[1], *renamed[2:]])) == 401
    assert token not in node.api.get("/_emulator/bridge/requests").text
    node.api.delete(f"/repo/{offered.repo}/apikey/{key['id']}")
    assert read(token) == 401, "a token ends with its key"


def test_no_private_key_is_on_the_disk(offered: Offered, bucket: Any) -> None:
    bucket.blob("k").upload_from_string(b"x")
    folder = offered.node.emulator.store.path.parent
    kept = b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())
    assert b"PRIVATE KEY" not in kept
    assert b"PUBLIC KEY" in kept


def test_without_cryptography_a_gcs_key_is_text_and_the_node_says_what_to_install(
    offered: Offered, api: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as absent:
        absent.setitem(sys.modules, "cryptography.hazmat.primitives.asymmetric", None)
        key = offered.node.key(offered.repo, name="text")
    assert "BEGIN" not in key["secret"]
    answer = api.post("/token", data=asked(key, by=offered.key["secret"]))
    assert "pip install 'fbplan[gcs]'" in answer.json()["error_description"]


def test_the_checksum_is_the_same_with_and_without_googles_library() -> None:
    slow, fast = Slow(), crc32c()
    for piece in (b"123456789", bytes(range(256))):
        slow.update(piece)
        fast.update(piece)
    assert slow.digest() == fast.digest()
    check = Slow()
    check.update(b"123456789")
    assert check.digest().hex() == "e3069283", "the check value of CRC-32C"
