"""What a real S3 server, and a bad day of it, do to ledger, logs and lease."""

from __future__ import annotations

import sys
import traceback
import uuid
from pathlib import Path

import pytest
from storage_places import CANARIES, S3, holder, opened

from fbplan.errors import AuthenticationFailed, FbplanError, Unreachable
from fbplan.storage import Conflict, Storage
from fbplan.storage.location import parse_url
from fbplan.storage.object_calls import Patience, connected


@pytest.fixture
def place(s3: S3, tmp_path: Path) -> Storage:
    return opened(f"s3://acme/{uuid.uuid4().hex}/ledger.json", tmp_path)


@pytest.mark.parametrize("what", ["500-before", "500-after", "cut-before", "cut-after"])
def test_a_write_whose_answer_is_lost_is_settled_by_reading(s3: S3, place: Storage, what: str) -> None:
    tag = place.write("ledger", b"one", None)
    s3.script.append(("PUT", "ledger.json", what))
    following = place.write("ledger", b"two", tag)
    assert s3.script == []
    found = place.read("ledger")
    assert (found.content, found.tag) == (b"two", following)


@pytest.mark.parametrize("what", ["500-after", "cut-after"])
def test_a_part_of_a_log_whose_answer_is_lost_stands_once(s3: S3, place: Storage, what: str) -> None:
    log = place.open_log("journal.r1")
    s3.script.append(("PUT", "journal.r1/00000001", what))
    for line in (b"one\n", b"two\n"):
        log.append(line)
        log.sync()
    assert place.read_log("journal.r1") == b"one\ntwo\n"


def test_a_sync_that_failed_is_made_good_by_the_next_one(s3: S3, place: Storage) -> None:
    log = place.open_log("journal.r1")
    log.append(b"one\n")
    s3.script += [("PUT", "journal.r1/00000001", "denied")]
    with pytest.raises(AuthenticationFailed):
        log.sync()
    log.append(b"two\n")
    log.sync()
    assert place.read_log("journal.r1") == b"one\ntwo\n"


def test_a_listing_that_lags_loses_nothing(s3: S3, place: Storage) -> None:
    for n in range(3):
        place.add_record("receipts.jsonl", lambda _, n=n: str(n).encode())
    s3.script += [("LIST", "", "empty")]
    assert place.read_log("receipts.jsonl") == b"0\n1\n2\n"
    s3.script += [("LIST", "", "empty")]
    place.add_record("receipts.jsonl", lambda before: b"after " + before)
    assert place.read_log("receipts.jsonl").endswith(b"2\nafter 2\n")
    assert s3.script == []


def test_a_log_with_a_hole_is_told_instead_of_read(s3: S3, place: Storage, tmp_path: Path) -> None:
    for n in range(3):
        place.add_record("receipts.jsonl", lambda _, n=n: str(n).encode())
    place._calls.delete([f"{place.key('receipts.jsonl')}/00000002"])
    with pytest.raises(FbplanError, match="hole") as fault:
        place.read_log("receipts.jsonl")
    assert "00000002 is gone" in fault.value.why


def test_a_record_that_somebody_else_wrote_first_is_chained_to(s3: S3, place: Storage) -> None:
    """Two applies at once, should the lock ever fail: both receipts stand, in one chain."""
    seen: list[bytes] = []

    def make(before: bytes) -> bytes:
        seen.append(before)
        if len(seen) == 1:
            place.add_record("receipts.jsonl", lambda _: b"the other")
        return b"mine"

    place.add_record("receipts.jsonl", make)
    assert seen == [b"", b"the other"]
    assert place.read_log("receipts.jsonl") == b"the other\nmine\n"


def test_a_bucket_that_is_not_there_is_no_empty_ledger(s3: S3, tmp_path: Path) -> None:
    place = opened("s3://nowhere/ledger.json", tmp_path)
    for act in (
        lambda: place.read("ledger"),
        lambda: place.write("ledger", b"x", None),
        lambda: place.lease(holder(), 0, print),
        lambda: place.open_log("journal.r1"),
        place.holder,
    ):
        with pytest.raises(FbplanError, match="the bucket is not there"):
            act()


