"""One receipt: what an apply did, as a line of JSON. No remote ids, no values, no secrets."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass, fields
from typing import Any

from fbplan.errors import ExitCode
from fbplan.outcome import Report, Result
from fbplan.plan import Action, Plan

FORMAT = "fbplan.receipt/1"
_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_NOTED = {Action.ADOPT: "adopt", Action.FORGET: "forget"}
_DONE = Result.DONE.value
_LONGEST = 300
_MOST = 2**53


@dataclass(frozen=True, slots=True)
class Act:
    """What became of one step; or, without a step, what was done without a call."""

    step: str
    address: str
    verb: str
    result: str
    told: str = ""


@dataclass(frozen=True, slots=True)
class Receipt:
    """One apply. `number` and `previous` are given when it is added."""

    at: str
    """RFC 3339, UTC: when it ended; of one that was killed, when it began."""
    who: str
    host: str
    command: str
    workspace: str
    spec: str
    spec_digest: str
    plan_id: str
    exit_code: int
    exit_name: str
    seconds: float
    commit: str = ""
    is_dirty: bool = False
    run_url: str = ""
    lease: str = ""
    allowances: tuple[str, ...] = ()
    policy_generation: int | None = None
    actions: tuple[Act, ...] = ()
    number: int = 0
    previous: str = ""


def actions_of(report: Report) -> tuple[Act, ...]:
    """Every outcome without remote ids."""
    ids = {i: address for address, entry in report.ledger.entries.items() for i in entry.ids if len(i) > 3}

    def plain(text: str) -> str:
        for remote, address in ids.items():
            if remote in text:
                text = text.replace(remote, address)
        return _UUID.sub("(id)", text)[:_LONGEST]

    return tuple(Act(o.step, o.address, str(o.verb), o.result.value, plain(o.told)) for o in report.outcomes)


def quiet_acts(plan: Plan, report: Report) -> tuple[Act, ...]:
    """What was done without a call: in the ledger alone, and drains, which begin by publishing."""
    stepped = {step.address for step in plan.steps}
    noted = () if report.unrecorded is not None else plan.changes
    return (
        *(
            Act("", c.address, _NOTED.get(c.action, "record"), _DONE)
            for c in noted
            if c.address not in stepped and c.action is not Action.DELETE  # a delete without a step begins its drain
        ),
        *(Act("", item, "drain", _DONE, "began") for item in plan.begins if item in report.ledger.drains),
        *(Act("", dropped.item, "drain", "dropped", dropped.why) for dropped in plan.dropped),
    )


def receipt_of(
    plan: Plan, report: Report | None, code: ExitCode, *, at: str, seconds: float, command: str, **origin: Any
) -> Receipt:
    """The receipt of an apply; without a report nothing was done. `origin`: who, host, commit, is_dirty, run_url, lease."""
    return Receipt(
        at=at,
        command=command,
        workspace=plan.workspace,
        spec=plan.spec_path,
        spec_digest=plan.spec_digest,
        plan_id=plan.plan_id,
        exit_code=int(code),
        exit_name=code.label,
        seconds=round(seconds, 1),
        allowances=plan.allowances,
        policy_generation=report.ledger.policy_generation if report is not None else None,
        actions=(*actions_of(report), *quiet_acts(plan, report)) if report is not None else (),
        **origin,
    )


def encoded(receipt: Receipt) -> bytes:
    """One line, without its end."""
    document = {"format": FORMAT, **receipt_json(receipt)}
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def receipt_json(receipt: Receipt) -> dict[str, Any]:
    """The receipt as JSON shows it, its place in the chain first."""
    body = asdict(receipt)
    return {"number": body.pop("number"), "previous": body.pop("previous"), **body}


def parsed(line: bytes) -> Receipt | None:
    """A receipt of this format; None when the line is none. Fields that this version does not know are passed over."""
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(found, dict) or found.get("format") != FORMAT:
        return None
    known = {f.name: f.type for f in fields(Receipt)}
    kept = {name: value for name, value in found.items() if name in known}
    acts, allowances = kept.pop("actions", []), kept.pop("allowances", [])
    if not all(_fits(value, str(known[name])) for name, value in kept.items()):
        return None
    if not isinstance(acts, list) or not all(isinstance(act, dict) for act in acts) or not isinstance(allowances, list):
        return None
    told = tuple(Act(**{f.name: str(act.get(f.name, "")) for f in fields(Act)}) for act in acts)
    try:
        return Receipt(**kept, actions=told, allowances=tuple(map(str, allowances)))
    except TypeError:  # a field is missing
        return None


def _fits(value: object, declared: str) -> bool:
    """Whether a value of the file is of the type that the field declares, and a number that can be counted on."""
    match declared:
        case "str":
            return isinstance(value, str)
        case "bool":
            return isinstance(value, bool)
        case "int | None" if value is None:
            return True
        case "float":
            return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < _MOST
        case _:
            return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < _MOST
