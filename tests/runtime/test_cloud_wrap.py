"""`wrap(Google's or Azure's client)`: the SDK's signatures and answers, the policy's choice."""

from __future__ import annotations

import io
import logging

import pytest
from azure.core.exceptions import ResourceNotFoundError
from cloud_world import CAP, bucket_of, wrapped
from google.cloud.exceptions import NotFound

from fbplan.runtime import AlreadyExists, CredentialsRefused, ReadOnly, RoutingError, Unavailable, wrap


class Google:
    """The same few calls in the words of each SDK."""

    absent = NotFound

    def put(self, client, key, body, **stated):
        blob = client.bucket("app").blob(key)
        blob.upload_from_string(body, **stated)
        return blob.fbplan_reference

    def get(self, client, key):
        return client.bucket("app").blob(key).download_as_bytes()

    def exists(self, client, key):
        return client.bucket("app").blob(key).exists()

    def delete(self, client, key):
        client.bucket("app").blob(key).delete()

    def listing(self, client):
        return client.list_blobs("app")

    def plain_get(self, client, address, key):
        return client.bucket(address).blob(key).download_as_bytes()

    def plain_put(self, client, address, key, body):
        client.bucket(address).blob(key).upload_from_string(body)


class Azure:
    absent = ResourceNotFoundError

    def put(self, client, key, body, **stated):
        return client.get_blob_client("app", key).upload_blob(body, **stated)["fbplan_reference"]

    def get(self, client, key):
        return client.get_blob_client("app", key).download_blob().readall()

    def exists(self, client, key):
        return client.get_blob_client("app", key).exists()

    def delete(self, client, key):
        client.get_blob_client("app", key).delete_blob()

    def listing(self, client):
        return client.get_container_client("app").list_blobs()

    def plain_get(self, client, address, key):
        return client.get_blob_client(address, key).download_blob().readall()

    def plain_put(self, client, address, key, body):
        client.get_blob_client(address, key).upload_blob(body)


@pytest.fixture
def sdk(cloud):
    return {"GCS": Google, "BLOB": Azure}[cloud.protocol]()


def test_objects_go_where_the_policy_wants_and_are_found_by_reference_or_key(cloud, sdk):
    client = wrapped(cloud)
    reference = sdk.put(client, "k ü", b"one")
    assert bucket_of(reference) == "a"
    assert sdk.get(client, reference) == sdk.get(client, "k ü") == b"one"
    assert sdk.plain_get(cloud.plain(), cloud.addresses["a"], "k ü") == b"one"
    assert [(found.name, found.size, found.fbplan_reference) for found in sdk.listing(client)] == [
        ("k ü", 3, reference)
    ]
    assert sdk.exists(client, reference)
    sdk.delete(client, reference)
    assert not sdk.exists(client, "k ü")
    with pytest.raises(sdk.absent):
        sdk.get(client, "k ü")


def test_writes_move_on_when_a_cap_is_reached_and_end_in_read_only(cloud, sdk):
    client, references = wrapped(cloud), []
    with pytest.raises(ReadOnly) as refused:
        references.extend(sdk.put(client, f"k{n}", b"x" * 250) for n in range(100))
    assert [bucket_of(reference) for reference in references] == [*"aaabbbcccabc"]
    assert len(references) * 250 == 3 * CAP
    assert refused.value.retry_at is not None
    assert all(sdk.get(client, reference) == b"x" * 250 for reference in references)
    assert len(list(sdk.listing(client))) == 12


@pytest.mark.parametrize("stated", [{"status": 403, "code": "QUOTA_EXCEEDED"}, {"status": 429, "code": "SlowDown"}])
def test_a_full_bucket_costs_one_hop(cloud, sdk, stated):
    cloud.fail("a", times=9, **stated)
    reference = sdk.put(wrapped(cloud), "k", b"x")
    assert bucket_of(reference) == "b"
    assert [attempt["then"] for attempt in cloud.records[0]["attempts"]] == ["hop", "stored"]
    assert (len(cloud.puts("a")), len(cloud.puts("b"))) == (1, 1)


def test_a_write_whose_answer_got_lost_is_answered_all_the_same(cloud, sdk):
    cloud.fail("a", cut="after")
    client = wrapped(cloud)
    reference = sdk.put(client, "k", b"x")
    assert (bucket_of(reference), sdk.get(client, reference)) == ("a", b"x")
    assert len(cloud.puts()) == 1


