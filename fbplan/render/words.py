"""The words and numbers that every format shares."""

from __future__ import annotations

import shlex
from collections.abc import Mapping

from fbplan.commands import given
from fbplan.kinds.base import Json, split_address
from fbplan.plan import Action, Change, Dropped, Due, FieldChange, Plan, Reason, Waiting

TITLES: Mapping[Action, str] = {
    Action.DELETE: "delete",
    Action.REPLACE: "replace",
    Action.UPDATE: "update",
    Action.ROTATE: "rotate",
    Action.CREATE: "create",
    Action.ADOPT: "adopt",
    Action.FORGET: "forget",
}
SIGNS: Mapping[Action, str] = {
    Action.DELETE: "-",
    Action.REPLACE: "±",
    Action.UPDATE: "~",
    Action.ROTATE: "↻",
    Action.CREATE: "+",
    Action.ADOPT: "=",
    Action.FORGET: "x",
}
REASONS: Mapping[Reason, str] = {
    Reason.SPEC: "",
    Reason.DRIFT: "changed by hand",
    Reason.ADOPTION: "live, not owned yet",
    Reason.GONE: "gone from the spec",
    Reason.LISTED: "listed in the spec",
    Reason.VANISHED: "no longer there",
    Reason.ORPHAN: "left behind by a lost answer",
    Reason.REPLACED: "set aside by a replace",
}


def counted(number: int, noun: str) -> str:
    """`1 bucket`, `2 buckets`, `3 repositories`."""
    plural = f"{noun[:-1]}ies" if noun.endswith("y") and not noun.endswith("ey") else f"{noun}s"
    return f"{number:,} {noun if number == 1 else plural}"


def totals(plan: Plan) -> str:
    """`1 to delete, 2 to create`; what the plan does, in the order of risk."""
    parts = [f"{number:,} to {name}" for name, number in plan.summary.items()]
    if plan.begins:
        parts.append(f"{counted(len(plan.begins), 'drain')} to begin")
    if plan.policy is not None and plan.policy.publishes:
        parts.append("policy to publish")
    if plan.dropped:
        parts.append(f"{counted(len(plan.dropped), 'drain')} to drop")
    return ", ".join(parts) or "no changes"


def unmanaged(plan: Plan) -> str:
    """`2 buckets, 1 repository`; empty when there is nothing foreign."""
    return ", ".join(
        counted(number, name.replace("api_key", "API key")) for name, number in plan.unmanaged.items() if number
    )


def size(count: int) -> str:
    """Bytes in decimal units, as providers bill them."""
    value = float(count)
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if value < 1000 or unit == "TB":
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1000
    return f"{count} B"


def value(found: Json) -> str:
    """A field's value on one line: references by name, nothing quoted that needs no quotes."""
    match found:
        case None:
            return "none"
        case bool():
            return "true" if found else "false"
        case str():
            return _text(found)
        case dict():
            return (
                ", ".join(f"{k} {value(v)}" for k, v in found.items() if v not in (None, False, "")) or "whole bucket"
            )
        case list():
            return ", ".join(_item(item) for item in found) or "none"
        case _:
            return str(found)


def _text(found: str) -> str:
    kind, names = split_address(found)
    plain = names[-1] if kind in {"bucket", "credential", "repository"} else found
    return plain if plain and plain.isprintable() else repr(plain)


def _item(found: Json) -> str:
    if isinstance(found, dict) and "bucket" in found:
        rest = value({k: v for k, v in found.items() if k != "bucket"})
        return value(found["bucket"]) + (f" ({rest})" if rest != "whole bucket" else "")
    return value(found)


def one_line(change: Change) -> str:
    """The values of a create or adoption, together."""
    return " · ".join(value(f.after) for f in change.fields if f.after not in (None, []))


def why(change: Change) -> str:
    """Why a change is there, in a few words; empty when the spec simply says so."""
    parts = [REASONS[change.reason], change.why]
    if change.former is not None:
        parts.append(f"was {change.former}")
    if change.is_adopted and change.reason is not Reason.ADOPTION:
        parts.append(REASONS[Reason.ADOPTION])
    return ", ".join(part for part in parts if part)


def field_line(change: FieldChange, whole: Change) -> tuple[str, str]:
    """(what, how) of one changed field."""
    extra = []
    if change.is_immutable and whole.action is Action.REPLACE:
        extra.append("cannot change in place")
    if change.reason is Reason.DRIFT and whole.reason is not Reason.DRIFT:
        extra.append("changed by hand")
    if change.path == "version":
        extra.append("key and secret are sent again")
    if change.path in {"protect", "sink", "routing.drain"}:
        extra.append("ledger only")
    note = f"  ({', '.join(extra)})" if extra else ""
    if change.path.startswith("buckets."):
        if change.before is None:
            return change.path, f"attach  {value(change.after)}{note}"
        if change.after is None:
            return change.path, f"detach  {value(change.before)}{note}"
    absent = "its own key and secret" if change.path == "credential" else "none"
    shown = [absent if v is None else value(v) for v in (change.before, change.after)]
    return change.path, f"{shown[0]} → {shown[1]}{note}"


def _shown(text: str) -> str:
    return text if text.isprintable() else repr(text)


def due_line(found: Due) -> str:
    """What is done now because its time has come."""
    return f"{_shown(found.what)}, {found.why}"


def waiting_line(found: Waiting) -> str:
    """What a later apply does, and when."""
    when = f"due {found.due_at}, in {duration(found.remaining)}" if found.remaining else f"due since {found.due_at}"
    return f"{_shown(found.what)}, {when} · {found.why}"


def duration(seconds: int) -> str:
    """`2d 4h`, `23h 59m`, `40s`: at most two units, rounded up, so that nothing is said to be over before it is."""
    for least, unit, length, small, part in ((172_800, "d", 86_400, "h", 3600), (3600, "h", 3600, "m", 60)):
        if seconds >= least:
            whole, rest = divmod(-(-seconds // part), length // part)
            return f"{whole}{unit} {rest}{small}" if rest else f"{whole}{unit}"
    return f"{-(-seconds // 60)}m" if seconds > 60 else f"{seconds}s"


def dropped_line(found: Dropped) -> str:
    """Which drain ends without a removal."""
    return f"{_shown(found.item)}: {found.why}; its drain is dropped"


def next_command(plan: Plan, saved: str | None = None) -> str:
    """What to type next."""
    spec = given(plan.spec_path)
    if plan.refusals:
        flags = " ".join(f"--allow {r.allow}" for r in plan.refusals if r.allow)
        stuck = [r for r in plan.refusals if not r.allow]
        if stuck:
            return f"correct what is refused, then: fbplan plan{spec}"
        return f"fbplan plan{spec} {flags}"
    if not plan.has_changes:
        return ""
    if saved is not None:
        return f"fbplan apply {shlex.quote(saved)}"
    flags = "".join(f" --allow {a}" for a in plan.allowances)
    return f"fbplan apply{spec}{flags}"
