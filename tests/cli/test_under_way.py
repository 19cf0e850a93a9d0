"""What is said while somebody else applies: it is under way, and its open writes are its own."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from rig import Rig

from fbplan.cli.leasing import Tenancy
from fbplan.cli.main import cli
from fbplan.cli.stop import interrupted
from fbplan.errors import FbplanError, Interrupted, LockHeld
from fbplan.journal.records import Begun, Ended, Intent, Record, line_of
from fbplan.ledger.entry import UNKNOWN_ID, Delta, Entry
from fbplan.ledger.pending import Pending
from fbplan.plan import Action, Plan
from fbplan.storage import Files, Holder

HOLDER = Holder("run-1", "ada", "runner-7", 7, "2026-03-01T10:00:00Z", run_url="https://ci.example/9")
BEGUN = Begun("run-1", HOLDER.since, "ada", "runner-7", 7, "sha256:0", 3, "workspace", 0, "salt")
SPEC = """
credentials:
  main: {provider: AWS, key: {env: K2}, secret: {env: S2}, region: eu}
buckets:
  a: {bucket: acme-a, storage_type: S3, region: r, credential: main, soft_cap: {limit: 1GB}}
  b: {bucket: acme-b, storage_type: S3, region: r, credential: main, soft_cap: {limit: 1GB}}
"""
SAID = "is under way since"


def pending(address: str, at: int = 100) -> Pending:
    return Pending(address, address.split(".")[1], None, at, Delta({address: Entry(UNKNOWN_ID, address)}))


def shown(*records: Record, folder: Path) -> tuple[str, str]:
    lines = [line_of(record, number) for number, record in enumerate(records, 1)]
    (folder / "fbplan.ledger.journal.run-1").write_bytes(b"".join(lines))
    ran = CliRunner().invoke(cli, ("journal", "show"), standalone_mode=False)
    assert ran.return_value == 0, ran.exception
    return ran.stdout, ran.stderr


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "fbplan.yaml").write_text("version: 1\nworkspace: Production\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


INTENT = Intent("bucket.a:create", "bucket.a", "create", None, pending("bucket.a"))


def test_the_journal_of_the_holder_of_the_lock_is_no_leftover(desk: Path) -> None:
    lease = Files(desk / "fbplan.ledger.json").lease(HOLDER, 0, print)
    out, err = shown(BEGUN, INTENT, folder=desk)
    assert "on the way  create  bucket.a" in out
    assert "pending" not in out
    assert err == (
        "an apply by ada on runner-7 is under way since 2026-03-01T10:00:00Z, https://ci.example/9;"
        " what is on the way is its own\nnext: wait for it to end, or: fbplan unlock\n"
    )
    lease.release()
    out, err = shown(BEGUN, INTENT, folder=desk)
    assert "pending       bucket.a  its create got no answer" in out
    assert "next: fbplan apply" in err


def test_a_journal_of_another_run_than_the_holders_is_a_leftover(desk: Path) -> None:
    lease = Files(desk / "fbplan.ledger.json").lease(Holder("run-2", "bob", "h", 8, "now"), 0, print)
    out, err = shown(BEGUN, INTENT, folder=desk)
    assert (SAID in err, "pending" in out) == (False, True)
    lease.release()


def test_creates_of_one_address_that_got_no_answer_are_one_line(desk: Path) -> None:
    again = [Intent(f"s{n}", "bucket.a", "create", None, pending("bucket.a", n)) for n in range(3)]
    out, _ = shown(BEGUN, *again, folder=desk)
    assert [line for line in out.splitlines() if line.startswith("pending")] == [
        "pending       bucket.a  its create was sent 3 times and got no answer; the next apply looks for each"
    ]


def test_a_plan_in_the_middle_of_an_apply_says_so_and_settles_nothing_of_it(rig: Rig) -> None:
    rig.spec(SPEC)
    seen: list[Plan] = []

    def look(method: str, path: str, body: Any) -> None:
        if path == "/bucket":
            seen.append(rig.plan())

    rig.observer = look
    report = rig.apply()
    assert report.exit_code == 0
    plan = seen[0]
    (told,) = [w for w in plan.warnings if "apply" in w]
    assert SAID in told
    assert told.endswith("this plan shows the middle of it; plan again once it has ended")
    assert "did not" not in " ".join(plan.warnings)
    assert [c.address for c in plan.changes if c.action is Action.CREATE] == ["bucket.a", "bucket.b"]
    assert not rig.plan().warnings


def test_what_a_running_apply_has_finished_counts(rig: Rig) -> None:
    """The credential is made and owned by now: a plan in the middle does not adopt it, and does not make it again."""
    rig.spec(SPEC)
    owned: list[list[str]] = []

    def look(method: str, path: str, body: Any) -> None:
        if path == "/bucket":
            owned.append(sorted(rig.planned().ledger.entries))

    rig.observer = look
    rig.apply()
    assert all("credential.main" in found for found in owned)


def test_one_sentence_for_an_address_whose_create_was_sent_more_than_once(rig: Rig) -> None:
    rig.spec("buckets: {}\n")
    lost = [Ended(f"s{n}", "unknown", is_settled=False) for n in range(3)]
    intents = [Intent(f"s{n}", "bucket.a", "create", None, pending("bucket.a", n)) for n in range(3)]
    records = [replace(BEGUN, workspace_id=None), *intents, *lost]
    lines = [line_of(record, number) for number, record in enumerate(records, 1)]
    (rig.folder / "fbplan.ledger.journal.run-1").write_bytes(b"".join(lines))
    assert sum("bucket.a is not there" in warning for warning in rig.plan().warnings) == 1


@pytest.mark.parametrize(("is_broken", "fault"), [(True, LockHeld), (False, Interrupted)])
def test_a_lock_that_is_lost_while_planning_waits_is_told_as_that(
    tmp_path: Path, fault: type[FbplanError], *, is_broken: bool
) -> None:
    storage = Files(tmp_path / "fbplan.ledger.json")
    tenancy = Tenancy(storage, 0, {}, lambda: False)

    def planning() -> None:
        with tenancy.held() as lease:
            assert lease is not None
            if is_broken:
                storage.break_lease(lease.holder.id)
            raise interrupted()  # as the client does, once nothing may be sent any more

    with pytest.raises(fault) as told:
        planning()
    assert "fbplan unlock" in told.value.next or not is_broken