def test_a_key_is_written_once_unless_overwriting_was_asked_for(cloud, sdk):
    client = wrapped(cloud)
    sdk.put(client, "k", b"1")
    if cloud.protocol == "GCS":
        # the emulator ignores preconditions; the real one answers this
        cloud.fail("a", status=412, code="conditionNotMet")
    with pytest.raises(AlreadyExists):
        sdk.put(client, "k", b"2")
    sdk.plain_put(cloud.plain(), cloud.addresses["b"], "l", b"1")
    rewriting = wrapped(cloud, overwrite=True)
    for key in "kl":
        sdk.put(rewriting, key, b"3")
    assert sdk.plain_get(cloud.plain(), cloud.addresses["a"], "k") == b"3"
    assert sdk.plain_get(cloud.plain(), cloud.addresses["b"], "l") == b"3", "where the key is, not where new ones go"


def test_a_bucket_that_does_not_answer_is_told(cloud, sdk):
    client = wrapped(cloud)
    sdk.put(client, "k", b"x")
    cloud.front.fail("GET", cloud.part("b").rstrip("/"), status=503)
    listing = sdk.listing(client)
    assert [found.name for found in listing] == ["k"]
    assert (listing.fbplan_complete, set(listing.fbplan_failed)) == (False, {"b"})
    cloud.front.fail("DELETE", cloud.part("b"), status=503)
    with pytest.raises(Unavailable, match="may still be there: no answer from b"):
        sdk.delete(client, "k")


def test_the_clients_own_credentials_are_used_when_there_is_no_key_and_its_own_retries_are_not(cloud, sdk):
    (cloud.folder / "secrets/writer.env").unlink()
    client = wrapped(cloud)
    cloud.fail("a", status=500, times=9)
    assert bucket_of(sdk.put(client, "k", b"x")) == "b"
    assert len(cloud.puts("a")) == 2
    assert cloud.front.asked("POST", "/token") == []


def test_a_key_that_is_refused_is_the_routers_error(cloud, sdk):
    cloud.fail("a", status=401, times=9)
    with pytest.raises(CredentialsRefused):
        sdk.put(wrapped(cloud), "k", b"x")


def test_what_names_no_repository_is_told_and_the_rest_is_the_clients_own(cloud, sdk):
    client = wrapped(cloud)
    assert cloud.key[1] not in repr(vars(client))
    assert cloud.front.upstream.scheme in repr(client)
    elsewhere = client.bucket("x").blob("k") if cloud.protocol == "GCS" else client.get_blob_client("x", "k")
    with pytest.raises(RoutingError, match="it has: app"):
        elsewhere.exists()
    found = client.list_buckets() if cloud.protocol == "GCS" else client.list_containers()
    assert cloud.addresses["a"] in {one.name for one in found}
    with pytest.raises(RoutingError, match=r"google\.cloud\.storage\.Client"):
        wrap(object(), cloud.policy)


def test_a_shadow_does_what_the_caller_says_and_tells_what_the_policy_would_have_done(cloud, sdk, caplog, tmp_path):
    caplog.set_level(logging.INFO, "fbplan.runtime")
    shadow, address = wrapped(cloud, shadow=True), cloud.addresses["c"]
    for number in range(4):
        sdk.plain_put(shadow, address, f"k{number}", b"x" * 250)
    assert [len(cloud.puts(name)) for name in "abc"] == [0, 0, 4]
    assert [record["bucket"] for record in cloud.records] == [*"aaab"], "counted as if they had gone there"
    assert caplog.messages[0] == f"shadow: 250 bytes to {address}; the policy: a (open: 0% used)"
    assert sdk.plain_get(shadow, address, "k0") == b"x" * 250
    path = tmp_path / "up"
    path.write_bytes(b"x" * 7)
    if cloud.protocol == "GCS":
        blob = shadow.get_bucket(address).blob("f")
        blob.metadata = {"mine": "1"}
        blob.upload_from_filename(path)
        shadow.bucket(address).blob("g").upload_from_file(io.BytesIO(b"12345"))
        assert blob.metadata == {"mine": "1"}
    else:
        container = shadow.get_container_client(address)
        container.upload_blob("f", path.read_bytes())
        container.get_blob_client("g").upload_blob(iter([b"12345"]), length=5)
    assert [record["charged"] for record in cloud.records[4:]] == [7, 5]
