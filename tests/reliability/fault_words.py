"""What fbplan did about a fault, in a few words: read off the outcomes and the requests of a case."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fault_bench import Prepared
from fault_strikes import Case

from fbplan.errors import Ambiguous, AuthenticationFailed, Lost, SinkFailed, Stale, Unreachable
from fbplan.outcome import Outcome, Report, Result

QUIET = "goes on as usual"


def behaviour(prepared: Prepared, case: Case, report: Report, rows: Sequence[Mapping[str, Any]], runs: int) -> str:
    """What became of the struck step, and what brought everything to its end."""
    outcome = next(o for o in report.outcomes if o.step == case.scenario.step)
    sent = [r for r in rows if (r["method"], r["path"]) == (case.scenario.method, prepared.path)]
    has_waited = any(r["status"] == 429 for r in rows)
    has_renewed = any(r["path"] in {"/user/login", "/user/refresh"} for r in rows)
    words = _ended(case.scenario.column, outcome, report) if outcome.result is not Result.DONE else ""
    if not words and case.point == "before-contract":
        words = "waited, read again" if has_waited else "token renewed, read again" if has_renewed else QUIET
    if not words and len(sent) == 1:
        words = "found by reading" if "reading" in outcome.told else QUIET
    if not words and has_waited:
        words = "waited, sent again"
    if not words and has_renewed:
        words = "token renewed, sent again"
    if not words and case.scenario.column == "issue":
        lost = any(r["method"] == "DELETE" for r in rows)
        words = "looked; orphan deleted; issued again" if lost else "looked; issued again"
    words = words or "looked, sent again"
    return words if runs == 0 else f"{words}; the next run finishes it"


def _ended(column: str, outcome: Outcome, report: Report) -> str:
    match outcome.fault:
        case AuthenticationFailed() | Unreachable():
            return f"stops, exit {int(report.exit_code)}"
        case SinkFailed(is_taken_back=True):
            return f"key deleted again, exit {int(report.exit_code)}"
        case Lost():
            return f"looked, {'still there' if column == 'delete' else 'unchanged' if column == 'update' else 'not there'}: failed"
        case Ambiguous():
            return "unknown"
        case Stale():
            return "left alone: it seems to have moved"
        case _ if outcome.result is Result.SKIPPED:
            return "not begun"
        case _:
            return "failed"


def publishing(report: Report) -> str:
    """What became of the routing policy."""
    found = next((o for o in report.outcomes if o.step == "policy:publish"), None)
    return "" if found is None else "published" if found.result is Result.DONE else "held back"
