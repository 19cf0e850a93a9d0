"""Each deliberate mistake is caught by the check that stands for its law, and the real part passes the same check."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import mutants
import pytest
from carrying import begun, carry_out
from fault_bench import Bench, Prepared
from fault_scenarios import SCENARIOS
from fault_strikes import STRIKES, Case
from fault_truths import (
    dependants_are_skipped,
    every_key_is_in_its_sink,
    nothing_is_repeated_blindly,
    nothing_leaks,
    texts_of,
)
from journal_truths import IntentWatcher
from mutant_table import CORE, HERE, MUTANTS, ROUTED
from rig import Rig
from volatile import Volatile

from fbplan.apply import Run
from fbplan.client.api import ReadClient, WriteClient
from fbplan.errors import ExitCode, LockHeld, Refused, Stale
from fbplan.journal.reading import Unfinished
from fbplan.journal.records import Intent
from fbplan.journal.recovery import folded
from fbplan.ledger import Ledger, read_ledger, write_ledger
from fbplan.ledger.entry import UNKNOWN_ID, Delta, Entry, KeyGeneration
from fbplan.ledger.pending import Pending
from fbplan.outcome import Report, Result
from fbplan.settle import Wanted, settle
from fbplan.storage import Files, Holder, Storage
from fbplan.storage.base import JOURNAL

ROOT = Path(__file__).resolve().parents[2]
HOLDER = Holder("one", "somebody", "here", 1, "2026-01-01T00:00:00Z")
both = pytest.mark.parametrize("is_mutant", [False, True], ids=["real", "mutant"])


@contextmanager
def caught(match: str, *, is_mutant: bool) -> Iterator[None]:
    """The check in the block fails for the mutant, in these words, and for nothing else."""
    if not is_mutant:
        yield
        return
    with pytest.raises(AssertionError, match=match):
        yield


def struck(bench: Bench, scenario: str, strike: str, point: str = "write") -> Prepared:
    case = Case(next(s for s in SCENARIOS if s.name == scenario), next(s for s in STRIKES if s.name == strike), point)
    prepared = bench.prepare(case.scenario)
    bench.restore(prepared, case)
    return prepared


def carried_out(
    bench: Bench, prepared: Prepared, run: type[Run] = Run, client: type[WriteClient] = WriteClient
) -> Report:
    storage = Files(bench.folder / prepared.planned.plan.ledger)
    return carry_out(bench, prepared.planned, storage, run=run, client=client(bench.session))


def watched(rig: Rig, run: type[Run] = Run, disk: type[Volatile] = Volatile) -> None:
    """A mixed plan, with somebody comparing every write with the books."""
    planned = begun(rig)
    storage = disk(rig.folder / planned.plan.ledger)
    rig.observer = IntentWatcher(rig, storage)
    assert carry_out(rig, planned, storage, run=run).exit_code is ExitCode.OK


@both
def test_an_intent_that_is_not_synced(is_mutant: bool, rig: Rig) -> None:
    with caught("no durable intent", is_mutant=is_mutant):
        watched(rig, mutants.WithUnsyncedJournal if is_mutant else Run)


@both
def test_a_disk_that_lies(is_mutant: bool, rig: Rig) -> None:
    with caught("no durable intent", is_mutant=is_mutant):
        watched(rig, disk=mutants.LyingDisk if is_mutant else Volatile)


@both
def test_a_late_intent(is_mutant: bool, rig: Rig) -> None:
    with caught("no durable intent", is_mutant=is_mutant):
        watched(rig, mutants.WithLateIntents if is_mutant else Run)


@both
def test_an_early_outcome(is_mutant: bool, rig: Rig) -> None:
    with caught("as over before it is sent", is_mutant=is_mutant):
        watched(rig, mutants.WithEarlyOutcomes if is_mutant else Run)


@both
def test_an_unknown_taken_for_a_failure(is_mutant: bool, bench: Bench) -> None:
    prepared = struck(bench, "issue-key", "500-after", "write-and-read")
    carried_out(bench, prepared, mutants.WithSettledUnknowns if is_mutant else Run)
    bench.clear_faults()
    assert bench.apply().exit_code is ExitCode.OK
    with caught("left behind", is_mutant=is_mutant):
        assert bench.keys("app").keys() == {"w", "theirs"}, "a key is left behind that nobody has the secret of"


@both
def test_a_post_repeated_blindly(is_mutant: bool, bench: Bench) -> None:
    prepared = struck(bench, "create-bucket", "cut-after")
    carried_out(bench, prepared, client=mutants.BlindClient if is_mutant else WriteClient)
    with caught("without a look in between", is_mutant=is_mutant):
        nothing_is_repeated_blindly(bench.requests())


@both
def test_a_dependant_that_begins_anyway(is_mutant: bool, bench: Bench) -> None:
    prepared = struck(bench, "create-bucket", "200-failure")
    report = carried_out(bench, prepared, mutants.WithEagerDependants if is_mutant else Run)
    with caught("began before", is_mutant=is_mutant):
        dependants_are_skipped(prepared, report)


@both
def test_a_refusal_told_as_it_came(is_mutant: bool, bench: Bench) -> None:
    prepared = struck(bench, "create-bucket", "delay")
    run = mutants.WithoutRedaction if is_mutant else Run
    report = carried_out(bench, prepared, run, mutants.QuotingApi)
    assert [o.step for o in report.of(Result.FAILED)] == ["bucket.b:create"]
    with caught("outside of its sink", is_mutant=is_mutant):
        nothing_leaks(bench, texts_of(report))


@both
def test_a_sink_that_is_not_read_back(is_mutant: bool, bench: Bench) -> None:
    prepared = struck(bench, "issue-key", "delay")
    report = carried_out(bench, prepared, mutants.WithUnreadSinks if is_mutant else mutants.WithForgetfulSinks)
    with caught("its sink holds another secret", is_mutant=is_mutant):
        every_key_is_in_its_sink(bench, report.ledger)
    assert ("w" in bench.keys("app")) is is_mutant, "a key whose secret is lost is deleted again"


@both
def test_a_guess_between_two(is_mutant: bool, bench: Bench) -> None:
    prepared = struck(bench, "issue-key", "delay")
    home, before = bench.ids("repository")["app"], tuple(bench.live_keys())
    for _ in range(2):
        bench.http("POST", f"/repo/{home}/apikey", {"name": "w", "accessType": "WRITE"})
    then = Delta({"api_key.app.w": Entry(UNKNOWN_ID, "w", keys=(KeyGeneration(UNKNOWN_ID, "", 1),))})
    pending = Pending("api_key.app.w", "w", home, 0, then, {"access": "WRITE"}, before)
    client = mutants.FirstOfTwo(bench.session) if is_mutant else ReadClient(bench.session)
    workspace = prepared.planned.observation.workspace.id
    settled = settle(
        client, workspace, Ledger(pending=(pending,)), lambda *_: None, Wanted(frozenset({pending.address})), 0
    )
    with caught("guessed", is_mutant=is_mutant):
        assert [len(q.ids) for q in settled.questions] == [2], "guessed between two"


@both
def test_an_open_intent_passed_over(is_mutant: bool) -> None:
    pending = Pending("bucket.a", "a", None, 0, Delta({"bucket.a": Entry(UNKNOWN_ID, "a")}))
    journal = Unfinished("journal.x", (Intent("bucket.a:create", "bucket.a", "create", None, pending),), is_torn=False)
    ledger = folded(Ledger(), mutants.without_open_intents(journal) if is_mutant else journal)
    with caught("nobody looks for it", is_mutant=is_mutant):
        assert ledger.pending == (pending,), "a create was on the way and nobody looks for it"


@both
def test_a_lock_that_everybody_gets(is_mutant: bool, tmp_path: Path) -> None:
    storage: Storage = (mutants.NoLock if is_mutant else Files)(tmp_path / "ledger.json")
    held = storage.lease(HOLDER, 0, lambda _: None)
    with caught("two hold the right", is_mutant=is_mutant), suppress(LockHeld):
        storage.lease(replace(HOLDER, id="two"), 0, lambda _: None)
        raise AssertionError("two hold the right to apply")
    held.release()


@both
def test_a_ledger_written_over_a_newer_one(is_mutant: bool, tmp_path: Path) -> None:
    storage: Storage = (mutants.LastWriterWins if is_mutant else Files)(tmp_path / "ledger.json")
    ours = theirs = read_ledger(storage)
    write_ledger(replace(theirs, entries={"bucket.theirs": Entry("1", "theirs")}), storage)
    with suppress(LockHeld):
        write_ledger(replace(ours, entries={"bucket.ours": Entry("2", "ours")}), storage)
    with caught("is forgotten", is_mutant=is_mutant):
        assert "bucket.theirs" in read_ledger(storage).entries, "what another apply made is forgotten"


@both
def test_an_empty_listing_trusted(is_mutant: bool, bench: Bench) -> None:
    prepared = struck(bench, "update-credential", "delay")
    bench.fault(method="GET", path="/apikeys", fault="empty-list", times=9)
    planned = bench.planned()
    bench.clear_faults()
    assert {r.guard for r in planned.plan.refusals} >= {"short-listing"}
    if is_mutant:
        bench.execute(replace(planned, plan=replace(planned.plan, refusals=())))
    else:
        with pytest.raises(Refused):
            bench.execute(planned)
    with caught("made twice", is_mutant=is_mutant):
        assert len(bench.rows()["credential"]) == len(prepared.before["credential"]), "a credential is made twice"


@both
def test_preconditions_not_checked(is_mutant: bool, bench: Bench) -> None:
    prepared = struck(bench, "update-bucket", "delay")
    remote = bench.ids("bucket")["a"]
    bench.http("PUT", f"/bucket/{remote}", {"region": "by-hand"})
    if is_mutant:
        bench.execute(prepared.planned)
    else:
        with pytest.raises(Stale):
            bench.apply_saved(prepared.planned.plan)
    with caught("written over", is_mutant=is_mutant):
        assert "by-hand" in bench.rows()["bucket"][remote], "what somebody changed since the review is written over"


def test_without_any_lock_two_applies_still_end_truthfully(rig: Rig) -> None:
    """Both planned from the same state; the second finds out at each object, and its ledger does not replace the first's."""
    planned = begun(rig)
    storage = mutants.NoLock(rig.folder / planned.plan.ledger)
    assert carry_out(rig, planned, storage, is_locked=False).exit_code is ExitCode.OK
    second = carry_out(rig, planned, storage, is_locked=False)
    assert second.exit_code is not ExitCode.OK
    assert second.unrecorded is None, "it is folded into the ledger of the first"
    assert storage.names(JOURNAL) == []
    assert rig.apply().exit_code is ExitCode.OK
    assert not rig.plan().has_changes
    assert len(rig.ids("bucket")) == 4
    assert len(rig.http("GET", "/apikeys")["apiKeys"]) == 2


def _tests(file: str, wanted: Callable[[ast.FunctionDef], bool]) -> set[str]:
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    return {n.name for n in tree.body if isinstance(n, ast.FunctionDef) and n.name.startswith("test_") and wanted(n)}


def test_the_table_of_mutants_is_complete() -> None:
    for file in (HERE, ROUTED):
        found = _tests(file, lambda f: any(a.arg == "is_mutant" for a in f.args.args))
        assert {m.test for m in MUTANTS if m.file == file} == found
    core = _tests(CORE, lambda f: f.name.endswith("_is_caught"))
    assert {m.test for m in MUTANTS if m.file == CORE} == core
    assert len({m.test for m in MUTANTS}) == len(MUTANTS)
