"""The plan as data: what a reader reviews (changes), what will be called (steps), and what must still hold.

Frozen, versioned, and the same document whether it is shown live, saved, or read back in CI. It holds addresses and
references to secrets; it never holds remote ids or secret values.
"""

from __future__ import annotations

import dataclasses
import functools
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from fbplan.errors import FbplanError
from fbplan.kinds.base import Json
from fbplan.state import canonical_digest

FORMAT_VERSION = 2


class Action(StrEnum):
    """What happens to one resource. The order is the order of risk, highest first."""

    DELETE = "delete"
    REPLACE = "replace"
    UPDATE = "update"
    ROTATE = "rotate"
    CREATE = "create"
    ADOPT = "adopt"
    FORGET = "forget"


class Reason(StrEnum):
    """Why a change is there."""

    SPEC = "spec"  # the spec says something new
    DRIFT = "drift"  # the live object was changed by hand
    ADOPTION = "adoption"  # a live object is taken over
    GONE = "gone from the spec"
    LISTED = "listed in the spec"
    VANISHED = "deleted by hand"
    ORPHAN = "left behind by a lost answer"
    REPLACED = "set aside by a replace"


class Verb(StrEnum):
    """What one step does."""

    CREATE = "create"
    UPDATE = "update"
    ISSUE = "issue"
    DELETE = "delete"


class Phase(StrEnum):
    """expand → publish → (drain) → contract."""

    EXPAND = "expand"
    CONTRACT = "contract"


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One field that will differ; `path` is its place in the spec, such as `buckets.app-logs-gcp.master`."""

    path: str
    before: Json
    after: Json
    reason: Reason = Reason.SPEC
    is_immutable: bool = False


@dataclass(frozen=True, slots=True)
class Record:
    """What the ledger will hold once the change is done."""

    name: str
    fields: Mapping[str, Json] = field(default_factory=dict)
    protect: bool = False
    version: int | None = None
    drain: int = 0


@dataclass(frozen=True, slots=True)
class Change:
    """What happens to one resource, and what a reader should know about it."""

    address: str
    action: Action
    reason: Reason
    why: str = ""
    fields: tuple[FieldChange, ...] = ()
    notes: tuple[str, ...] = ()
    unverifiable: tuple[str, ...] = ()
    is_adopted: bool = False
    former: str | None = None
    record: Record | None = None
    is_due: bool = False
    """Whether all of it was reviewed when its drain began; it is shown apart, and no guard counts it again."""


@dataclass(frozen=True, slots=True)
class Step:
    """One API call, or one issue of a key (call, then sink)."""

    id: str
    address: str
    verb: Verb
    phase: Phase
    needs: tuple[str, ...] = ()
    sets: Mapping[str, Json] = field(default_factory=dict)
    secrets: Mapping[str, Json] = field(default_factory=dict)
    sink: Json = None
    generation: int = 1
    target: str = ""
    """`old` when the step is about the object that a replace or rotation leaves behind; else the current one."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """What a guard refuses, and the exact way to allow it (empty: nothing allows it)."""

    guard: str
    address: str
    what: str
    why: str
    fix: str
    allow: str = ""


@dataclass(frozen=True, slots=True)
class Target:
    """How an apply without the spec finds the live object of an address again."""

    address: str
    kind: str
    name: str
    parent: str | None = None
    former: str | None = None


@dataclass(frozen=True, slots=True)
class PolicyChange:
    """What happens to the routing policy file."""

    path: str
    publishes: bool
    why: str = ""
    content_digest: str = ""
    spec_digest: str = ""
    content: Json = None
    lines: tuple[str, ...] = ()
    replaces: str = ""
    """The digest of the published file that was looked at; `none`, or `unusable`."""


@dataclass(frozen=True, slots=True)
class Due:
    """A removal whose drain is over: this plan carries it out, in `step`. Times are RFC 3339 in UTC."""

    item: str
    address: str
    what: str
    why: str
    since: str
    due_at: str
    step: str


@dataclass(frozen=True, slots=True)
class Waiting:
    """A removal that a later apply carries out: it is no part of what this plan does, nor of its id."""

    item: str
    address: str
    what: str
    why: str
    since: str
    due_at: str
    remaining: int
    """Seconds from the making of the plan to `due_at`; never negative."""


@dataclass(frozen=True, slots=True)
class Dropped:
    """A drain that the ledger forgets with this apply, because what should have gone stays or is gone already."""

    item: str
    why: str


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything an apply needs to know, and everything a reviewer should."""

    workspace: str
    workspace_id_digest: str
    spec_path: str
    folder: str
    ledger: str
    spec_digest: str
    changes: tuple[Change, ...]
    steps: tuple[Step, ...]
    targets: tuple[Target, ...]
    preconditions: Mapping[str, str]
    policy: PolicyChange | None
    refusals: tuple[Refusal, ...] = ()
    allowances: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    unverifiable: tuple[str, ...] = ()
    broken: tuple[str, ...] = ()
    unmanaged: Mapping[str, int] = field(default_factory=dict)
    unchanged: int = 0
    places: Mapping[str, str] = field(default_factory=dict)
    """file:line:column of what is risky or refused."""
    activity: Mapping[str, int] = field(default_factory=dict)
    """Bytes written in the last 30 days to what would be deleted, where statistics tell."""
    due: tuple[Due, ...] = ()
    due_id: str = ""
    """The identity of `due` alone; empty when nothing is due."""
    waiting: tuple[Waiting, ...] = ()
    begins: tuple[str, ...] = ()
    """Items whose drain begins once this plan has published its policy."""
    dropped: tuple[Dropped, ...] = ()
    plan_id: str = ""

    @property
    def has_changes(self) -> bool:
        """Whether there is anything to do now; what waits is not."""
        return bool(self.changes or self.dropped) or (self.policy is not None and self.policy.publishes)

    def count(self, action: Action) -> int:
        return sum(change.action is action for change in self.changes)

    @property
    def summary(self) -> dict[str, int]:
        """How many of each action, in the order of risk; actions that do not occur are left out."""
        return {action.value: n for action in Action if (n := self.count(action))}


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
    from fbplan.plan_schema import schema_text

    return schema_text(Plan, FORMAT_VERSION)
