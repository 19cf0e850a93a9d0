"""Receipts: what is in one, and what the chain shows."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from storage_places import in_memory

from fbplan.errors import ExitCode, FbplanError
from fbplan.ledger import Entry, Ledger, anchor_receipt, read_ledger, write_ledger
from fbplan.outcome import Outcome, Report, Result
from fbplan.receipts import Act, History, Receipt, actions_of, append_receipt, read_history
from fbplan.render.history import history_document, history_markdown, history_text, receipt_text, vouched
from fbplan.storage import Files, Storage

UUID = "0d1f2c3b-1111-4222-8333-944444444444"
RECEIPT = Receipt(
    at="2026-03-01T10:00:00Z",
    who="ada",
    host="runner-7",
    command="fbplan apply --yes",
    workspace="Production",
    spec="fbplan.yaml",
    spec_digest="sha256:5",
    plan_id="sha256:6",
    exit_code=3,
    exit_name="partial",
    seconds=1.5,
    commit="4f2c1ab9",
    is_dirty=True,
    run_url="https://ci.example/9",
    lease="l1",
    allowances=("delete:bucket.old",),
    policy_generation=7,
    actions=(
        Act("s1", "bucket.a", "create", "done"),
        Act("s2", "api_key.r.w", "issue", "failed", "the sink is full"),
        Act("s3", "bucket.b", "delete", "skipped", "after s2"),
    ),
)


@pytest.fixture(params=["files", "objects"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Storage:
    return Files(tmp_path / "fbplan.ledger.json") if request.param == "files" else in_memory()


def path(tmp_path: Path) -> Path:
    return tmp_path / "fbplan.ledger.receipts.jsonl"


def written(tmp_path: Path, count: int = 4) -> Files:
    place = Files(tmp_path / "fbplan.ledger.json")
    for n in range(count):
        append_receipt(place, replace(RECEIPT, who=f"w{n}"))
    return place


def test_a_receipt_is_read_as_it_was_added_with_its_number_and_the_hash_of_the_one_before(place: Storage) -> None:
    for _ in range(3):
        append_receipt(place, RECEIPT)
    found = read_history(place)
    assert [r.number for r in found.receipts] == [1, 2, 3]
    assert [replace(r, number=0, previous="") for r in found.receipts] == [RECEIPT] * 3
    assert found.receipts[0].previous == ""
    assert found.receipts[2].previous.startswith("sha256:")
    assert (found.torn, found.broken) == ((), ())


def test_none_is_no_fault(place: Storage) -> None:
    found = read_history(place)
    assert found.receipts == ()
    assert history_text(found, ()) == "no apply has left a receipt yet\n"


def test_a_changed_line_is_told_with_its_place(tmp_path: Path) -> None:
    place = written(tmp_path)
    path(tmp_path).write_bytes(path(tmp_path).read_bytes().replace(b'"w1"', b'"xx"'))
    assert [told.split(" does")[0] for told in read_history(place).broken] == ["line 3 (receipt 3)"]


def test_a_line_that_was_taken_out_is_told_with_its_place(tmp_path: Path) -> None:
    place = written(tmp_path)
    lines = path(tmp_path).read_bytes().splitlines(keepends=True)
    path(tmp_path).write_bytes(b"".join(lines[:1] + lines[2:]))
    assert [told.split(" does")[0] for told in read_history(place).broken] == ["line 2 (receipt 3)"]
    path(tmp_path).write_bytes(b"".join(lines[1:]))
    assert [told.split(" does")[0] for told in read_history(place).broken] == ["line 1 (receipt 2)"]


@pytest.mark.parametrize("cut", [1, 40, 300])
def test_a_torn_last_line_is_told_and_the_next_receipt_goes_on_from_it(tmp_path: Path, cut: int) -> None:
    place = written(tmp_path, 3)
    path(tmp_path).write_bytes(path(tmp_path).read_bytes()[: -1 - cut])
    found = read_history(place)
    assert [r.number for r in found.receipts] == [1, 2]
    assert (len(found.torn), found.broken) == (1, ())
    append_receipt(place, RECEIPT)
    after = read_history(place)
    assert [r.number for r in after.receipts] == [1, 2, 4]
    assert (after.torn, after.broken) == (found.torn, ())


def verified(place: Storage) -> History:
    """What `history --verify` reads."""
    return read_history(place, read_ledger(place).receipt)


def applied(place: Storage, *, until: str = "") -> None:
    """The books of one apply, in the order in which it writes them, up to a kill."""
    ledger = write_ledger(read_ledger(place), place, 1, ("l1",))
    if until == "ledger":
        return
    newest = append_receipt(place, RECEIPT)
    if until != "receipt":
        anchor_receipt(ledger, place, newest)


def test_the_ledger_knows_the_newest_receipt_and_its_serial_counts_applies(place: Storage) -> None:
    for _ in range(2):
        applied(place)
    ledger, found = read_ledger(place), verified(place)
    assert (ledger.serial, ledger.runs, ledger.written_at) == (2, ("l1",), 1)
    assert ledger.receipt is not None
    assert (ledger.receipt.number, found.is_anchored, found.unanchored, found.broken) == (2, True, 0, ())
    assert vouched(found).endswith("; the newest is the one that the ledger knows")


@pytest.mark.parametrize("kept", [0, 2])
def test_lines_that_are_missing_at_the_end_are_told(kept: int, tmp_path: Path) -> None:
    place = Files(tmp_path / "fbplan.ledger.json")
    for _ in range(3):
        applied(place)
    path(tmp_path).write_bytes(b"".join(path(tmp_path).read_bytes().splitlines(keepends=True)[:kept]))
    assert verified(place).broken == (
        "receipt 3, which the ledger knows as the newest, is not there as it was written: it was changed or taken out",
    )
    path(tmp_path).unlink()
    assert not verified(place).is_vouched_for


def test_a_change_of_the_newest_line_is_told(tmp_path: Path) -> None:
    place = Files(tmp_path / "fbplan.ledger.json")
    applied(place)
    path(tmp_path).write_bytes(path(tmp_path).read_bytes().replace(b'"ada"', b'"eve"'))
    assert [told.split(",")[0] for told in verified(place).broken] == ["receipt 1"]


@pytest.mark.parametrize(("until", "unanchored"), [("ledger", 0), ("receipt", 1)])
def test_an_apply_that_was_killed_between_its_books_is_not_taken_for_a_forger(
    place: Storage, until: str, unanchored: int
) -> None:
    for how in ("", until):
        applied(place, until=how)
    found = verified(place)
    assert (found.is_vouched_for, found.unanchored) == (True, unanchored)
    assert ("the ledger does not know the last 1 line yet" in vouched(found)) is bool(unanchored)
    applied(place)
    assert (verified(place).broken, verified(place).unanchored) == ((), 0)


def test_a_ledger_from_before_there_were_anchors_says_what_is_not_verified(place: Storage) -> None:
    write_ledger(Ledger(), place)
    append_receipt(place, RECEIPT)
    found = verified(place)
    assert (found.is_vouched_for, found.is_anchored) == (True, False)
    assert "the ledger knows none of them yet" in vouched(found)


def test_actions_hold_no_remote_id() -> None:
    report = Report(
        outcomes=(
            Outcome("s1", "bucket.a", "delete", Result.FAILED, f"bkt-77 is used by {UUID}"),
            Outcome("s2", "bucket.b", "create", Result.DONE, "x" * 5000),
        ),
        ledger=Ledger(entries={"bucket.a": Entry("bkt-77", "a")}),
        policy="",
        exit_code=ExitCode.PARTIAL,
        wrote=True,
    )
    assert actions_of(report) == (
        Act("s1", "bucket.a", "delete", "failed", "bucket.a is used by (id)"),
        Act("s2", "bucket.b", "create", "done", "x" * 300),
    )


def test_a_receipt_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    path(tmp_path).mkdir()
    with pytest.raises(FbplanError, match="Is a directory"):
        append_receipt(Files(tmp_path / "fbplan.ledger.json"), RECEIPT)


def test_the_line_of_a_receipt(tmp_path: Path) -> None:
    found = read_history(written(tmp_path, 1))
    assert history_text(found, found.receipts) == (
        "   1  2026-03-01T10:00:00Z  w0  partial  1 created, 1 failed, 1 skipped  policy 7  4f2c1ab+  https://ci.example/9\n"
    )


def test_a_receipt_in_full(tmp_path: Path) -> None:
    (found,) = read_history(written(tmp_path, 1)).receipts
    assert receipt_text(found) == (
        "receipt    1\n"
        "at         2026-03-01T10:00:00Z\n"
        "who        w0 on runner-7\n"
        "run        https://ci.example/9\n"
        "commit     4f2c1ab9 (files differ from it)\n"
        "command    fbplan apply --yes\n"
        "workspace  Production\n"
        "spec       fbplan.yaml  sha256:5\n"
        "plan       sha256:6\n"
        "allowed    delete:bucket.old\n"
        "policy     generation 7\n"
        "result     partial (exit 3) in 1.5 s: 1 created, 1 failed, 1 skipped\n"
        "lease      l1\n"
        "previous   none: it is the first\n"
        "  done    create  bucket.a\n"
        "  failed  issue   api_key.r.w  the sink is full\n"
        "  skipped delete  bucket.b  after s2\n"
    )


def test_the_other_forms_say_the_same(tmp_path: Path) -> None:
    place = written(tmp_path, 2)
    path(tmp_path).write_bytes(path(tmp_path).read_bytes().replace(b'"w0"', b'"xx"'))
    found = read_history(place)
    document = json.loads(history_document(found, found.receipts[-1:], ExitCode.ERROR))
    assert (document["receipts"][0]["who"], len(document["broken"]), document["exit"]["code"]) == ("w1", 1, 1)
    assert "| [2](https://ci.example/9) | 2026-03-01T10:00:00Z | w1 | partial |" in history_markdown(
        found, found.receipts
    )


def test_a_receipt_that_the_ledger_knew_and_that_is_gone_is_missed_also_after_the_next_apply(tmp_path: Path) -> None:
    for kept in (0, 1, 2):
        place = Files(tmp_path / f"{kept}.json")
        known = [append_receipt(place, RECEIPT) for _ in range(3)][-1]
        lines = (tmp_path / f"{kept}.receipts.jsonl").read_bytes().splitlines(keepends=True)
        (tmp_path / f"{kept}.receipts.jsonl").write_bytes(b"".join(lines[:kept]))

        newest = append_receipt(place, RECEIPT, known)

        assert newest.number == 4
        assert [b for b in read_history(place, newest).broken if "does not hold the hash of the line before" in b]
