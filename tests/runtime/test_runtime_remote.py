"""The two files at a URL, asked for by their ETags: whatever the server does, the last good pair stays."""

from __future__ import annotations

import ssl
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from memory_store import MemoryStore
from runtime_world import T0, policy_document, raw, usage_document
from web_desk import POLICY, USAGE, Desk, used
from web_place import Web

from fbplan.runtime import Router, RoutingError, wrap
from fbplan.runtime.source import Source


@pytest.fixture
def desk(web):
    made = Desk(web)
    yield made
    made.source.close()


def test_what_did_not_change_is_answered_by_its_etag_and_confirmed(web, desk):
    first = desk.source.pair
    second = desk.look()

    assert (first.policy.generation, first.usage.seq) == (7, 4)
    assert web.answers == [(POLICY, 200), (USAGE, 200), (POLICY, 304), (USAGE, 304)]
    assert (second.policy, second.usage, second.confirmed_ms) == (first.policy, first.usage, desk.now)
    assert (desk.source.counts["policy.taken"], desk.alarms) == (1, [])


@pytest.mark.parametrize("lack", ["has_tags", "heeds_tags"])
def test_from_a_server_without_conditions_the_same_content_is_taken_once(web, lack):
    setattr(web, lack, False)
    desk = Desk(web)
    desk.look()
    assert [status for _, status in web.answers] == [200] * 4
    assert (desk.source.counts["policy.taken"], desk.source.counts["usage.taken"]) == (1, 1)


def test_a_newer_file_is_swapped_in_and_a_torn_altered_or_older_one_refused_and_counted_once(web, desk):
    web.files[USAGE] = raw(usage_document(used(2), seq=5))
    good = desk.look()
    web.files |= {POLICY: raw(policy_document(generation=8))[:-9], USAGE: raw(usage_document(used(1), seq=4))}
    desk.look()
    assert (desk.look().policy, desk.look().usage) == (good.policy, good.usage)
    web.files[USAGE] = raw({**usage_document(used(2), seq=5), "seq": 6})
    desk.look()
    assert good.usage.seq == 5
    assert desk.source.pair.confirmed_ms == good.confirmed_ms, "what cannot be used confirms nothing"
    assert desk.alarms == ["policy.torn", "usage.older", "usage.digest"]


@pytest.mark.parametrize(
    ("bad", "why"),
    [
        ("404", "it answered 404"),
        ("500", "it answered 500"),
        ("cut", "it broke off, 20 bytes before the end"),
        ("garbage", "its answer is no HTTP: BadStatusLine"),
        ("hang", "it did not answer in time"),
        ("drip", "it did not answer in time"),
        ("moved", "it answered 302"),
    ],
)
def test_a_server_in_trouble_leaves_the_last_good_in_force_until_it_is_well(web, desk, bad, why):
    good = desk.source.pair
    web.bad[USAGE], web.files[USAGE] = bad, raw(usage_document(used(2), seq=5))
    kept = desk.look()
    web.bad.clear()
    web.let_go.set()

    assert kept.usage is good.usage
    assert desk.alarms == ["usage.unreadable"]
    assert desk.told == [str({"path": f"{web.url}{USAGE}", "why": why})], "and the signature of the URL is not told"
    assert desk.look().usage.seq == 5


def test_a_policy_that_a_server_does_not_give_is_not_confirmed_by_it(web, desk):
    seen = desk.source.pair.confirmed_ms
    web.bad[POLICY] = "500"
    assert desk.look().confirmed_ms == seen
    web.bad.clear()
    assert desk.look().confirmed_ms == desk.now
    assert web.answers[-2] == (POLICY, 304), "a moment without an answer is no reason to read everything again"


def test_what_was_good_is_there_again_after_a_start_without_the_server(web, tmp_path):
    before = Desk(web, last_good=tmp_path).source.pair
    web.bad |= {POLICY: "500", USAGE: "500"}
    after = Desk(web, last_good=tmp_path).source.pair
    assert (after.policy, after.usage) == (before.policy, before.usage)


def test_no_proxy_leads_to_this_machine_itself(web, monkeypatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    assert Desk(web).source.counts["policy.taken"] == 1


def test_a_wrapped_client_takes_a_url_and_sinks_count_from_the_current_folder(web, s3, monkeypatch):
    web.files[POLICY] = s3.policy.read_bytes()
    monkeypatch.chdir(s3.folder)
    client = wrap(s3.node.s3(s3.key), web.url + POLICY, **s3.settings())
    stored = client.put_object(Bucket="app", Key="k", Body=b"x")
    assert stored["FbplanReference"].startswith("fbref1:app/a/k;v=")


def test_https_is_verified(tmp_path, monkeypatch):
    key, certificate = _certificate(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    web = Web(lambda listening: context.wrap_socket(listening, server_side=True))
    web.files[POLICY] = raw(policy_document())
    told = []
    for trusted in (None, str(certificate)):
        if trusted is not None:
            monkeypatch.setenv("SSL_CERT_FILE", trusted)
        source = Source(web.url + POLICY, None, clock_ms=lambda: T0, alarm=lambda *alarm: told.append(alarm))
        assert (source.pair.policy is not None) is (trusted is not None)
    web.close()
    assert [name for name, _ in told] == ["policy.unreadable"]
    assert "CERTIFICATE_VERIFY_FAILED" in told[0][1]["why"]


def _certificate(folder: Path) -> tuple[Path, Path]:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    import ipaddress

    address = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), 7, now - timedelta(1), now + timedelta(1))
        .add_extension(address, critical=False)
        .sign(key, hashes.SHA256())
    )
    files = folder / "key.pem", folder / "certificate.pem"
    plain = serialization.NoEncryption()
    files[0].write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain))
    files[1].write_bytes(made.public_bytes(serialization.Encoding.PEM))
    return files


@pytest.mark.parametrize(
    "url",
    [
        "ftp://host/canary",
        "file:///canary",
        "https://user:canary@host/p.json",
        "https://host",
        "http://acme.example/canary",
        "s3://bucket",
        "s3://bucket/canary?versionId=1",
        "s3://key:canary@bucket/x",
    ],
)
def test_a_url_of_no_use_is_refused_at_the_start_and_not_repeated(url):
    with pytest.raises(RoutingError) as refused:
        Router.from_file(url, MemoryStore())
    assert "canary" not in str(refused.value)


def test_an_object_store_without_its_extra_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "obstore", None)
    with pytest.raises(RoutingError, match=r"pip install 'fbplan\[objectstore\]'"):
        Router.from_file("s3://acme/routing-policy.json", MemoryStore())
