"""The plan as a document: what `-o json` prints and `--out` saves, its identity, and how it is read back."""

from __future__ import annotations

import dataclasses
import functools
import json
from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from fbplan.errors import FbplanError
from fbplan.plan.records import (
    Action,
    Change,
    Dropped,
    Due,
    FieldChange,
    Phase,
    Plan,
    PolicyChange,
    Reason,
    Record,
    Refusal,
    Step,
    Target,
    Verb,
    Waiting,
)
from fbplan.state import canonical_digest

FORMAT_VERSION = 2

_OUTSIDE_ID = frozenset(
    {
        "plan_id",
        "spec_path",
        "folder",
        "warnings",
        "broken",
        "unmanaged",
        "unchanged",
        "unverifiable",
        "activity",
        "places",
        "waiting",
    }
)
"""What does not change what will be done, and so is no part of the identity of a plan."""


def plan_json(plan: Plan) -> dict[str, Any]:
    """The document: what `-o json` prints and `--out` saves."""
    body = _plain(plan)
    return {
        "format": "fbplan.plan",
        "format_version": FORMAT_VERSION,
        "summary": plan.summary,
        "has_changes": plan.has_changes,
        **body,
    }


def identified(plan: Plan) -> Plan:
    """The plan with its ids: equal content, equal `plan_id`; what only waits is in neither."""
    plan = dataclasses.replace(plan, due_id=canonical_digest(_plain(plan.due)) if plan.due else "")
    body = {k: v for k, v in _plain(plan).items() if k not in _OUTSIDE_ID}
    return dataclasses.replace(plan, plan_id=canonical_digest(body))


def _plain(value: Any) -> Any:
    """Records as mappings, all the way down. Asked for every value of a plan, so the common types come first."""
    if value is None or type(value) in _SCALARS:
        return value
    if isinstance(value, Mapping):
        return {k: _plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(v) for v in value]
    if isinstance(value, StrEnum):
        return value.value
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {name: _plain(getattr(value, name)) for name in _names(type(value))}
    return value


@functools.cache
def _names(record: Any) -> tuple[str, ...]:
    return tuple(f.name for f in dataclasses.fields(record))


_SCALARS = frozenset({str, int, bool, float})


def read_plan(text: str, where: str) -> Plan:
    """A saved plan; raises FbplanError for anything else, and for one that was altered."""
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as fault:
        raise FbplanError(
            "this is not a saved plan", where, "it is not JSON", "make one with: fbplan plan --out FILE"
        ) from fault
    if not isinstance(document, dict) or document.get("format") != "fbplan.plan":
        raise FbplanError("this is not a saved plan", where, "", "make one with: fbplan plan --out FILE")
    if document.get("format_version") != FORMAT_VERSION:
        raise FbplanError(
            "the plan was saved by another version of fbplan",
            where,
            f"its format is {document.get('format_version')!r}, this version reads {FORMAT_VERSION}",
            "plan again: fbplan plan --out FILE",
        )
    try:
        plan = _load(document)
    except (KeyError, TypeError, ValueError, AttributeError) as fault:
        raise FbplanError(
            "the saved plan is damaged",
            where,
            f"a part of it is missing or odd ({fault})",
            "plan again: fbplan plan --out FILE",
        ) from fault
    if identified(plan).plan_id != plan.plan_id:
        raise FbplanError(
            "the saved plan was altered",
            where,
            "its content does not match its plan_id",
            "plan again: fbplan plan --out FILE",
        )
    return plan


def _load(document: Mapping[str, Any]) -> Plan:
    values = {f.name: document[f.name] for f in dataclasses.fields(Plan)}
    policy = values["policy"]
    values["changes"] = tuple(_change(c) for c in values["changes"])
    values["steps"] = tuple(
        Step(**{**s, "verb": Verb(s["verb"]), "phase": Phase(s["phase"]), "needs": tuple(s["needs"])})
        for s in values["steps"]
    )
    values["targets"] = tuple(Target(**t) for t in values["targets"])
    values["refusals"] = tuple(Refusal(**r) for r in values["refusals"])
    values["due"] = tuple(Due(**d) for d in values["due"])
    values["waiting"] = tuple(Waiting(**w) for w in values["waiting"])
    values["dropped"] = tuple(Dropped(**d) for d in values["dropped"])
    values["policy"] = None if policy is None else PolicyChange(**{**policy, "lines": tuple(policy["lines"])})
    for name in ("allowances", "warnings", "unverifiable", "broken", "begins"):
        values[name] = tuple(values[name])
    return Plan(**values)


def _change(found: Mapping[str, Any]) -> Change:
    record = found["record"]
    return Change(
        **{
            **found,
            "action": Action(found["action"]),
            "reason": Reason(found["reason"]),
            "fields": tuple(FieldChange(**{**f, "reason": Reason(f["reason"])}) for f in found["fields"]),
            "notes": tuple(found["notes"]),
            "unverifiable": tuple(found["unverifiable"]),
            "record": None if record is None else Record(**record),
        }
    )


def plan_schema() -> str:
    """The JSON Schema of the plan document, derived from these records."""
    from fbplan.plan.schema import schema_text

    return schema_text(Plan, FORMAT_VERSION)
