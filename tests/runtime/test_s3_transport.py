"""The transport over boto3: one request each, whose refusals say what the chooser needs; and where keys come from."""

from __future__ import annotations

import os
import socket
import sys
import time

import pytest
from botocore.exceptions import ParamValidationError
from runtime_world import policy_document, raw

from fbplan.runtime import Place, Router, RoutingError, TransportFailure
from fbplan.runtime.adapters import transport_for
from fbplan.runtime.adapters.credentials import Credentials, Key
from fbplan.runtime.adapters.s3 import S3Transport

PLACE = Place("app", "a", "a", protocol="S3", sink="file:writer.env")


@pytest.fixture
def place(s3):
    return PLACE._replace(endpoint=s3.node.url, sink="file:secrets/writer.env")


@pytest.fixture
def transport(s3):
    return S3Transport(s3.folder)


def put(transport, place, key="k", body=b"x", **changes):
    stated = {"size": len(body), "metadata": {}, "write_once": False, "timeout_ms": 5_000, "options": {}, **changes}
    return transport.put(place, key, body, **stated)


def refused(transport, place, **changes):
    with pytest.raises(TransportFailure) as failure:
        put(transport, place, **changes)
    fault = failure.value
    return fault.status, fault.code, fault.retry_after_ms, fault.was_sent


@pytest.mark.parametrize(
    ("kind", "stated", "expected"),
    [
        ("quota-403", {}, (403, "QUOTA_EXCEEDED", None, True)),
        ("quota-429", {}, (429, "QUOTA_EXCEEDED", None, True)),
        ("507", {}, (507, "InsufficientStorage", None, True)),
        ("403", {}, (403, "", None, True)),
        ("slowdown-503", {}, (503, "SlowDown", None, True)),
        ("slowdown-429", {"retry_after": 7}, (429, "SlowDown", 7_000, True)),
        ("500-after", {}, (500, "InternalError", None, True)),
        ("cut-before", {}, (0, "ConnectionClosedError", None, True)),
    ],
)
def test_a_refusal_is_told_by_status_and_code_and_asked_once(s3, transport, place, kind, stated, expected):
    s3.node.fault(method="PUT", path="/a/*", fault=kind, times=9, **stated)
    assert refused(transport, place) == expected
    assert len(s3.requests("PUT", "a")) == 1


def test_a_date_to_come_back_at_counts_from_the_date_of_the_answer(s3, transport, place):
    s3.node.advance((time.time() * 1000 - s3.now) / 1000)  # dates in answers are the machine's
    s3.node.fault(method="PUT", path="/a/*", fault="slowdown-503", retry_after="http-date", seconds=60)
    *_, retry_after_ms, _ = refused(transport, place)
    assert retry_after_ms is not None
    assert 0 < retry_after_ms <= 61_000


def test_a_refused_connection_says_that_nothing_was_sent(s3, transport, place):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    nowhere = place._replace(endpoint=f"http://127.0.0.1:{port}")
    assert refused(transport, nowhere) == (0, "EndpointConnectionError", None, False)


def test_a_key_that_is_there_is_not_written_again_when_that_is_asked_for(transport, place):
    put(transport, place, write_once=True)
    assert refused(transport, place, write_once=True)[:2] == (412, "PreconditionFailed")
    put(transport, place, body=b"yy")
    assert transport.head(place, "k", timeout_ms=5_000).size == 2


def test_reads_deletes_and_listings(transport, place):
    put(transport, place, metadata={"fbseq": "1"}, options={"Metadata": {"Mine": "2"}, "ContentType": "text/plain"})
    head = transport.head(place, "k", timeout_ms=5_000)
    assert (head.size, head.metadata, head.answer["ContentType"]) == (1, {"fbseq": "1", "mine": "2"}, "text/plain")
    assert transport.get(place, "k", timeout_ms=5_000).content.read() == b"x"
    assert [(entry.key, entry.size) for entry in transport.list(place, "", timeout_ms=5_000)] == [("k", 1)]
    transport.delete(place, "k", timeout_ms=5_000)
    assert transport.head(place, "k", timeout_ms=5_000) is None
    with pytest.raises(TransportFailure) as absent:
        transport.get(place, "k", timeout_ms=5_000)
    assert absent.value.status == 404


def test_what_the_sdk_refuses_itself_comes_through_as_it_is(s3, transport, place):
    with pytest.raises(ParamValidationError):
        put(transport, place, options={"NoSuchParameter": 1})
    assert s3.requests("PUT") == []


def test_clients_are_kept_by_endpoint_protocol_key_and_timeout_and_those_of_an_old_key_go(s3, transport, place):
    for timeout_ms in (5_000, 5_000, 4_900, 4_800):
        put(transport, place, timeout_ms=timeout_ms)
    put(transport, place._replace(bucket="b", address="b"))
    assert sorted(wanted.timeout_ms for wanted in transport._clients.held) == [4_750, 5_000]
    new = s3.rotate()
    put(transport, place)
    assert {wanted.key_id for wanted in transport._clients.held} == {new["key"]}


def test_a_read_follows_a_key_that_only_the_user_knows(s3, place):
    keys = [(s3.key["key"], s3.key["secret"])]
    transport = S3Transport(credentials=lambda _: keys[-1])
    put(transport, place)
    new = s3.rotate()
    keys.append((new["key"], new["secret"]))
    s3.revoke(s3.key)
    assert transport.get(place, "k", timeout_ms=5_000).content.read() == b"x"
    s3.revoke(new)
    with pytest.raises(TransportFailure) as failure:
        transport.head(place, "k", timeout_ms=5_000)
    assert failure.value.status == 403


