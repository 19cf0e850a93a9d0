"""`unlock` and `history` as a person meets them."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from fbplan.cli.main import cli
from fbplan.cli.unlock import about
from fbplan.errors import FbplanError, Refused, UsageFault
from fbplan.receipts import Act, Receipt, append_receipt
from fbplan.storage import Files, Holder
from fbplan.storage.base import Clock
from fbplan.storage.object_calls import Calls
from fbplan.storage.object_lease import ObjectLease
from fbplan.storage.objects import Objects

HOLDER = Holder(
    "20260301T100000Z-3f2a9c41",
    "ada",
    "elsewhere",
    4711,
    "2026-03-01T10:00:00Z",
    "fbplan apply --yes",
    "https://ci.example/9",
)
NOW = datetime(2026, 3, 1, 12, 5, tzinfo=UTC)


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "fbplan.yaml").write_text("version: 1\nworkspace: Production\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def place(desk: Path) -> Files:
    return Files(desk / "fbplan.ledger.json")


def run(*words: str, answer: str | None = None) -> Result:
    return CliRunner().invoke(cli, words, input=answer, standalone_mode=False)


def test_unlock_says_that_nobody_holds_the_lock(place: Files) -> None:
    assert run("unlock").output == "fbplan.ledger.json: nobody holds the lock\n"
    assert run("unlock", HOLDER.id, "--yes").return_value == 0


def test_unlock_shows_the_holder_and_the_command_that_breaks_its_lease(place: Files) -> None:
    lease = place.lease(HOLDER, 0, print)
    told = about(HOLDER, place, Path("fbplan.yaml"), NOW, Clock())
    assert told == [
        place.label,
        "  held by  ada on elsewhere",
        "  process  4711",
        "  run      https://ci.example/9",
        "  command  fbplan apply --yes",
        "  since    2026-03-01T10:00:00Z (2 hours ago)",
        "  alive    yes: the kernel frees the lock when the process ends; it may hang",
        "  lease    20260301T100000Z-3f2a9c41",
        "to take the lock away from it: fbplan unlock 20260301T100000Z-3f2a9c41",
    ]
    shown = run("unlock")
    assert (shown.return_value, shown.output.splitlines()[1]) == (0, "  held by  ada on elsewhere")
    assert lease.is_held()


def test_unlock_breaks_the_lease_that_is_named(place: Files) -> None:
    lease = place.lease(HOLDER, 0, print)
    broken = run("unlock", HOLDER.id, "--yes")
    assert broken.return_value == 0
    assert "is broken; the lock is free" in broken.output
    assert not lease.is_held()
    assert place.holder() is None


def test_unlock_without_a_terminal_needs_yes(place: Files) -> None:
    lease = place.lease(HOLDER, 0, print)
    refused = run("unlock", HOLDER.id)
    assert isinstance(refused.exception, UsageFault)
    assert refused.exception.next == f"fbplan unlock {HOLDER.id} --yes"
    assert lease.is_held()


def test_unlock_of_another_lease_is_refused(place: Files) -> None:
    lease = place.lease(HOLDER, 0, print)
    refused = run("unlock", "another", "--yes")
    assert isinstance(refused.exception, Refused)
    assert f"fbplan unlock {HOLDER.id}" in refused.exception.next
    assert lease.is_held()


def test_unlock_takes_a_spec_and_a_lease_in_either_order(place: Files, tmp_path: Path) -> None:
    (tmp_path / "infra").mkdir()
    (tmp_path / "infra" / "fbplan.yaml").write_text("version: 1\nledger: other.json\n")
    lease = Files(tmp_path / "infra" / "other.json").lease(HOLDER, 0, print)
    assert "ada on elsewhere" in run("unlock", "infra").output
    assert run("unlock", HOLDER.id, "infra/fbplan.yaml", "--yes").return_value == 0
    assert not lease.is_held()
    assert isinstance(run("unlock", "a", "b").exception, UsageFault)


def test_a_spec_without_a_ledger_has_no_lock_and_no_history(desk: Path) -> None:
    (desk / "fbplan.yaml").write_text("version: 1\nledger: none\n")
    for command in ("unlock", "history"):
        assert isinstance(run(command).exception, FbplanError)


@pytest.fixture
def remote() -> tuple[Objects, ObjectLease, list[float]]:
    from obstore.store import MemoryStore

    seconds = [0.0]
    place = Objects(
        Calls(MemoryStore(), "s3://acme/ledger.json"),
        "s3://acme/ledger.json",
        "ledger.json",
        seconds=30,
        clock=Clock(lambda: seconds[0], lambda _: None),
    )
    lease = place._locker.take(HOLDER, 0, print, beats=False)
    return place, lease, seconds


def alive(place: Objects, clock: Clock) -> str:
    told = about(place.holder(), place, Path("fbplan.yaml"), NOW, clock)
    return next(line for line in told if line.startswith("  alive"))


def test_a_heart_that_beats_is_seen_without_comparing_clocks(remote) -> None:
    place, lease, seconds = remote

    def sleep(for_: float) -> None:
        seconds[0] += for_
        if seconds[0] > 9:
            lease.renew()

    assert alive(place, Clock(lambda: seconds[0], sleep)) == "  alive    yes: its heart beats"


def test_a_silent_heart_is_told_with_what_happens_next(remote) -> None:
    place, _, seconds = remote

    def sleep(for_: float) -> None:
        seconds[0] += for_

    told = alive(place, Clock(lambda: seconds[0], sleep))
    assert told == "  alive    no heartbeat for 16 s; the next apply that waits takes over 30 s after the last one"


RECEIPT = Receipt(
    at="2026-03-01T10:00:00Z",
    who="ada",
    host="h",
    command="fbplan apply",
    workspace="Production",
    spec="fbplan.yaml",
    spec_digest="sha256:5",
    plan_id="sha256:6",
    exit_code=0,
    exit_name="ok",
    seconds=1.0,
    actions=(Act("s1", "bucket.a", "create", "done"),),
)


def test_history_shows_the_last_ones_newest_last_and_one_in_full(place: Files) -> None:
    assert run("history").output == "no apply has left a receipt yet\n"
    for n in range(25):
        append_receipt(place, replace(RECEIPT, who=f"w{n}"))
    lines = run("history").output.splitlines()
    assert (len(lines), lines[0].split()[:3], lines[-1].split()[:3]) == (
        20,
        ["6", RECEIPT.at, "w5"],
        ["25", RECEIPT.at, "w24"],
    )
    assert len(run("history", "-n", "0").output.splitlines()) == 25
    assert "done    create  bucket.a" in run("history", "7").output
    assert [r["number"] for r in json.loads(run("history", "-n", "2", "-o", "json").output)["receipts"]] == [24, 25]
    assert isinstance(run("history", "99").exception, UsageFault)


def test_verify_exits_1_when_the_chain_does_not_hold(place: Files, desk: Path) -> None:
    for _ in range(3):
        append_receipt(place, RECEIPT)
    assert run("history", "--verify").return_value == 0
    path = desk / "fbplan.ledger.receipts.jsonl"
    path.write_bytes(path.read_bytes().replace(b'"ada"', b'"eve"', 1))
    broken = run("history", "--verify")
    assert broken.return_value == 1
    assert "broken line 2 (receipt 2) does not hold the hash" in broken.output
    assert run("history").return_value == 0


def test_both_are_commands_of_the_program(place: Files, desk: Path) -> None:
    append_receipt(place, RECEIPT)
    for words, code in ((["history"], 0), (["unlock"], 0), (["unlock", "a", "b"], 64), (["history", "-n", "x"], 64)):
        ran = subprocess.run(
            [sys.executable, "-m", "fbplan", *words], cwd=desk, capture_output=True, text=True, timeout=60
        )
        assert (ran.returncode, "Traceback" in ran.stderr) == (code, False), ran.stderr
