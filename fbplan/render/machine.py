"""For programs: JSON documents with a `format_version`, and annotations for GitHub Actions."""

from __future__ import annotations

import json
from typing import Any

from fbplan.errors import Diagnostic, ExitCode, FbplanError, SpecInvalid
from fbplan.outcome import Report, Result
from fbplan.plan import Plan, plan_json
from fbplan.render import words


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
        )
        for r in plan.refusals
    ]
    lines += [_command("warning", text, "fbplan") for text in (*plan.broken, *plan.warnings)]
    risky = [c.address for c in plan.changes if c.action.value in {"delete", "replace"}]
    if risky:
        lines.append(
            _command(
                "warning", f"deletes or replaces {', '.join(risky[:20])}{' …' if len(risky) > 20 else ''}", "fbplan"
            )
        )
    lines.append(_command("notice", f"{plan.workspace}: {words.totals(plan)}", "fbplan plan"))
    return "\n".join(lines) + "\n"


def fault_annotations(fault: FbplanError) -> str:
    """Workflow commands: one error, or one for each diagnostic at its place in the file."""
    if isinstance(fault, SpecInvalid):
        return "".join(
            _command("error", f"{d.code.id} {d.message}; {d.fix}", "fbplan", d) + "\n" for d in fault.diagnostics
        )
    return _command("error", f"{fault}; {fault.next}", "fbplan") + "\n"


def _command(level: str, text: str, title: str, found: Diagnostic | None = None) -> str:
    place = ""
    if found is not None and found.location is not None:
        place = f"file={_property(found.location.path)},line={found.location.line},col={found.location.column},"
    return f"::{level} {place}title={_property(title)}::{_data(text)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def report_annotations(report: Report, plan: Plan) -> str:
    """Workflow commands: one error for each failed step, one notice for the whole."""
    lines = [
        _command("error", f"{o.address} {o.verb}: {o.told}", "fbplan apply")
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
