"""A full disk, a folder that only reads: nothing is sent that could not be recorded, and the next run finishes (L4)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from carrying import begun, carry_out
from fault_truths import nothing_is_repeated_blindly
from journal_truths import IntentWatcher
from rig import CANARIES, Rig
from volatile import Filling, Full, Volatile

from fbplan.errors import ExitCode, FbplanError
from fbplan.outcome import Result
from fbplan.render.human import plan_text
from fbplan.render.report import report_text
from fbplan.storage import Files

NAMES = {"bucket": {"a", "b", "c", "d"}, "repository": {"app", "two"}, "credential": {"[fbplan:x]", "[fbplan:y]"}}


def converged(rig: Rig) -> None:
    """One more run on a disk with room ends it: everything once, nothing left over, each secret in its sink."""
    assert rig.apply().exit_code is ExitCode.OK
    assert not rig.plan().has_changes, plan_text(rig.plan())
    assert {kind: set(rig.ids(kind)) for kind in NAMES} == NAMES
    assert [len(rig.http("GET", path)[key]) for path, key in (("/bucket", "buckets"), ("/apikeys", "apiKeys"))] == [
        4,
        2,
    ]
    sinks = {"app": {"w": "w.env", "new": "new.env"}, "two": {"k": "two.env"}}
    for home, keys in sinks.items():
        live = rig.keys(home)
        assert live.keys() == keys.keys()
        assert all(live[k]["key"] in (rig.folder / "secrets" / file).read_text() for k, file in keys.items())
    nothing_is_repeated_blindly(rig.http("GET", "/_emulator/requests")["requests"])
    assert not list(rig.folder.glob("*.journal.*"))


def test_every_write_of_a_mixed_plan_has_a_durable_intent(rig: Rig) -> None:
    planned = begun(rig)
    storage = Volatile(rig.folder / planned.plan.ledger)
    rig.observer = watcher = IntentWatcher(rig, storage)
    assert carry_out(rig, planned, storage).exit_code is ExitCode.OK
    assert watcher.writes == len(planned.plan.steps)
    assert {step.verb.value for step in planned.plan.steps} == {"create", "update", "delete", "issue"}
    converged(rig)


@pytest.mark.parametrize(
    ("what", "nth"), [*(("append", n) for n in (2, 5, 9, 14, 20, 30)), *(("sync", n) for n in (2, 4, 7))]
)
def test_a_disk_that_fills_up_stops_the_writes_and_the_next_run_finishes(what: str, nth: int, rig: Rig) -> None:
    planned = begun(rig)
    storage = Full(rig.folder / planned.plan.ledger, what, nth)
    rig.observer = watcher = IntentWatcher(rig, storage)
    rig.forget_calls()
    report = carry_out(rig, planned, storage)
    rig.observer = None
    skipped = report.of(Result.SKIPPED, Result.FAILED)
    assert len(report.of(Result.DONE)) >= watcher.writes - 4, "four were in flight at most"
    assert not skipped or "cannot be written" in " ".join(o.told for o in skipped)
    assert not skipped or report.exit_code is (ExitCode.PARTIAL if report.wrote else ExitCode.ERROR)
    for outcome in report.outcomes:
        assert not any(secret in repr(outcome) for secret in CANARIES)
    converged(rig)


def test_a_new_key_that_cannot_be_noted_still_reaches_its_sink(rig: Rig) -> None:
    class Log(Filling):
        def append(self, content: bytes) -> None:
            self.storage.nth = 1 if b'"record":"issued"' in content else self.storage.nth
            super().append(content)

    class Disk(Full):
        def open_log(self, name: str) -> Log:
            return Log(Files.open_log(self, name), name, self)

    planned = begun(rig)
    report = carry_out(rig, planned, Disk(rig.folder / planned.plan.ledger, "append", 999))
    assert report.exit_code is ExitCode.PARTIAL
    converged(rig)


@pytest.mark.parametrize("what", ["open", "append", "sync"])
def test_nothing_is_sent_when_the_journal_cannot_even_begin(what: str, rig: Rig) -> None:
    planned = begun(rig)
    rig.forget_calls()
    with pytest.raises(FbplanError, match="cannot be written") as caught:
        carry_out(rig, planned, Full(rig.folder / planned.plan.ledger, what, 1))
    assert caught.value.exit_code is ExitCode.ERROR
    assert rig.calls() == []
    converged(rig)


def test_a_ledger_that_cannot_be_written_is_told_and_the_journal_keeps_everything(rig: Rig) -> None:
    planned = begun(rig)
    report = carry_out(rig, planned, Full(rig.folder / planned.plan.ledger, "ledger", 1))
    assert report.exit_code is ExitCode.PARTIAL
    assert report.unrecorded is not None
    assert not report.of(Result.FAILED, Result.SKIPPED, Result.UNKNOWN)
    assert not rig.plan().has_changes, "every command reads the journal with the ledger"
    rig.forget_calls()
    converged(rig)
    assert rig.calls() == []


def test_neither_journal_nor_ledger_can_be_written_and_still_nothing_is_lost(rig: Rig) -> None:
    class Broken(Full):
        def is_full(self, what: str) -> bool:
            return super().is_full(what) or (what == "ledger" and self.has_failed)

    planned = begun(rig)
    report = carry_out(rig, planned, Broken(rig.folder / planned.plan.ledger, "append", 14))
    assert report.exit_code is ExitCode.PARTIAL
    assert report.unrecorded is not None
    told = report_text(report, planned.plan, 1.0)
    assert told.endswith(f"next: fbplan apply {rig.path}  (it finds by reading what is not in the journal)\n")
    no_ledger = report_text(replace(report, unrecorded=None), replace(planned.plan, ledger="none"), 1.0)
    assert no_ledger.endswith(f"next: fbplan plan {rig.path}  (the rest stays in the plan)\n")
    converged(rig)


@pytest.mark.parametrize("path", ["/proc/nope/x.json", "secrets"])
def test_nothing_is_sent_when_the_policy_could_not_be_published(path: str, rig: Rig) -> None:
    planned = begun(rig)
    (rig.folder / "secrets").mkdir(exist_ok=True)
    assert planned.plan.policy is not None
    lost = replace(planned.plan, policy=replace(planned.plan.policy, path=path))
    rig.forget_calls()
    with pytest.raises(FbplanError, match="the routing policy could not be published, so nothing was begun") as caught:
        rig.execute(replace(planned, plan=lost))
    assert "policy: {path: …}" in caught.value.next
    assert rig.calls() == []
    converged(rig)


def test_a_policy_that_cannot_be_published_holds_back_whatever_narrows(
    open_rig: Callable[..., Rig], tmp_path: Path
) -> None:
    rig = open_rig()
    planned = begun(rig)
    policy = rig.folder / "routing-policy.json"
    policy.unlink(missing_ok=True)

    def block(*_: object) -> None:
        policy.mkdir(exist_ok=True)

    rig.observer = block  # in mid-run: what is there before is found before anything is sent
    report = rig.execute(planned)
    rig.observer = None
    results = {o.step: o.result for o in report.outcomes}
    assert results["policy:publish"] is Result.FAILED
    assert {results[s.id] for s in planned.plan.steps if s.phase == "contract"} == {Result.SKIPPED}
    assert report.exit_code is ExitCode.PARTIAL
    policy.rmdir()
    converged(rig)