def lines(folder, text):
    """In the place of what is there, as a sink does it."""
    (folder / "new").write_text(text)
    (folder / "new").replace(folder / "writer.env")


@pytest.mark.parametrize(
    "text",
    [
        "FB_KEY_ID=id\nFB_KEY_SECRET=s3cret\n",
        "# a comment\nexport FB_KEY_ID='id'\nOTHER=x\nexport FB_KEY_SECRET='s3cret'\nFB_REPO_ID=r\n",
        'FB_KEY_ID="id"\r\nFB_KEY_SECRET="s3c\\ret"\r\n',
        "FB_KEY_ID=old\nFB_KEY_SECRET=old\nFB_KEY_ID=id\nFB_KEY_SECRET=s3cret # the last one counts\n",
    ],
)
def test_a_sink_is_read_as_a_shell_reads_it(tmp_path, text):
    lines(tmp_path, text)
    key = Credentials(tmp_path, environ={}).of(PLACE)
    assert (key.key_id, key.secret) == ("id", "s3cret")


def test_a_private_key_in_double_quotes_has_lines(tmp_path):
    lines(tmp_path, 'FB_KEY_ID=id\nFB_KEY_SECRET="one\\ntwo\\\\n"\n')
    assert Credentials(tmp_path, environ={}).of(PLACE).secret == "one\ntwo\\n"


def test_a_key_comes_from_the_user_then_the_sink_then_the_environment_then_the_wrapped_client(tmp_path):
    environ = {"FB_KEY_ID": "environ", "FB_KEY_SECRET": "s"}

    def given(_place):
        return "given", "s"

    lines(tmp_path, "FB_KEY_ID=sink\nFB_KEY_SECRET=s\n")
    assert Credentials(tmp_path, given, environ=environ).of(PLACE).key_id == "given"
    assert Credentials(tmp_path, fallback=given, environ=environ).of(PLACE).key_id == "sink"
    for sink in ("file:none.env", "exec", None):
        place = PLACE._replace(sink=sink)
        assert Credentials(tmp_path, fallback=given, environ=environ).of(place).key_id == "environ"
        assert Credentials(tmp_path, fallback=given, environ={}).of(place).key_id == "given"
        with pytest.raises(RoutingError, match="FB_KEY_ID and FB_KEY_SECRET are not set"):
            Credentials(tmp_path, environ={}).of(place)


def test_a_sink_that_comes_later_takes_the_place_of_the_environment(tmp_path):
    found = Credentials(tmp_path, environ={"FB_KEY_ID": "environ", "FB_KEY_SECRET": "s"})
    assert found.of(PLACE).key_id == "environ"
    lines(tmp_path, "FB_KEY_ID=sink\nFB_KEY_SECRET=s\n")
    assert found.of(PLACE).key_id == "sink"


def test_a_sink_that_is_away_or_half_written_leaves_the_key_that_was_read(tmp_path):
    lines(tmp_path, "FB_KEY_ID=id\nFB_KEY_SECRET=s\n")
    found = Credentials(tmp_path, environ={})
    assert found.of(PLACE).key_id == "id"
    lines(tmp_path, "FB_KEY_ID=new\n")
    assert found.of(PLACE).key_id == "id"
    (tmp_path / "writer.env").unlink()
    found.reload()
    found.reload()
    assert found.of(PLACE).key_id == "id"
    lines(tmp_path, "FB_KEY_ID=new\nFB_KEY_SECRET=s\n")
    assert found.of(PLACE).key_id == "new"


def test_reload_reads_a_sink_again_that_looks_the_same(tmp_path):
    sink = tmp_path / "writer.env"
    lines(tmp_path, "FB_KEY_ID=id1\nFB_KEY_SECRET=s\n")
    found, stands = Credentials(tmp_path, environ={}), sink.stat()
    assert found.of(PLACE).key_id == "id1"
    sink.write_text("FB_KEY_ID=id2\nFB_KEY_SECRET=s\n")
    os.utime(sink, ns=(stands.st_atime_ns, stands.st_mtime_ns))
    assert found.of(PLACE).key_id == "id1"
    found.reload()
    assert found.of(PLACE).key_id == "id2"


def test_no_secret_is_in_a_repr(s3, transport, place):
    put(transport, place)
    told = (
        repr(Key("id", "s3cret"))
        + repr(vars(transport))
        + repr(vars(transport._clients))
        + repr(vars(transport._clients._credentials))
    )
    assert "s3cret" not in told
    assert s3.key["secret"] not in told


def test_without_boto3_the_router_says_how_to_get_it(s3, monkeypatch):
    router = Router.from_file(s3.policy)
    assert router.choose(1).bucket == "a", "a decision needs no SDK"
    monkeypatch.setitem(sys.modules, "boto3", None)
    with pytest.raises(RoutingError, match=r"pip install 'fbplan\[s3\]'"):
        router.put("k", b"x")
    monkeypatch.undo()
    assert router.put("k", b"x").bucket == "a"


def test_without_an_endpoint_the_error_names_it(tmp_path):
    (tmp_path / "p.json").write_bytes(raw(policy_document()))
    lines(tmp_path, "FB_KEY_ID=id\nFB_KEY_SECRET=s\n")
    with pytest.raises(RoutingError, match="names no endpoint"):
        put(S3Transport(tmp_path), PLACE)


def test_a_protocol_without_an_adapter_is_told(tmp_path):
    with pytest.raises(RoutingError, match="no adapter for protocol SWIFT"):
        transport_for("SWIFT", tmp_path)
