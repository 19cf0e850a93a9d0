"""For a pull request: a comment of at most 60,000 characters that a colleague understands without the run.

When it grows too long it loses fields first, then single resources, then keeps counts. Deletes and replaces are never
cut: if even they do not fit, the comment says how many there are and keeps their addresses.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from fbplan.plan import Action, Change, Plan
from fbplan.render import words

BUDGET = 60_000
_RISKY = (Action.DELETE, Action.REPLACE)
_COMMAND = re.compile(r"(|[^;]*: )(fbplan [^;()]+)", re.DOTALL)


def plan_markdown(plan: Plan, budget: int = BUDGET) -> str:
    """The fullest view that fits."""
    template = _template("plan.md.j2")
    text = ""
    for detail in ("fields", "resources", "counts", "addresses"):
        text = template(_facts(plan, detail))
        if len(text) <= budget:
            return text
    return text


def report_markdown(facts: dict[str, Any]) -> str:
    """What became of a plan, for the same place."""
    return _template("report.md.j2")(facts)


def _template(name: str) -> Callable[[dict[str, Any]], str]:
    import jinja2

    folder = Path(__file__).parent / "templates"
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(folder),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=False,  # noqa: S701  # markdown, not HTML; `cell` and `code` escape
    )
    environment.filters["cell"] = cell
    environment.filters["counted"] = words.counted
    found = environment.get_template(name)
    return lambda facts: str(found.render(facts))


def cell(text: object) -> str:
    """Text that stays inside a table cell or a list item, whatever it holds."""
    plain = str(text).replace("\\", "\\\\").replace("\r", " ").replace("\n", " ")
    for mark in "|`*_<>[]~#@":
        plain = plain.replace(
            mark, f"\\{mark}" if mark not in "<>@" else {"<": "&lt;", ">": "&gt;", "@": "&#64;"}[mark]
        )
    return plain


def code(text: object) -> str:
    """Inline code that cannot be broken out of."""
    plain = str(text).replace("\n", " ").replace("|", "\\|")
    fence = "`" * (max((len(run) for run in _ticks(plain)), default=0) + 1)
    return (
        f"{fence}{plain}{fence}"
        if not plain.startswith("`") and not plain.endswith("`")
        else f"{fence} {plain} {fence}"
    )


def prose(text: str) -> str:
    """A message; what stands in it between backticks is code."""
    parts = text.split("`")
    if len(parts) % 2 == 0 or not all(parts[1::2]):
        return cell(text)
    return "".join(code(part) if index % 2 else cell(part) for index, part in enumerate(parts))


def with_command(text: str) -> str:
    """What to do next: the command that it ends with as code, the words before it as words."""
    found = _COMMAND.fullmatch(text)
    return f"{prose(found[1])}{code(found[2])}" if found is not None else prose(text)


def _ticks(text: str) -> Iterator[str]:
    run = ""
    for letter in text + " ":
        if letter == "`":
            run += letter
        elif run:
            yield run
            run = ""


def _facts(plan: Plan, detail: str) -> dict[str, Any]:
    groups = []
    for action in Action:
        found = [c for c in plan.changes if c.action is action and not c.is_due]
        if not found:
            continue
        is_listed = action in _RISKY or detail in {"fields", "resources"}
        rows = (
            [
                _row(c, plan, with_fields=detail == "fields" or (action in _RISKY and detail != "addresses"))
                for c in found
            ]
            if is_listed
            else []
        )
        groups.append(
            {
                "title": words.TITLES[action],
                "sign": words.SIGNS[action],
                "count": len(found),
                "rows": rows,
                "is_open": action in _RISKY,
            }
        )
    refusals = [
        {
            "place": f"{code(plan.places[r.address])} " if r.address in plan.places else "",
            "address": code(r.address),
            "what": prose(r.what),
            "why": prose(r.why),
            "fix": prose(r.fix),
            "allow": code(f"--allow {r.allow}") if r.allow else "",
        }
        for r in plan.refusals[: 100 if detail != "addresses" else 20]
    ]
    policy_lines = list(plan.policy.lines) if plan.policy is not None else []
    kept = {"fields": 200, "resources": 20}.get(detail, 0)
    return {
        "workspace": cell(plan.workspace),
        "totals": words.totals(plan),
        "has_changes": plan.has_changes,
        "unchanged": plan.unchanged,
        "groups": groups,
        **_calendar(plan, detail),
        "policy": None
        if plan.policy is None or not plan.policy.publishes
        else {
            "path": code(plan.policy.path),
            "why": cell(plan.policy.why),
            "lines": [cell(x) for x in policy_lines[:kept]],
            "more": max(0, len(policy_lines) - kept),
        },
        "refusals": refusals,
        "more_refusals": len(plan.refusals) - len(refusals),
        "remarks": [prose(t) for t in (*plan.broken, *plan.warnings)][:30] if detail in {"fields", "resources"} else [],
        "unverifiable": len(plan.unverifiable),
        "unmanaged": words.unmanaged(plan),
        "plan_id": plan.plan_id,
        "next": with_command(words.next_command(plan)),
        "is_cut": detail != "fields",
        "kept": {
            "fields": "",
            "resources": "fields are left out",
            "counts": "only deletes and replaces are listed",
            "addresses": "only the addresses of deletes and replaces are listed",
        }[detail],
    }


def _calendar(plan: Plan, detail: str) -> dict[str, Any]:
    """Due deletes are never cut, as no delete is; what waits is counted when it grows too long."""
    whole = {c.address: c for c in plan.changes if c.is_due}
    kept = {"fields": 100, "resources": 20}.get(detail, 0)
    due: list[dict[str, Any]] = []
    for found in plan.due:
        change = whole.get(found.address)
        is_kept = len(due) < kept or (change is not None and change.action in _RISKY)
        if is_kept:
            brief = detail == "addresses"
            notes = _notes(change, plan) if change is not None and not brief else []
            due.append(
                {
                    "address": code(found.address),
                    "how": cell(found.what if brief else words.due_line(found)),
                    "notes": notes,
                }
            )
    return {
        "due": due,
        "due_count": len(plan.due),
        "due_id": plan.due_id,
        "waiting": [{"address": code(w.address), "how": cell(words.waiting_line(w))} for w in plan.waiting[:kept]],
        "waiting_count": len(plan.waiting),
        "dropped": [cell(words.dropped_line(d)) for d in plan.dropped[:kept]],
        "dropped_count": len(plan.dropped),
    }


def _notes(change: Change, plan: Plan) -> list[str]:
    notes = [cell(n) for n in change.notes]
    if change.address in plan.activity:
        notes.append(f"{words.size(plan.activity[change.address])} written through it in the last 30 days")
    return notes


def _row(change: Change, plan: Plan, *, with_fields: bool) -> dict[str, Any]:
    fields = []
    if with_fields and change.action not in {Action.CREATE, Action.ADOPT}:
        fields = [f"{code(name)}: {cell(how)}" for name, how in (words.field_line(f, change) for f in change.fields)]
    elif with_fields and change.fields:
        fields = [cell(words.one_line(change))]
    return {
        "address": code(change.address),
        "why": cell(words.why(change)) if with_fields else "",
        "fields": fields,
        "notes": _notes(change, plan) if with_fields else [],
    }
