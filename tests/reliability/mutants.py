"""Deliberate mistakes in the parts that keep L3, L4 and L7: each goes in where the real part would, and nothing else changes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from volatile import Volatile, Watched

from fbplan.apply import Run
from fbplan.apply.books import Bookkeeper
from fbplan.apply.calls import Calls
from fbplan.apply.contract import Done, Sending
from fbplan.apply.issuing import issue
from fbplan.client.api import ReadClient, WriteClient
from fbplan.errors import Ambiguous, ApiFault
from fbplan.journal.reading import Unfinished
from fbplan.journal.records import Ended, Intent, Issued, Record
from fbplan.journal.writing import Journal
from fbplan.kinds.base import Kind
from fbplan.outcome import Outcome
from fbplan.plan import Phase, Step
from fbplan.secrets import FileSink, IssuedKey
from fbplan.storage import Files, Holder, Lease, Log


class UnsyncedJournal(Journal):
    """Takes what is written for what is durable."""

    def intend(self, record: Record) -> None:
        self.note(record)


class WithUnsyncedJournal(Run):
    def __init__(self, *parts: Any) -> None:
        super().__init__(*parts)
        self.books = _Unsynced(*_of(self))
        self.calls.books = self.books


class _Unsynced(Bookkeeper):
    def begin(self, dropped: tuple[str, ...] = ()) -> None:
        super().begin(dropped)
        assert self.journal is not None
        log = self.journal._log
        added = self.journal._added
        self.journal = UnsyncedJournal(log)
        self.journal._added = added


class LyingDisk(Volatile):
    """Says that it synced, and did not."""

    def open_log(self, name: str) -> Log:
        return _Lying(Files.open_log(self, name), name, self)


class _Lying(Watched):
    def sync(self) -> None: ...


class WithLateIntents(Run):
    """Writes the intent down when the call is over."""

    def __init__(self, *parts: Any) -> None:
        super().__init__(*parts)
        self.books = _Late(*_of(self))
        self.calls.books = self.books


class _Late(Bookkeeper):
    def intend(self, step: Step, sending: Sending | None) -> None:
        journal, self.journal = self.journal, None
        super().intend(step, sending)
        self.journal = journal

    def ended(self, step: Step, outcome: Outcome, done: Done | None, *, is_settled: bool) -> None:
        super().intend(step, None)
        super().ended(step, outcome, done, is_settled=is_settled)


class WithEarlyOutcomes(Run):
    """Writes the outcome down before the call."""

    def __init__(self, *parts: Any) -> None:
        super().__init__(*parts)
        self.books = _Early(*_of(self))
        self.calls.books = self.books


class _Early(Bookkeeper):
    def intend(self, step: Step, sending: Sending | None) -> None:
        super().intend(step, sending)
        assert self.journal is not None
        self.journal.intend(Ended(step.id, "done"))


class WithSettledUnknowns(Run):
    """Takes a create that nobody can tell of for one that failed."""

    def __init__(self, *parts: Any) -> None:
        super().__init__(*parts)
        self.books = _Settled(*_of(self))
        self.calls.books = self.books


class _Settled(Bookkeeper):
    def ended(self, step: Step, outcome: Outcome, done: Done | None, *, is_settled: bool) -> None:  # noqa: ARG002 -- the signature of the real one
        super().ended(step, outcome, done, is_settled=True)


class WithEagerDependants(Run):
    """Begins a step whatever became of those it needs."""

    def _reason_to_skip(self, step: Step) -> str:  # noqa: ARG002 -- the signature of the real one
        return ""


class WithEarlyContract(Run):
    """Removes first and publishes after."""

    def phase(self, phase: Phase) -> None:
        super().phase(phase)
        if phase is Phase.EXPAND:
            super().phase(Phase.CONTRACT)


class WithUnwrittenDrains(Run):
    """Takes a drain back in its head, and nowhere else."""

    def __init__(self, *parts: Any) -> None:
        super().__init__(*parts)
        self.books = _Unwritten(*_of(self))
        self.calls.books = self.books


class _Unwritten(Bookkeeper):
    def begin(self, dropped: tuple[str, ...] = ()) -> None:
        super().begin()
        self._recorder.drains_over(dropped)


class WithoutRedaction(Run):
    """Tells what the API quotes in its refusals."""

    def __init__(self, *parts: Any) -> None:
        super().__init__(*parts)
        at = self.setting
        self.calls = _Quoting(at.client, self.observation, at.folder, at.environ, self.books, issue)


class _Quoting(Calls):
    def _redact(self, step: Step, fault: Any) -> None: ...


class QuotingApi(WriteClient):
    """An API that quotes the secret in its refusal; no mistake of ours."""

    def create(
        self, kind: Kind, body: Mapping[str, Any], parent_id: str | None = None
    ) -> tuple[str, Mapping[str, Any]]:
        if "secret" in body:
            raise ApiFault("the API refused (400)", "POST", f"the provider does not know {body['secret']}", "")
        return super().create(kind, body, parent_id)


class BlindClient(WriteClient):
    """Sends a POST again when its answer is lost."""

    def create(
        self, kind: Kind, body: Mapping[str, Any], parent_id: str | None = None
    ) -> tuple[str, Mapping[str, Any]]:
        try:
            return super().create(kind, body, parent_id)
        except Ambiguous:
            return super().create(kind, body, parent_id)


class ForgetfulSink(FileSink):
    """A sink that keeps nothing; no mistake of ours."""

    def store(self, issued: IssuedKey, *_: Any) -> None: ...


class WithForgetfulSinks(Run):
    """The real run, before sinks that keep nothing."""

    def carry_out(self) -> Any:
        real = self.calls.prepare

        def prepare(steps: tuple[Step, ...]) -> None:
            real(steps)
            self.calls.sinks = {name: ForgetfulSink(**dict(sink)) for name, sink in self.calls.sinks.items()}

        self.calls.prepare = prepare  # type: ignore[method-assign]  # the sink is the seam, and is made there
        return super().carry_out()


class UnreadSink(ForgetfulSink):
    """Is not asked whether it holds what it was given."""

    is_readable = False


class WithUnreadSinks(WithForgetfulSinks):
    """Does not read the sink back."""

    def carry_out(self) -> Any:
        self.calls._issue = _issued_unread
        return super().carry_out()


def _issued_unread(calls: Calls, step: Step, kind: Kind) -> Done:
    calls.sinks[step.id] = UnreadSink(**dict(calls.sinks[step.id]))
    return issue(calls, step, kind)


class FirstOfTwo(ReadClient):
    """Of objects with one name it takes the first."""

    def listing(self, kind: Kind, workspace_id: str, parent_id: str | None = None) -> list[Mapping[str, Any]]:
        rows = super().listing(kind, workspace_id, parent_id)
        return list({str(row.get(kind.marker_field or kind.name_wire)): row for row in reversed(rows)}.values())


def without_open_intents(journal: Unfinished) -> Unfinished:
    """Reads of a journal only what is over."""
    over = {r.step for r in journal.records if isinstance(r, Ended)}
    kept = tuple(r for r in journal.records if not isinstance(r, Intent | Issued) or r.step in over)
    return replace(journal, records=kept)


class NoLock(Files):
    """Gives the right to apply to whoever asks."""

    def lease(self, holder: Holder, wait: float, told: Any) -> Lease:  # noqa: ARG002 -- the signature of the real one
        return _Free(holder)


class _Free(Lease):
    def __init__(self, holder: Holder) -> None:
        self.holder = holder

    def is_held(self) -> bool:
        return True

    def release(self) -> None: ...


class LastWriterWins(Files):
    """Writes the ledger over whatever stands there."""

    def write(self, name: str, content: bytes, tag: str | None) -> str:  # noqa: ARG002 -- the signature of the real one
        found = self.read(name)
        return super().write(name, content, found.tag if found else None)


def _of(run: Run) -> tuple[Any, ...]:
    return run.setting.keeping, run.recorder, run.observation, run.setting.now
