"""The records of a plan: changes, steps, what is refused, what is due, and the plan as a whole. Frozen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from fbplan.kinds.base import Json


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
    VANISHED = "no longer there"
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
