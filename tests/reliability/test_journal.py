"""The journal as a file: what a crash may leave of it, and what it tells."""

from __future__ import annotations

import subprocess
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from typing_extensions import override

from fbplan.errors import FbplanError
from fbplan.journal.reading import read_journal
from fbplan.journal.records import (
    Begun,
    DrainsBegun,
    DrainsOver,
    Ended,
    Intent,
    Issued,
    Left,
    PolicyPublished,
    Record,
    Seen,
    line_of,
    record_from,
)
from fbplan.journal.recovery import folded, in_force
from fbplan.journal.writing import Journal
from fbplan.ledger import Ledger, write_ledger
from fbplan.ledger.entry import UNKNOWN_ID, Delta, Entry, KeyGeneration
from fbplan.ledger.pending import Pending
from fbplan.storage import Files, Log

BEGUN = Begun("run-1", "2026-11-25T03:00:00Z", "ada", "host", 7, "sha256:0", 3, "workspace", 4, "salt")
THEN = Delta({"api_key.r.w": Entry(UNKNOWN_ID, "w", keys=(KeyGeneration(UNKNOWN_ID, "", 1),))})
PENDING = Pending("api_key.r.w", "w", "repo-1", 100, THEN, {"access": "WRITE"}, sink={"file": "w.env"})
RECORDS: tuple[Record, ...] = (
    BEGUN,
    Seen("api_key", "repo-1", ("a", "b")),
    Intent("api_key.r.w:issue", "api_key.r.w", "issue", None, PENDING),
    Issued("api_key.r.w:issue", "new", "AK1"),
    Left(PENDING),
    Ended("api_key.r.w:issue", "done", delta=THEN.identified("new", "AK1")),
    PolicyPublished(9),
    DrainsOver(("bucket.a", "r/bucket.a")),
    DrainsBegun(("r/bucket.b",), 200),
)
HALF_A_LETTER: tuple[Record, ...] = (
    Seen("api_key", "repo-1", ("a", "b\ud83d")),
    Intent("api_key.r.w:issue", "api_key.r.w", "issue", "\udc00", replace(PENDING, sent={"region": "\ud83d"})),
    Ended("bucket.a:create", "done", id="\ud83d"),
)


def files(folder: Path) -> Files:
    return Files(folder / "fbplan.ledger.json")


def written(folder: Path, *records: Record) -> Files:
    storage = files(folder)
    journal = Journal(storage.open_log("journal.run-1"))
    for record in records:
        journal.intend(record)
    journal.close()
    return storage


@pytest.mark.parametrize("record", [*RECORDS, *HALF_A_LETTER], ids=lambda r: type(r).__name__)
def test_a_record_reads_back_as_it_was_written(record: Record) -> None:
    assert record_from(line_of(record, 12).rstrip(b"\n"), 12) == record


def test_a_torn_tail_is_passed_over_wherever_it_is_cut(tmp_path: Path) -> None:
    storage = written(tmp_path, *RECORDS)
    whole = storage.read_log("journal.run-1")
    ends = [n for n, byte in enumerate(whole, 1) if byte == 10]
    for cut in range(len(whole) + 1):
        storage.path("journal.run-1").write_bytes(whole[:cut])
        found = read_journal(storage, "journal.run-1")
        assert found.records == RECORDS[: sum(end <= cut for end in ends)]
        assert found.is_torn == (cut not in {0, *ends})


def test_a_tail_of_zeros_is_a_torn_tail(tmp_path: Path) -> None:
    storage = written(tmp_path, *RECORDS)
    path = storage.path("journal.run-1")
    path.write_bytes(path.read_bytes() + bytes(512))
    assert read_journal(storage, "journal.run-1").records == RECORDS


@pytest.mark.parametrize("change", ["flip", "drop"])
def test_a_damaged_middle_is_reported_with_its_line(tmp_path: Path, change: str) -> None:
    storage = written(tmp_path, *RECORDS)
    path = storage.path("journal.run-1")
    lines = path.read_bytes().splitlines(keepends=True)
    lines[2] = lines[2].replace(b"issue", b"ixxue") if change == "flip" else b""
    path.write_bytes(b"".join(lines))
    with pytest.raises(FbplanError, match="damaged at line 3 of"):
        in_force(storage)


class Slow(Log):
    """A log that counts its syncs, and whose first one waits until everybody has written."""

    def __init__(self, everybody: threading.Barrier) -> None:
        self.lines, self.syncs, self.everybody = 0, 0, everybody
        self.first = threading.Event()

    @override
    def append(self, content: bytes) -> None:
        self.lines += 1
        if self.lines == 1:
            return
        if self.lines == 9:
            self.first.set()

    @override
    def sync(self) -> None:
        self.syncs += 1
        if self.syncs == 1:
            assert self.first.wait(20)

    @override
    def close(self) -> None:
        """Nothing to let go of."""


