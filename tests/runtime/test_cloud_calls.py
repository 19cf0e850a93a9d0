"""What a wrapped client of Google or Azure keeps of its SDK's calls, one by one."""

from __future__ import annotations

import io

import pytest
from azure.core.exceptions import HttpResponseError
from azure.storage.blob import BlobServiceClient
from cloud_world import bucket_of, wrapped
from google.api_core.exceptions import BadRequest, RequestRangeNotSatisfiable
from s3_world import Stream

from fbplan.runtime import wrap


def test_a_google_blob_keeps_its_calls(gcs, tmp_path):
    client = wrapped(gcs)
    blob = client.get_bucket("app").blob("a/k.txt")
    blob.metadata, blob.cache_control = {"mine": "1"}, "no-store"
    (tmp_path / "up.txt").write_bytes(b"x" * 300)
    blob.upload_from_filename(tmp_path / "up.txt")
    assert (blob.size, blob.name, blob.bucket.name) == (300, "a/k.txt", gcs.addresses["a"])
    blob.download_to_filename(tmp_path / "down")
    assert (tmp_path / "down").read_bytes() == b"x" * 300
    found = client.bucket("app").get_blob("a/k.txt")
    assert (found.content_type, found.cache_control, found.metadata["mine"]) == ("text/plain", "no-store", "1")
    assert client.bucket("app").get_blob("none") is None

    client.bucket("app").blob("a/l").upload_from_file(Stream(5), size=5, content_type="x/y")
    client.bucket("app").blob("m").upload_from_file(io.BytesIO(b"text"), rewind=True)
    assert client.bucket("app").blob("m").download_as_text(start=1, end=2) == "ex"
    by_group = client.list_blobs("app", delimiter="/")
    assert ([found.name for found in by_group], by_group.prefixes) == (["m"], {"a/"})
    assert [found.name for found in client.list_blobs("app", max_results=2, prefix="a")] == ["a/k.txt", "a/l"]
    assert gcs.front.seen[-1].query["maxResults"] == "2", "no bucket gives more than is asked for"
    assert [found.download_as_bytes() for found in client.list_blobs("app", prefix="m", start_offset="b")] == [b"text"]
    assert gcs.front.asked("GET", gcs.part("c").rstrip("/"))[-1].query["startOffset"] == "b"
    gcs.front.fail("GET", "/download/", status=416)
    with pytest.raises(RequestRangeNotSatisfiable):
        client.bucket("app").blob("m").download_as_bytes(start=9)
    gcs.fail("a", status=400, code="invalid")
    with pytest.raises(BadRequest):
        client.bucket("app").blob("n").upload_from_string("x")
    for refused in (
        lambda: blob.delete(if_generation_match=1),
        lambda: blob.exists(soft_deleted=True),
        lambda: client.list_blobs("app", page_token="x"),
    ):
        with pytest.raises(TypeError):
            refused()
    client.bucket("app").delete_blob("m")
    assert len(list(client.bucket("app").list_blobs())) == 2


def test_a_generation_to_match_replaces_that_object_of_google(gcs):
    client = wrapped(gcs, spool_limit=1)
    blob = client.bucket("app").blob("k")
    blob.upload_from_string("1", if_generation_match=0)
    first = blob.generation
    blob.upload_from_string("2", if_generation_match=first)
    assert [seen.query.get("ifGenerationMatch") for seen in gcs.puts()] == ["0", str(first)]
    assert blob.download_as_bytes() == b"2"
    assert "fbsha256" in blob.metadata
    blob.upload_from_file(Stream(5), size=5, if_generation_match=blob.generation)
    assert "fbsha256" not in blob.metadata, "that of another content says nothing of this one"


def test_an_azure_blob_keeps_its_calls(blob):
    client = wrapped(blob)
    container = client.get_container_client("app")
    put = container.upload_blob("a/k", io.BytesIO(b"x" * 300), "BlockBlob", 300, {"mine": "1"})
    assert put.get_blob_properties().metadata["mine"] == "1"
    assert (put.blob_name, bucket_of(put.fbplan_reference)) == ("a/k", "a")
    answer = client.get_blob_client("app", "a/l").upload_blob(iter([b"part", b"s"]))
    assert {"etag", "last_modified", "request_id", "fbplan_reference"} <= answer.keys()
    assert container.download_blob("a/l", 1, 3).readall() == b"art"
    container.upload_blob("m", "ü", encoding="latin-1")
    assert container.download_blob("m").readall() == b"\xfc"
    container.upload_blob("m", b"2", overwrite=True)
    assert container.download_blob("m").readall() == b"2"
    assert list(container.list_blob_names(name_starts_with="a/")) == ["a/k", "a/l"]
    assert [len(list(page)) for page in container.list_blobs().by_page()] == [3]
    with pytest.raises(HttpResponseError) as fault:
        container.download_blob("m", 9)
    assert (fault.value.status_code, fault.value.error_code) == (416, "InvalidRange")
    with pytest.raises(TypeError):
        put.delete_blob(etag="x")
    container.delete_blob("m")
    assert not container.get_blob_client("m").exists()


def test_a_signature_in_the_url_of_a_client_is_in_no_repr(blob):
    signed = BlobServiceClient(blob.front.url, credential="sv=2021-12-02&sig=canary")
    assert "canary" in signed.url
    for client in (wrap(signed, blob.policy), wrap(signed, blob.policy, shadow=True)):
        assert repr(client).endswith(f"({blob.front.url}/)")
        assert "canary" not in repr(vars(client))
        assert "canary" not in repr(client.get_blob_client("app", "k"))
