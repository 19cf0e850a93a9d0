"""What became of a plan: for a person, for a program, for a pull request."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable

from fbplan.commands import given
from fbplan.outcome import Outcome, Report, Result
from fbplan.plan import Plan
from fbplan.receipts import quiet_acts
from fbplan.render import words
from fbplan.render.human import PLAIN, Palette
from fbplan.render.machine import exit_json
from fbplan.render.markdown import cell, code, report_markdown

PAST = {
    "create": "created",
    "update": "updated",
    "issue": "issued",
    "delete": "deleted",
    "publish": "published",
    "adopt": "adopted",
    "forget": "forgotten",
    "record": "recorded",
}


def verdict(report: Report, plan: Plan) -> str:
    """`3 created, 1 issued, policy published`; what failed and what was skipped after it."""
    done = [(str(o.verb), o.result.value) for o in report.of(Result.DONE)]
    parts = done_told([*done, *((act.verb, act.result) for act in quiet_acts(plan, report))])
    for result, name in (
        (Result.FAILED, "failed"),
        (Result.UNKNOWN, "with an unknown outcome"),
        (Result.SKIPPED, "skipped"),
    ):
        if report.of(result):
            parts.append(f"{len(report.of(result)):,} {name}")
    return ", ".join(parts) or "nothing to do"


def done_told(acts: Iterable[tuple[str, str]]) -> list[str]:
    """What was done, of (verb, result): `3 created`, `policy published`, `2 drains begun`."""
    counts = Counter(acts)
    parts = [
        f"{n:,} {PAST.get(verb, verb)}"
        for (verb, result), n in counts.items()
        if result == "done" and verb not in {"publish", "drain"}
    ]
    if counts["publish", "done"]:
        parts.append("policy published")
    drains = (("begun", counts["drain", "done"]), ("dropped", counts["drain", "dropped"]))
    return parts + [f"{words.counted(n, 'drain')} {became}" for became, n in drains if n]


def report_text(report: Report, plan: Plan, seconds: float, palette: Palette = PLAIN) -> str:
    """The last lines of an apply: the verdict, each failure with its way out, what to do next."""
    p, lines = palette, []
    for outcome in report.of(Result.FAILED, Result.UNKNOWN):
        lines.append(f"{p.danger}{outcome.result.value}{p.off} {outcome.address} {outcome.verb}: {outcome.told}")
        if outcome.fault is not None and outcome.fault.next:
            lines.append(f"  next: {outcome.fault.next}")
    skipped = report.of(Result.SKIPPED)
    lines += [f"{p.caution}skipped{p.off} {o.address} {o.verb}: {o.told}" for o in skipped[:20]]
    if len(skipped) > 20:
        lines.append(f"{p.caution}skipped{p.off} … and {len(skipped) - 20:,} more")
    if skipped and report.halted is not None and all(o.fault is not report.halted for o in report.outcomes):
        lines.append(f"  next: {report.halted.next}")
    if report.unrecorded is not None:
        lines += [f"{p.danger}not recorded{p.off} {report.unrecorded}", f"  next: {report.unrecorded.next}"]
    is_done = not report.of(Result.FAILED, Result.UNKNOWN) and not skipped and report.unrecorded is None
    tint = p.good if is_done else p.danger
    lines.append(f"{tint}{plan.workspace}: {verdict(report, plan)}{p.off} in {seconds:.1f} s")
    lines.append(f"next: {_next(plan, is_done=is_done, is_unrecorded=report.unrecorded is not None)}")
    return "\n".join(lines) + "\n"


def _next(plan: Plan, *, is_done: bool, is_unrecorded: bool) -> str:
    spec = given(plan.spec_path)
    if is_done and plan.policy is not None and plan.policy.publishes:
        return f"hand {plan.policy.path} to the services that write; `fbplan policy render{spec} --format env` shows their settings"
    if is_unrecorded:  # a full disk may have kept outcomes from the journal; who took the lock may have removed it
        return f"fbplan apply{spec}  (it finds by reading what is not in the journal)"
    recorded = "" if plan.ledger == "none" else "what was done is recorded; "
    return f"fbplan plan{spec}" + ("" if is_done else f"  ({recorded}the rest stays in the plan)")


def report_document(report: Report, plan: Plan) -> str:
    """JSON: every step and its outcome."""
    return (
        json.dumps(
            {
                "format": "fbplan.report",
                "format_version": 1,
                "plan_id": plan.plan_id,
                "workspace": plan.workspace,
                "policy": report.policy,
                "unrecorded": str(report.unrecorded) if report.unrecorded is not None else None,
                "outcomes": [
                    {
                        "address": o.address,
                        "verb": str(o.verb),
                        "result": o.result.value,
                        "told": o.told,
                        "next": o.fault.next if o.fault else "",
                    }
                    for o in report.outcomes
                ],
                "exit": exit_json(report.exit_code),
            },
            indent=1,
            ensure_ascii=False,
        )
        + "\n"
    )


def report_markdown_of(report: Report, plan: Plan, seconds: float) -> str:
    """For a pull request: failures first, what was done folded away."""

    def row(outcome: Outcome) -> dict[str, str]:
        return {"address": code(outcome.address), "verb": str(outcome.verb), "told": cell(outcome.told)}

    done = report.of(Result.DONE)
    return report_markdown(
        {
            "verdict": f"{verdict(report, plan)} in {seconds:.1f} s",
            "failed": [row(o) for o in report.of(Result.FAILED, Result.UNKNOWN)][:200],
            "unrecorded": cell(str(report.unrecorded)) if report.unrecorded is not None else "",
            "skipped": [row(o) for o in report.of(Result.SKIPPED)][:200],
            "done": [row(o) for o in done][:300],
            "done_count": len(done),
            "next": cell(
                _next(
                    plan,
                    is_done=len(done) == len(report.outcomes) and report.unrecorded is None,
                    is_unrecorded=report.unrecorded is not None,
                )
            ),
        }
    )