def test_one_sync_serves_everybody_who_waits() -> None:
    log = Slow(threading.Barrier(8))
    journal = Journal(log)
    threads = [threading.Thread(target=journal.intend, args=(BEGUN,)) for _ in range(9)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert (log.lines, log.syncs) == (9, 2)


class Full(Log):
    """A log on a disk that fills up: at the append, or only at the sync."""

    def __init__(self, at: str) -> None:
        self.at, self.synced = at, 0

    @override
    def append(self, content: bytes) -> None:
        if self.at == "append":
            raise FbplanError("no space left")

    @override
    def sync(self) -> None:
        if self.at == "sync" and self.synced == 0:
            self.synced += 1
            raise FbplanError("no space left")

    @override
    def close(self) -> None:
        """Nothing to let go of."""


@pytest.mark.parametrize("at", ["append", "sync"])
def test_once_a_record_could_not_be_made_durable_nothing_more_is_promised(at: str) -> None:
    journal = Journal(Full(at))
    for _ in range(2):  # a second sync after a failed one may succeed and lie
        with pytest.raises(FbplanError, match="no space left"):
            journal.intend(BEGUN)
    with pytest.raises(FbplanError, match="no space left"):
        journal.note(BEGUN)


def test_folding_is_idempotent(tmp_path: Path) -> None:
    storage = written(tmp_path, *RECORDS[:4])
    once = in_force(storage)
    twice = folded(once.ledger, once.journals[0])
    assert twice == once.ledger
    (pending,) = once.ledger.pending
    assert (pending.before, pending.issued, pending.key_id) == (("a", "b"), "new", "AK1")


def test_an_outcome_closes_its_intent(tmp_path: Path) -> None:
    storage = written(tmp_path, *RECORDS[:4], *RECORDS[5:])
    found = in_force(storage).ledger
    assert (found.pending, found.entries["api_key.r.w"].ids, found.policy_generation) == ((), ("new",), 9)


def test_drains_are_folded_in_the_order_in_which_they_were_written(tmp_path: Path) -> None:
    storage = written(tmp_path, BEGUN, DrainsOver(("b", "c")), DrainsBegun(("c", "d"), 200), DrainsOver(("d",)))
    ledger = Ledger(drains={"a": 1, "b": 2, "c": 3})
    once = folded(ledger, read_journal(storage, "journal.run-1"))
    assert once.drains == {"a": 1, "c": 200}
    assert folded(once, read_journal(storage, "journal.run-1")) == once


def test_what_a_rival_put_there_meanwhile_is_kept_and_ours_stays_to_be_looked_for(tmp_path: Path) -> None:
    """The lock failed: another apply made the same key, and wrote the ledger before this journal was read."""
    rivals = Ledger(entries={"api_key.r.w": Entry("theirs", "w", keys=(KeyGeneration("theirs", "AK2", 1),))})
    storage = written(tmp_path, *RECORDS[:4], RECORDS[5])
    after = folded(rivals, read_journal(storage, "journal.run-1"))
    assert after.entries == rivals.entries
    assert [p.issued for p in after.pending] == ["new"]


def test_a_closed_journal_takes_nothing_more(tmp_path: Path) -> None:
    storage = files(tmp_path)
    journal = Journal(storage.open_log("journal.run-1"))
    journal.intend(BEGUN)
    journal.close()
    other = (tmp_path / "other").open("wb")  # gets the number of the descriptor that was closed
    with pytest.raises(FbplanError, match="closed"):
        journal.note(BEGUN)
    other.close()
    assert (tmp_path / "other").read_bytes() == b""


def test_a_damaged_journal_that_was_moved_aside_is_no_journal(tmp_path: Path) -> None:
    storage = written(tmp_path, *RECORDS)
    path = storage.path("journal.run-1")
    path.write_bytes(b"damaged\n" + path.read_bytes())
    with pytest.raises(FbplanError, match="damaged at line 1"):
        in_force(storage)
    path.rename(path.with_name(path.name + ".broken"))
    assert in_force(storage).journals == ()


@pytest.mark.parametrize(
    ("serial", "runs", "is_believed"),
    [
        (4, (), True),  # the ledger that it began from
        (5, ("run-1",), True),  # its own last write; the journal was to be removed next
        (5, ("run-2",), False),
        (5, (), False),
        (9, ("run-2", "run-1"), True),
    ],
)
def test_a_journal_is_not_folded_into_a_ledger_that_others_went_on_with(
    tmp_path: Path, serial: int, runs: tuple[str, ...], is_believed: bool
) -> None:
    """It may lie on a machine of its own while the ledger came from git: what it made may be let go by now."""
    storage = written(tmp_path, *RECORDS)
    write_ledger(Ledger(workspace_id="workspace", serial=serial - 1), storage, runs=runs)
    if is_believed:
        assert in_force(storage).journals
    else:
        with pytest.raises(FbplanError, match="older than the ledger") as refused:
            in_force(storage)
        told = refused.value.next
        subprocess.run(told[told.index("mv ") : told.index(" && ")], shell=True, check=True)  # noqa: S602 -- as a person would
        assert in_force(storage).journals == ()
