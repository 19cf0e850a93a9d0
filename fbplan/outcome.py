"""What became of a plan, as data: one outcome per step, the report that every view renders, and the exit code."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from fbplan.errors import ExitCode, FbplanError, Interrupted, LockHeld, SinkFailed, Stale
from fbplan.ledger import Ledger


class Result(StrEnum):
    """How one step ended."""

    DONE = "done"
    FAILED = "failed"
    UNKNOWN = "unknown"  # it was sent and nobody knows yet; the next run finds out
    SKIPPED = "skipped"

    @property
    def as_reason(self) -> str:
        """How a step that needs this one says why it did not begin."""
        return {"failed": "failed", "skipped": "was skipped", "unknown": "has an unknown outcome"}.get(self, "is done")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one step. `told` is a sentence for people; it holds no secret."""

    step: str
    address: str
    verb: str
    result: Result
    told: str = ""
    fault: FbplanError | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """What became of a plan."""

    outcomes: tuple[Outcome, ...]
    ledger: Ledger
    policy: str
    exit_code: ExitCode
    wrote: bool
    unrecorded: FbplanError | None = None
    """Why the ledger could not be written at the end; the journal stays then, with what could be written into it."""
    is_abandoned: bool = False
    """Whether something was still on its way, and may hang, when the run had to end after a signal."""
    halted: FbplanError | None = None
    """Why the rest was not started, where it was not."""

    def of(self, *results: Result) -> list[Outcome]:
        return [o for o in self.outcomes if o.result in results]


def exit_code_of(outcomes: tuple[Outcome, ...], halted: FbplanError | None, *, wrote: bool) -> ExitCode:
    """The first that holds: interrupted, a lost secret, a lost lock, nothing written, something written."""
    if isinstance(halted, Interrupted):
        return ExitCode.SIGINT
    if any(isinstance(o.fault, SinkFailed) for o in outcomes):
        return ExitCode.SINK
    if isinstance(halted, LockHeld):
        return ExitCode.LOCKED
    undone = [o for o in outcomes if o.result is not Result.DONE]
    if not undone:
        return ExitCode.OK
    if wrote:
        return ExitCode.PARTIAL
    if halted is not None:
        return halted.exit_code
    if any(isinstance(o.fault, Stale) for o in outcomes):
        return ExitCode.STALE
    return ExitCode.PARTIAL
