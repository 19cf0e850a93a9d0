"""The transports over the SDKs of Google and Azure: one try each, whose refusals say what the chooser needs."""

from __future__ import annotations

import io
import sys

import pytest
from cloud_world import CloudWorld, pem
from s3_world import Stream
from stand_ins import free_port

from fbplan.runtime import Router, RoutingError, TransportFailure
from fbplan.runtime.adapters import transport_for
from fbplan.runtime.adapters.blob import BlobTransport
from fbplan.runtime.adapters.gcs import GcsTransport

TIMEOUT = 5_000


def transport_of(cloud: CloudWorld):
    return transport_for(cloud.protocol, cloud.folder)


def put(transport, place, key="k", body=b"x", **changes):
    stated = {"size": 1, "metadata": {}, "write_once": False, "timeout_ms": TIMEOUT, "options": {}, **changes}
    return transport.put(place, key, body, **stated)


def refused(transport, place, **changes):
    with pytest.raises(TransportFailure) as failure:
        put(transport, place, **changes)
    fault = failure.value
    return fault.status, fault.code, fault.retry_after_ms, fault.was_sent


@pytest.mark.parametrize(
    ("stated", "expected"),
    [
        ({"status": 403, "code": "QUOTA_EXCEEDED"}, (403, "QUOTA_EXCEEDED", None, True)),
        ({"status": 429, "code": "QUOTA_EXCEEDED"}, (429, "QUOTA_EXCEEDED", None, True)),
        ({"status": 507, "code": "InsufficientStorage"}, (507, "InsufficientStorage", None, True)),
        ({"status": 403}, (403, "", None, True)),
        ({"status": 401}, (401, "", None, True)),
        ({"status": 408}, (408, "", None, True)),
        ({"status": 503, "code": "ServerBusy"}, (503, "ServerBusy", None, True)),
        ({"status": 429, "code": "SlowDown", "retry_after": "7"}, (429, "SlowDown", 7_000, True)),
        ({"status": 500}, (500, "", None, True)),
    ],
)
def test_a_refusal_is_told_by_status_and_code_and_asked_once(cloud, stated, expected):
    cloud.fail("a", times=9, **stated)
    assert refused(transport_of(cloud), cloud.place()) == expected
    assert len(cloud.puts()) == 1


def test_a_cut_connection_leaves_the_outcome_open_and_a_refused_one_says_that_nothing_was_sent(cloud):
    transport = transport_of(cloud)
    cloud.fail("a", cut="before", times=9)
    status, code, _, was_sent = refused(transport, cloud.place())
    assert (status, was_sent) == (0, True), code
    assert len(cloud.puts()) == 1
    nowhere = cloud.place(endpoint=f"http://127.0.0.1:{free_port()}/devstoreaccount1")
    status, code, _, was_sent = refused(transport, nowhere)
    assert (status, was_sent) == (0, False), code


def test_a_try_lasts_as_long_as_the_policy_says(cloud):
    cloud.fail("a", cut="late", times=9)
    status, code, _, was_sent = refused(transport_of(cloud), cloud.place(), timeout_ms=100)
    assert (status, was_sent) == (0, True)
    assert "Timeout" in code
    assert len(cloud.puts()) == 1


def test_objects_go_and_come_with_what_is_said_of_them(cloud):
    transport, place = transport_of(cloud), cloud.place()
    options = {"metadata": {"Mine": "2"}}
    stored = put(transport, place, "k ü/1", b"one", size=3, metadata={"fbseq": "1"}, options=options)
    head = transport.head(place, "k ü/1", timeout_ms=TIMEOUT)
    assert (head.size, head.etag, head.metadata) == (3, stored.etag, {"fbseq": "1", "mine": "2"})
    got = transport.get(place, "k ü/1", timeout_ms=TIMEOUT)
    assert (got.content.read(), got.head.size) == (b"one", 3)
    put(transport, place, "l")
    listed = [(entry.key, entry.size) for entry in transport.list(place, "", timeout_ms=TIMEOUT)]
    assert listed == [("k ü/1", 3), ("l", 1)]
    assert [entry.key for entry in transport.list(place, "k", timeout_ms=TIMEOUT)] == ["k ü/1"]
    for _ in range(2):
        transport.delete(place, "k ü/1", timeout_ms=TIMEOUT)
    assert transport.head(place, "k ü/1", timeout_ms=TIMEOUT) is None
    with pytest.raises(TransportFailure) as absent:
        transport.get(place, "k ü/1", timeout_ms=TIMEOUT)
    assert absent.value.status == 404