def test_a_store_that_ignores_conditions_is_refused_as_a_lock(s3: S3, place: Storage) -> None:
    s3.ignores_conditions = True
    with pytest.raises(FbplanError, match="does not keep two applies apart"):
        place.lease(holder(), 0, print)


def test_a_store_that_does_not_answer_is_given_up_in_time(s3: S3) -> None:
    calls = connected(parse_url("s3://acme/slow/ledger.json"), Patience(timeout=0.2, retries=2, altogether=1))
    s3.script += [("GET", "slow", "hang")] * 9
    with pytest.raises(Unreachable, match="did not answer in time"):
        calls.get("slow/ledger.json")
    assert len(s3.script) == 6


def test_no_server_is_told_with_exit_8(s3: S3, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    with pytest.raises(Unreachable, match="no connection") as fault:
        opened("s3://acme/ledger.json", tmp_path).read("ledger")
    assert int(fault.value.exit_code) == 8


def test_no_credentials_are_told_with_the_variables_to_set(
    s3: S3, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in CANARIES:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_METADATA_ENDPOINT", "http://127.0.0.1:1")
    with pytest.raises(AuthenticationFailed, match="no credentials") as fault:
        opened("s3://acme/ledger.json", tmp_path).read("ledger")
    assert "AWS_ACCESS_KEY_ID" in fault.value.next


@pytest.mark.parametrize("verb", ["GET", "PUT", "LIST"])
def test_no_error_repeats_a_credential(s3: S3, place: Storage, verb: str) -> None:
    """S3 answers a bad signature with the key id and the text that was signed."""
    s3.script += [(verb, "", "denied")] * 9
    with pytest.raises(AuthenticationFailed) as fault:
        {
            "GET": lambda: place.read("ledger"),
            "PUT": lambda: place.write("ledger", b"x", None),
            "LIST": lambda: place.names("journal."),
        }[verb]()
    shown = "".join(traceback.format_exception(fault.value)) + repr(fault.value) + fault.value.next
    assert not [value for value in CANARIES.values() if value in shown]
    assert "SignatureDoesNotMatch" in fault.value.why


def test_heartbeats_come_by_themselves(s3: S3, tmp_path: Path) -> None:
    place = opened(f"s3://acme/{uuid.uuid4().hex}/ledger.json", tmp_path, FBPLAN_LEASE_SECONDS="2")
    lease = place.lease(holder(), 0, print)
    while place.holder().beat < 3:
        assert lease.is_held()
    lease.release()
    assert place.holder() is None


def test_a_heartbeat_that_fails_is_tried_again_before_the_lease_ends(s3: S3, tmp_path: Path) -> None:
    place = opened(f"s3://acme/{uuid.uuid4().hex}/ledger.json", tmp_path, FBPLAN_LEASE_SECONDS="2")
    lease = place.lease(holder(), 0, print)
    s3.script += [("PUT", "ledger.lock", "denied")]
    while place.holder().beat < 2:
        assert lease.is_held()
    assert s3.script == []
    lease.release()


def test_obstore_is_asked_for_by_name_when_it_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [n for n in sys.modules if n.split(".")[0] == "obstore"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "obstore", None)
    with pytest.raises(FbplanError, match="needs obstore") as fault:
        opened("s3://acme/ledger.json", tmp_path)
    assert fault.value.next == "pip install 'fbplan[objectstore]'"


def test_conflicting_writes_on_s3_have_one_winner(s3: S3, place: Storage) -> None:
    from concurrent.futures import ThreadPoolExecutor

    tag = place.write("ledger", b"start", None)

    def write(n: int) -> str:
        try:
            place.write("ledger", f"by {n}".encode(), tag)
        except Conflict:
            return "conflict"
        return f"by {n}"

    with ThreadPoolExecutor(4) as rivals:
        ends = list(rivals.map(write, range(4)))
    winners = [e for e in ends if e != "conflict"]
    assert winners == [place.read("ledger").content.decode()]
