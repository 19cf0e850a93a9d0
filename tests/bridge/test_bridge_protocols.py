"""GCS and Blob at the Bridge Node, as the project's own adapters and routers meet them over the real SDKs."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import httpx
import pytest
from bridge_rig import Node
from offered import Offered, put

from fbplan.runtime import AlreadyExists, CredentialsRefused, NotFound, TransportFailure

DENIED = {"GCS": "forbidden", "BLOB": "AuthorizationPermissionMismatch"}


@pytest.fixture(params=["GCS", "BLOB"])
def offered(request: pytest.FixtureRequest, node: Node, tmp_path: Path) -> Offered:
    return Offered(node, tmp_path, request.param)


def refused(transport, place) -> tuple[int, str]:
    with pytest.raises(TransportFailure) as failure:
        put(transport, place)
    return failure.value.status, failure.value.code


def test_an_object_is_written_once_and_read_listed_and_deleted(offered: Offered) -> None:
    router = offered.router()
    placed = router.put("k ü+/1?#", b"hi")
    assert router.get(str(placed.reference)).content.read() == b"hi"
    assert router.get("k ü+/1?#").content.read() == b"hi"
    with pytest.raises(AlreadyExists):
        router.put("k ü+/1?#", b"other")
    assert router.put("k ü+/1?#", b"other!", overwrite=True).bucket == "a"
    router.put("empty", b"")
    assert router.get("empty").content.read() == b""
    assert sorted((one.bucket, one.entry.key, one.entry.size) for one in router.list().entries) == [
        ("a", "empty", 0),
        ("a", "k ü+/1?#", 6),
    ]
    assert [one.entry.key for one in router.list("k").entries] == ["k ü+/1?#"]
    assert router.delete("k ü+/1?#").is_complete
    with pytest.raises(NotFound):
        router.get("k ü+/1?#")


def test_credit_that_is_used_up_costs_one_hop(offered: Offered) -> None:
    full = ((403, "QUOTA_EXCEEDED"), (429, "QUOTA_EXCEEDED"), (507, "InsufficientStorage"))
    for number, (status, code) in enumerate(full, 1):
        offered.node.credit(bucket="a", limit=10 * number, status=status)
        router = offered.router()
        assert router.put(f"first {status}", b"x" * 10).bucket == "a", "a limit may be reached"
        second = router.put(f"second {status}", b"x")
        first, last = second.record["attempts"]
        refusal = ["a", status, code, "8.quota", "hop"]
        assert [first[name] for name in ("bucket", "status", "code", "rule", "then")] == refusal
        assert (last["bucket"], last["then"], second.bucket) == ("b", "stored", "b")
        assert len(router.put(f"third {status}", b"x").record["attempts"]) == 1, "it is asked once, not each time"
    assert offered.alarms == ["credit_mismatch"] * 3


def test_a_read_key_reads_and_never_writes(offered: Offered) -> None:
    put(offered.transport(), offered.place())
    key = offered.node.key(offered.repo, "READ", "reader")
    reader, place = offered.transport(key), offered.place()
    assert reader.get(place, "k", timeout_ms=5000).content.read() == b"x"
    head = reader.head(place, "k", timeout_ms=5000)
    assert (head.size, head.metadata) == (1, {"by": "me"})
    assert [entry.key for entry in reader.list(place, "", timeout_ms=5000)] == ["k"]
    assert refused(reader, place) == (403, DENIED[offered.protocol])
    with pytest.raises(TransportFailure):
        reader.delete(place, "k", timeout_ms=5000)
    assert reader.head(place, "k", timeout_ms=5000) is not None
    offered.publish(key)
    with pytest.raises(CredentialsRefused):
        offered.router().put("l", b"x")
    assert offered.alarms == ["auth"], "and no other bucket is tried"


def test_keys_overlap_while_they_rotate_and_a_deleted_one_stops_at_once(offered: Offered) -> None:
    old, new = offered.key, offered.node.key(offered.repo, name="writer.g2")
    router, transports = offered.router(), [offered.transport(key) for key in (old, new)]
    router.put("before", b"x")
    for number, transport in enumerate(transports):
        put(transport, offered.place(), f"k{number}")
    assert offered.node.api.delete(f"/repo/{offered.repo}/apikey/{old['id']}").is_success
    assert refused(transports[0], offered.place())[0] in {401, 403}
    put(transports[1], offered.place(), "later")
    with pytest.raises(CredentialsRefused):
        router.put("too late", b"x")
    offered.publish(new)
    assert router.put("after", b"x").bucket == "a", "the sink is read again"


def test_what_passes_is_counted_after_the_lag_of_the_statistics(node: Node, offered: Offered) -> None:
    node.post("/_emulator/settings", {"bridge_stats_lag": 60})
    router = offered.router()
    router.put("k", b"x" * 100)
    router.get("k").content.read()
    assert node.daily() == []
    node.advance(61)
    assert node.daily() == [(100, 100, 100)]
    router.delete("k")
    node.advance(61)
    assert node.daily() == [(100, 100, 0)]


def test_a_key_signs_for_itself_alone(offered: Offered) -> None:
    other = offered.node.key(offered.repo, name="other")
    mixed = {"key": offered.key["key"], "secret": other["secret"]}
    assert refused(offered.transport(mixed), offered.place())[0] in {401, 403}
    unknown = {"key": "fb0@nowhere.example", "secret": other["secret"]}
    assert refused(offered.transport(unknown), offered.place())[0] in {401, 403}
    with pytest.raises(TransportFailure) as failure:
        put(offered.transport(), offered.place()._replace(address="nowhere"))
    assert failure.value.status == 404


def test_faults_and_a_node_that_is_offline_speak_the_protocol(node: Node, offered: Offered) -> None:
    transport, place = offered.transport(), offered.place()
    put(transport, place)
    node.fault(fault="slowdown-503", retry_after=7)
    with pytest.raises(TransportFailure) as failure:
        put(transport, place)
    assert (failure.value.status, failure.value.retry_after_ms) == (503, 7000)
    assert failure.value.code == {"GCS": "backendError", "BLOB": "ServerBusy"}[offered.protocol]
    node.fault(fault="quota-429")
    assert refused(transport, place) == (429, "QUOTA_EXCEEDED")
    node.fault(fault="cut-after")
    assert refused(transport, place)[0] == 0
    node.post("/_emulator/settings", {"bridge_status": "OFFLINE"})
    assert refused(transport, place)[0] == 503
    node.post("/_emulator/settings", {"bridge_status": "ONLINE", "bridge_latency_ms": 20})
    put(transport, place)
    assert node.slept == [0.02]


def test_no_bucket_of_s3_is_taken_for_a_path_of_gcs(node: Node) -> None:
    s3 = node.writer("storage", "upload", "token")
    for bucket in ("storage", "upload", "token"):
        s3.put_object(Bucket=bucket, Key="v1/b/a/o/k", Body=b"x")
        assert s3.get_object(Bucket=bucket, Key="v1/b/a/o/k")["Body"].read() == b"x"
    with httpx.Client(base_url=node.url) as plain:
        assert plain.get("/token/k").status_code == 403
        assert "<Code>AccessDenied</Code>" in plain.get("/storage").text
        assert plain.get("/storage/v1/b/a").json()["error"]["errors"][0]["reason"] == "authError"


def test_a_folder_of_before_serves_its_keys_and_issues_pairs(tmp_path: Path) -> None:
    with closing(Node(tmp_path / "node")) as before:
        repo = before.repository("app", (before.bucket("a"), ""))
        key = before.key(repo)
        before.emulator.store.db.execute("ALTER TABLE repo_key DROP COLUMN public_key")
    with closing(Node(tmp_path / "node")) as after:
        after.s3(key).put_object(Bucket="a", Key="k", Body=b"x")
        gcs = after.key(after.repository("gcs", storageType="GCS"))
        assert gcs["secret"].startswith("-----BEGIN PRIVATE KEY-----\\n"), "one line, which an env file can hold"