def test_a_stream_is_sent_from_where_it_stands_and_need_not_seek(cloud):
    transport, place = transport_of(cloud), cloud.place()
    begun = io.BytesIO(b"before it" + b"y" * 20)
    begun.seek(9)
    put(transport, place, "begun", begun, size=20)
    put(transport, place, "once", io.BufferedReader(Stream(300)), size=300)
    assert transport.get(place, "begun", timeout_ms=TIMEOUT).content.read() == b"y" * 20
    assert transport.get(place, "once", timeout_ms=TIMEOUT).content.read() == b"x" * 300


def test_more_than_eight_mebibytes_go_to_google_in_a_session(gcs):
    transport, size = transport_of(gcs), 8 * 1024 * 1024 + 1
    begun = io.BytesIO(b"before" + b"x" * size)
    begun.seek(6)
    for name, body in (("begun", begun), ("once", io.BufferedReader(Stream(size)))):
        put(transport, gcs.place(), name, body, size=size, write_once=True)
        assert transport.get(gcs.place(), name, timeout_ms=TIMEOUT).head.size == size
    assert [seen.query["ifGenerationMatch"] for seen in gcs.puts("a")] == ["0", "0"]
    gcs.fail("a", status=403, code="QUOTA_EXCEEDED")
    assert refused(transport, gcs.place(), body=io.BytesIO(b"x" * size), size=size)[:2] == (403, "QUOTA_EXCEEDED")


def test_what_is_large_goes_to_azure_in_blocks_that_are_committed_once(blob):
    from azure.storage.blob import BlobServiceClient

    def connect(place, key):
        credential = {"account_name": key.key_id, "account_key": key.secret}
        return BlobServiceClient(place.endpoint, credential=credential, max_single_put_size=100, max_block_size=100)

    transport = BlobTransport(blob.folder, connect=connect)
    put(transport, blob.place(), "k", io.BufferedReader(Stream(250)), size=250, write_once=True)
    assert [seen.query.get("comp") for seen in blob.puts("a")] == ["block", "block", "block", "blocklist"]
    assert refused(transport, blob.place(), body=b"y" * 250, size=250, write_once=True)[0] == 409
    assert transport.get(blob.place(), "k", timeout_ms=TIMEOUT).content.read() == b"x" * 250


def test_a_key_that_is_there_is_not_written_again_in_azure(blob):
    transport = transport_of(blob)
    put(transport, blob.place(), write_once=True)
    assert refused(transport, blob.place(), write_once=True)[:2] == (409, "BlobAlreadyExists")
    put(transport, blob.place(), body=b"yy", size=2)
    assert transport.head(blob.place(), "k", timeout_ms=TIMEOUT).size == 2
    assert [seen.headers.get("if-none-match") for seen in blob.puts()] == ["*", "*", None]


def test_a_key_that_is_there_is_not_to_be_written_again_by_google(gcs):
    """The emulator ignores preconditions, so what counts is on the wire, and what the real one answers is scripted."""
    transport = transport_of(gcs)
    put(transport, gcs.place(), write_once=True)
    gcs.fail("a", status=412, code="conditionNotMet")
    assert refused(transport, gcs.place(), write_once=True)[:2] == (412, "conditionNotMet")
    put(transport, gcs.place())
    assert [seen.query.get("ifGenerationMatch") for seen in gcs.puts()] == ["0", "0", None]


def test_what_the_caller_says_reaches_the_sdk(gcs, blob):
    from azure.storage.blob import ContentSettings

    transport = transport_of(gcs)
    put(transport, gcs.place(), options={"content_type": "text/plain", "cache_control": "no-store"})
    found = transport.head(gcs.place(), "k", timeout_ms=TIMEOUT).answer
    assert (found.content_type, found.cache_control) == ("text/plain", "no-store")
    with pytest.raises(TypeError):
        put(transport, gcs.place(), options={"no_such_parameter": 1})
    transport = transport_of(blob)
    put(transport, blob.place(), options={"content_settings": ContentSettings(content_type="text/plain")})
    assert transport.head(blob.place(), "k", timeout_ms=TIMEOUT).answer.content_settings.content_type == "text/plain"
    for cloud in (gcs, blob):
        put(transport_of(cloud), cloud.place(), "ten", b"0123456789", size=10)
    part = transport_of(gcs).get(gcs.place(), "ten", timeout_ms=TIMEOUT, options={"start": 2, "end": 4})
    same = transport_of(blob).get(blob.place(), "ten", timeout_ms=TIMEOUT, options={"offset": 2, "length": 3})
    assert part.content.read() == same.content.read() == b"234"


