"""The Blob protocol of the Bridge Node, as azure-storage-blob uses it and as its documentation has it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest
from azure.core import MatchConditions
from azure.core.exceptions import HttpResponseError
from azure.storage.blob import BlobBlock, BlobServiceClient, ContentSettings
from bridge_rig import Node
from offered import Offered

KB = 1024


@pytest.fixture
def offered(node: Node, tmp_path: Path) -> Offered:
    return Offered(node, tmp_path, "BLOB")


@pytest.fixture
def container(offered: Offered) -> Any:
    return client(offered, offered.node.url).get_container_client("a")


def client(offered: Offered, url: str, **changes: Any) -> BlobServiceClient:
    credential = {"account_name": offered.key["key"], "account_key": offered.key["secret"]}
    sizes = {
        "max_single_put_size": 4 * KB,
        "max_block_size": 4 * KB,
        "max_single_get_size": 4 * KB,
        "max_chunk_get_size": KB,
    }
    return BlobServiceClient(url, credential=credential, retry_total=0, **sizes, **changes)


def failure(call: Any, *given: Any, **stated: Any) -> tuple[int, str]:
    with pytest.raises(HttpResponseError) as fault:
        call(*given, **stated)
    code = fault.value.error_code  # type: ignore[attr-defined]
    return fault.value.status_code or 0, str(getattr(code, "value", code))


def test_a_blob_keeps_its_metadata_and_answers_a_range(container: Any) -> None:
    blob = container.get_blob_client("k")
    settings = ContentSettings(content_type="text/x", cache_control="no-store")
    blob.upload_blob(b"0123456789", metadata={"a_b": "1", "a1b": "2"}, content_settings=settings)
    found = blob.get_blob_properties()
    assert (found.size, found.metadata, found.blob_type) == (10, {"a_b": "1", "a1b": "2"}, "BlockBlob")
    assert (found.content_settings.content_type, found.content_settings.cache_control) == ("text/x", "no-store")
    assert blob.download_blob(offset=2, length=3).readall() == b"234"
    assert container.exists()
    assert [one.name for one in container._get_blob_service_client().list_containers()] == ["a", "b"]
    nothing = container.get_blob_client("none")
    assert not nothing.exists()
    assert failure(nothing.delete_blob) == (404, "BlobNotFound")
    assert failure(nothing.download_blob) == (404, "BlobNotFound")
    nowhere = container._get_blob_service_client().get_blob_client("nowhere", "k")
    assert failure(nowhere.upload_blob, b"") == (404, "ContainerNotFound")


def test_an_etag_is_a_condition_of_writes_reads_and_deletes(container: Any) -> None:
    blob = container.get_blob_client("k")
    first = blob.upload_blob(b"one")["etag"]
    assert failure(blob.upload_blob, b"two") == (409, "BlobAlreadyExists")
    same = {"etag": first, "match_condition": MatchConditions.IfNotModified}
    second = blob.upload_blob(b"one", overwrite=True, **same)["etag"]
    assert second != first, "the same bytes have another etag"
    assert failure(blob.upload_blob, b"three", overwrite=True, **same) == (412, "ConditionNotMet")
    assert failure(blob.delete_blob, **same) == (412, "ConditionNotMet")
    assert failure(blob.download_blob, **same) == (412, "ConditionNotMet")
    blob.delete_blob(etag=second, match_condition=MatchConditions.IfNotModified)


def test_a_listing_has_pages_prefixes_and_metadata(container: Any) -> None:
    for name in ("a/1", "a/2", "b/1", "c <&>"):
        container.upload_blob(name, b"x", metadata={"n": name[0]})
    pages = [[one.name for one in page] for page in container.list_blobs(results_per_page=3).by_page()]
    assert pages == [["a/1", "a/2", "b/1"], ["c <&>"]]
    listed = list(container.list_blobs(name_starts_with="a/", include=["metadata"]))
    assert [(one.name, one.size, one.metadata) for one in listed] == [("a/1", 1, {"n": "a"}), ("a/2", 1, {"n": "a"})]
    assert [one.name for one in container.walk_blobs()] == ["a/", "b/", "c <&>"]


def test_a_larger_body_comes_in_blocks_that_count_when_they_come(node: Node, container: Any) -> None:
    body = bytes(range(256)) * 40
    blob = container.get_blob_client("k")
    blob.upload_blob(body, metadata={"by": "me"}, content_settings=ContentSettings(content_type="text/x"))
    assert blob.download_blob().readall() == body
    found = blob.get_blob_properties()
    assert (found.metadata, found.content_settings.content_type) == ({"by": "me"}, "text/x")
    assert failure(blob.upload_blob, body) == (409, "BlobAlreadyExists")
    assert [up for up, _, _ in node.daily()] == [2 * len(body)], "the blocks of a refused list came too"
    node.credit(bucket="a", limit=3 * len(body) - 1)
    assert failure(container.upload_blob, "l", body) == (403, "QUOTA_EXCEEDED")


def test_blocks_are_joined_as_listed_and_dropped_when_they_are_not(container: Any) -> None:
    blob = container.get_blob_client("k")
    for block in ("one", "two", "three"):
        blob.stage_block(block, block.encode())
    assert failure(blob.commit_block_list, [BlobBlock("four")]) == (400, "InvalidBlockList")
    blob.commit_block_list([BlobBlock("three"), BlobBlock("one")])
    assert blob.download_blob().readall() == b"threeone"
    assert failure(blob.commit_block_list, [BlobBlock("two")]) == (400, "InvalidBlockList")
    blob.stage_block("two", b"two")
    blob.upload_blob(b"whole", overwrite=True)
    assert failure(blob.commit_block_list, [BlobBlock("two")]) == (400, "InvalidBlockList")


def test_containers_stand_at_the_root_and_below_the_accounts_name(offered: Offered, container: Any) -> None:
    container.upload_blob("k", b"x")
    below = client(offered, f"{offered.node.url}/{offered.key['key']}")
    assert below.get_blob_client("a", "k").download_blob().readall() == b"x"


def test_what_is_not_signed_or_signed_otherwise_is_refused(offered: Offered, container: Any) -> None:
    seen: list[Any] = []
    container.upload_blob("k", b"x", raw_response_hook=lambda answer: seen.append(answer.http_request))
    url, headers = seen[0].url, dict(seen[0].headers)

    plain = httpx.Client()

    def put(body: bytes = b"x", query: str = "", **changes: str) -> tuple[int, str]:
        answer = plain.put(url + query, content=body, headers={**headers, **changes})
        return answer.status_code, answer.headers["x-ms-error-code"]

    denied = (403, "AuthenticationFailed")
    assert put() == (409, "BlobAlreadyExists"), "as it was signed"
    assert put(**{"x-ms-meta-by": "you"}) == denied
    assert put(query="?comp=block") == denied
    assert put(b"longer", **{"Content-Length": "6"}) == denied
    assert put(**{"x-ms-date": "Mon, 01 Jan 2024 00:00:00 GMT"}) == denied
    assert put(Authorization=f"SharedKey {offered.key['key']}:AAAA") == denied
    assert put(Authorization="SharedKey nobody:AAAA") == denied
    assert put(Authorization="Bearer x")[0] == 501
    text = offered.node.key(offered.node.repository("s3"), name="text")
    assert put(Authorization=f"SharedKey {text['key']}:AAAA") == denied
    assert put(**{"x-ms-copy-source": "http://elsewhere/a"})[0] == 403
    assert plain.get(f"{offered.node.url}/a/k?sv=2021&sig=x").status_code == 501
    plain.close()
