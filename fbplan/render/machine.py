"""For programs: JSON documents with a `format_version`, and annotations for GitHub Actions."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any

from fbplan.errors import Diagnostic, ExitCode, FbplanError, SpecInvalid
from fbplan.outcome import Report, Result
from fbplan.plan import Plan, plan_json
from fbplan.render import words

_PLACED = re.compile(r"([^\s:]+\.ya?ml:[1-9]\d*:[1-9]\d*): (.+)", re.DOTALL)
_PLACE = re.compile(r"(.+):(\d+):(\d+)", re.DOTALL)


def exit_json(code: ExitCode) -> dict[str, Any]:
    """What every JSON document says about how the command ended."""
    return {"code": int(code), "name": code.label, "retryable": code.is_retryable}


def plan_document(plan: Plan, code: ExitCode) -> str:
    """The saved plan, with how the command ended."""
    return json.dumps({**plan_json(plan), "exit": exit_json(code)}, indent=1, ensure_ascii=False) + "\n"


def fault_document(fault: FbplanError, code: ExitCode) -> str:
    """An error, and every diagnostic of a wrong spec."""
    body: dict[str, Any] = {
        "format": "fbplan.error",
        "format_version": 1,
        "error": {"what": fault.what, "where": fault.where, "why": fault.why, "next": fault.next},
        "exit": exit_json(code),
    }
    if isinstance(fault, SpecInvalid):
        body["diagnostics"] = [diagnostic_json(d) for d in fault.diagnostics]
    return json.dumps(body, indent=1, ensure_ascii=False) + "\n"


def diagnostic_json(found: Diagnostic) -> dict[str, Any]:
    place = found.location
    return {
        "code": found.code.id,
        "message": found.message,
        "fix": found.fix,
        "address": found.address,
        "severity": "warning" if found.is_warning else "error",
        "path": place.path if place else None,
        "line": place.line if place else None,
        "column": place.column if place else None,
    }


def plan_annotations(plan: Plan) -> str:
    """Workflow commands: one notice for the plan, one error for each refusal, one warning for each warning."""
    lines = [
        _command(
            "error",
            f"{r.address}: {r.what}; {r.fix} {f'--allow {r.allow}' if r.allow else ''}".strip(),
            "fbplan refused",
            plan.places.get(r.address, ""),
        )
        for r in plan.refusals
    ]
    lines += [_warning(text) for text in (*plan.broken, *plan.warnings)]
    risky = [c.address for c in plan.changes if c.action.value in {"delete", "replace"}]
    if risky:
        lines.append(
            _command(
                "warning", f"deletes or replaces {', '.join(risky[:20])}{' …' if len(risky) > 20 else ''}", "fbplan"
            )
        )
    lines += _listed("due", [f"{d.address}: {words.due_line(d)}" for d in plan.due])
    lines += _listed("waiting", [f"{w.address}: {words.waiting_line(w)}" for w in plan.waiting])
    lines.append(_command("notice", f"{plan.workspace}: {words.totals(plan)}", "fbplan plan"))
    return "\n".join(lines) + "\n"


def _warning(text: str) -> str:
    """A warning about the spec begins with its place."""
    found = _PLACED.fullmatch(text)
    return _command("warning", text, "fbplan") if found is None else _command("warning", found[2], "fbplan", found[1])


def _listed(title: str, found: list[str]) -> list[str]:
    """One notice for all of them: GitHub shows ten of a kind and drops the rest."""
    cut = [*found[:20], f"… and {len(found) - 20:,} more"] if len(found) > 20 else found
    return [_command("notice", "\n".join(cut), f"fbplan {title}")] if found else []


def fault_annotations(fault: FbplanError) -> str:
    """Workflow commands: one error, or one for each diagnostic at its place in the file."""
    if isinstance(fault, SpecInvalid):
        return diagnostic_annotations(fault.diagnostics)
    return _command("error", f"{fault}; {fault.next}", "fbplan", fault.where) + "\n"


def diagnostic_annotations(found: Iterable[Diagnostic]) -> str:
    """Workflow commands: one for each diagnostic, at its place in the file."""
    return "".join(
        _command(
            "warning" if d.is_warning else "error",
            f"{d.code.id} {f'{d.address}: ' if d.address else ''}{d.message}; {d.fix}",
            "fbplan",
            str(d.location or ""),
        )
        + "\n"
        for d in found
    )


def _command(level: str, text: str, title: str, place: str = "") -> str:
    """One workflow command; `place` is FILE:LINE:COLUMN, or anything else where no place in a file is known."""
    found = _PLACE.fullmatch(place)
    at = f"file={_property(found[1])},line={found[2]},col={found[3]}," if found is not None else ""
    return f"::{level} {at}title={_property(title)}::{_data(text)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def report_annotations(report: Report, plan: Plan) -> str:
    """Workflow commands: one error for each failed step, one notice for the whole."""
    lines = [
        _command("error", f"{o.address} {o.verb}: {o.told}", "fbplan apply", plan.places.get(o.address, ""))
        for o in report.outcomes
        if o.result in {Result.FAILED, Result.UNKNOWN}
    ]
    if report.unrecorded is not None:
        lines.append(_command("error", f"not recorded: {report.unrecorded}", "fbplan apply"))
    lines.append(
        _command(
            "notice",
            f"{plan.workspace}: {len(report.of(Result.DONE))} of {len(report.outcomes)} steps done",
            "fbplan apply",
        )
    )
    return "\n".join(lines) + "\n"
