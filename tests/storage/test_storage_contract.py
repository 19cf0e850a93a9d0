"""What every storage holds to: a folder, obstore's memory, S3 (moto), Azure (Azurite), GCS (its documented conditions)."""

from __future__ import annotations

from pathlib import Path

import pytest
from gcs_server import Gcs
from storage_places import holder, opened

from fbplan.errors import FbplanError, LockHeld, Refused, UsageFault
from fbplan.storage import Conflict, Storage, open_storage


def silent(text: str) -> None:
    raise AssertionError(text)


def test_a_document_is_read_as_it_was_written(storage: Storage) -> None:
    assert storage.read("ledger") is None
    tag = storage.write("ledger", b"one", None)
    found = storage.read("ledger")
    assert found is not None
    assert (found.content, found.tag) == (b"one", tag)
    storage.write("ledger", b"two", tag)
    assert storage.read("ledger").content == b"two"


def test_a_write_over_what_somebody_else_wrote_is_a_conflict_and_changes_nothing(storage: Storage) -> None:
    first = storage.write("ledger", b"one", None)
    storage.write("ledger", b"two", first)
    for tag in (None, first):
        with pytest.raises(Conflict):
            storage.write("ledger", b"three", tag)
    assert storage.read("ledger").content == b"two"


def test_a_write_over_what_is_gone_is_a_conflict(storage: Storage) -> None:
    tag = storage.write("ledger", b"one", None)
    storage.remove("ledger")
    with pytest.raises(Conflict):
        storage.write("ledger", b"two", tag)
    assert storage.read("ledger") is None


def test_a_google_store_that_ignores_conditions_is_refused_as_a_lock(gcs: Gcs, tmp_path: Path) -> None:
    place = opened("gs://acme/ledger.json", tmp_path)
    place.lease(holder(), 0, silent).release()
    gcs.objects.clear()
    gcs.ignores_conditions = True
    with pytest.raises(FbplanError, match="does not keep two applies apart"):
        place.lease(holder("lease2"), 0, silent)


def test_removing_twice_is_removing_once(storage: Storage) -> None:
    storage.write("ledger", b"one", None)
    storage.remove("ledger")
    storage.remove("ledger")
    assert storage.read("ledger") is None


def test_a_log_is_read_in_the_order_of_its_syncs(storage: Storage) -> None:
    log = storage.open_log("journal.r1")
    for n in range(12):
        log.append(f"{n};".encode())
        log.append(f"{n}b\n".encode())
        log.sync()
    log.sync()
    log.close()
    assert storage.read_log("journal.r1") == b"".join(f"{n};{n}b\n".encode() for n in range(12))
    assert storage.names("journal.") == ["journal.r1"]


def test_a_log_is_made_once(storage: Storage) -> None:
    storage.open_log("journal.r1").close()
    with pytest.raises(Conflict):
        storage.open_log("journal.r1")


def test_removing_a_log_removes_all_of_it_and_nothing_else(storage: Storage) -> None:
    for name in ("journal.r1", "journal.r10"):
        log = storage.open_log(name)
        log.append(name.encode())
        log.sync()
        log.close()
    storage.remove("journal.r1")
    assert storage.read_log("journal.r1") == b""
    assert storage.read_log("journal.r10") == b"journal.r10"
    assert storage.names("journal.") == ["journal.r10"]


def test_names_begin_with_what_was_asked_for(storage: Storage) -> None:
    assert storage.names("journal.") == []
    storage.write("ledger", b"x", None)
    storage.write("other", b"x", None)
    storage.open_log("journal.b").close()
    storage.open_log("journal.a").close()
    assert storage.names("journal.") == ["journal.a", "journal.b"]


def test_a_record_sees_the_one_before(storage: Storage) -> None:
    for _ in range(3):
        storage.add_record("receipts.jsonl", lambda before: b"after:" + before)
    assert storage.read_log("receipts.jsonl") == b"after:\nafter:after:\nafter:after:after:\n"


def test_one_holder_at_a_time_and_it_is_named(storage: Storage) -> None:
    assert storage.holder() is None
    lease = storage.lease(holder(), 0, silent)
    assert lease.is_held()
    present = storage.holder()
    assert present is not None
    assert (present.id, present.who, present.host, present.process) == ("lease1", "ada", "runner-7", 4711)
    with pytest.raises(LockHeld) as fault:
        storage.lease(holder("lease2"), 0, silent)
    told = f"{fault.value} {fault.value.next}"
    for part in (
        "ada on runner-7 (process 4711) since 2026-03-01T10:00:00Z, https://ci.example/run/9",
        "lease1",
        "fbplan apply --lock-timeout 60s",
        "fbplan unlock lease1",
    ):
        assert part in told
    lease.release()
    assert not lease.is_held()
    assert storage.holder() is None


def test_what_was_released_is_taken_at_once(storage: Storage) -> None:
    for n in range(3):
        lease = storage.lease(holder(f"lease{n}"), 0, silent)
        assert lease.is_held()
        lease.release()
        lease.release()


def test_breaking_needs_the_id_of_the_present_holder(storage: Storage) -> None:
    storage.break_lease("lease1")  # nobody holds it: nothing to do
    lease = storage.lease(holder(), 0, silent)
    with pytest.raises(Refused) as fault:
        storage.break_lease("another")
    assert "fbplan unlock lease1" in fault.value.next
    assert lease.is_held()
    storage.break_lease("lease1")
    assert storage.holder() is None
    lease.release()


@pytest.mark.parametrize("text", ["0", "-1", "nan", "soon", "1e9"])
def test_a_lease_or_timeout_that_is_no_sensible_number_is_a_usage_fault(text: str, tmp_path: Path) -> None:
    for name in ("FBPLAN_LEASE_SECONDS", "FBPLAN_STORAGE_TIMEOUT"):
        with pytest.raises(UsageFault, match=name):
            opened("s3://acme/ledger.json", tmp_path, **{name: text})


def test_a_url_that_cannot_be_used_is_a_usage_fault_without_the_url(tmp_path: Path) -> None:
    with pytest.raises(UsageFault) as fault:
        opened("s3://canary:canary@acme/ledger.json", tmp_path)
    assert "canary" not in f"{fault.value} {fault.value.next}"


def test_none_keeps_nothing_and_a_path_counts_from_the_folder(tmp_path: Path) -> None:
    assert open_storage("none", tmp_path) is None
    assert open_storage("ops/l.json", tmp_path).label == str(tmp_path / "ops" / "l.json")