def test_google_changes_the_key_for_a_token_once_and_follows_a_rotation(gcs):
    transport = transport_of(gcs)
    for key in "kl":
        put(transport, gcs.place(), key)
    assert len(gcs.front.asked("POST", "/token")) == 1
    gcs.rotate(("two@app", pem()))
    put(transport, gcs.place(), "m")
    assert [seen.headers["authorization"] for seen in gcs.puts()] == [
        *["Bearer token-of-one@app"] * 2,
        "Bearer token-of-two@app",
    ]
    assert {wanted.key_id for wanted in transport._clients.held} == {"two@app"}
    transport.reload()
    put(transport, gcs.place(), "n")
    assert len(gcs.front.asked("POST", "/token")) == 3, "the token may be what was refused"


def test_azure_signs_with_the_key_in_the_sink_and_follows_a_rotation(blob):
    transport = transport_of(blob)
    put(transport, blob.place())
    blob.rotate(("other", blob.key[1]))
    assert refused(transport, blob.place())[0] == 403, "Azurite knows no such account"
    signed = [seen.headers["authorization"].split(":")[0] for seen in blob.puts()]
    assert signed == ["SharedKey devstoreaccount1", "SharedKey other"]
    assert {wanted.key_id for wanted in transport._clients.held} == {"other"}


@pytest.mark.parametrize(("status", "expected"), [(400, 401), (403, 401), (404, 401), (503, 503), (429, 429)])
def test_a_token_that_is_refused_is_asked_for_once_and_is_the_keys_fault(gcs, status, expected):
    gcs.front.fail("POST", "/token", status=status, code="invalid_grant", retry_after="2", times=9)
    assert refused(transport_of(gcs), gcs.place()) == (expected, "token", 2_000, False)
    assert len(gcs.front.asked("POST", "/token")) == 1


def test_a_secret_that_cannot_sign_is_told_and_not_shown(gcs, blob):
    gcs.rotate(("one@app", "s3cret-canary"))
    with pytest.raises(RoutingError, match="is no private key in PEM") as fault:
        put(transport_of(gcs), gcs.place())
    assert "canary" not in repr(fault.value)
    assert fault.value.__suppress_context__
    blob.rotate(("devstoreaccount1", "canaryabc"))
    with pytest.raises(TransportFailure) as failure:
        put(transport_of(blob), blob.place())
    assert (failure.value.status, failure.value.was_sent) == (401, False)
    assert "canary" not in repr(failure.value)


def test_no_secret_is_in_a_repr(cloud):
    transport = transport_of(cloud)
    put(transport, cloud.place())
    clients = transport._clients
    told = repr([vars(transport), vars(clients), vars(clients._credentials)])
    told += repr([vars(client) for client in clients.held.values()])
    assert cloud.key[1] not in told
    assert cloud.key[1].splitlines()[1 if "\n" in cloud.key[1] else 0] not in told


def test_without_the_sdk_the_router_says_how_to_get_it(cloud, monkeypatch):
    extra, module = {"GCS": ("gcs", "google.cloud.storage"), "BLOB": ("azure", "azure.storage.blob")}[cloud.protocol]
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(RoutingError, match=rf"pip install 'fbplan\[{extra}\]'"):
        Router.from_file(cloud.policy).put("k", b"x")


def test_a_client_of_the_users_making_needs_no_key(cloud):
    (cloud.folder / "secrets/writer.env").unlink()
    given = {"GCS": GcsTransport, "BLOB": BlobTransport}[cloud.protocol]
    asked = []

    def connect(place, key):
        asked.append((place.bucket, key))
        return cloud.plain(cloud.front.url)

    transport = given(cloud.folder, connect=connect, environ={})
    cloud.fail("a", status=503, times=9)
    assert refused(transport, cloud.place())[0] == 503
    assert len(cloud.puts()) == 1, "its own retries are off"
    assert asked == [("a", None)]
