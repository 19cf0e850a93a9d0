"""What became of a plan, as data: one outcome per step, and the report that every view renders."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from fbplan.errors import ExitCode, FbplanError
from fbplan.ledger import Ledger


class Result(StrEnum):
    """How one step ended."""

    DONE = "done"
    FAILED = "failed"
    SKIPPED = "skipped"


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

    def of(self, result: Result) -> list[Outcome]:
        return [o for o in self.outcomes if o.result is result]
