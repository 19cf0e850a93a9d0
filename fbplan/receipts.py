"""What each apply did, one JSON line an apply, beside the ledger. Each line holds the hash of the line before.

No remote ids, no values, no secrets. The chain shows that a line was changed, taken out or put in between; it cannot
show that lines at the end are missing.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from fbplan.errors import ExitCode
from fbplan.outcome import Report
from fbplan.plan import Plan
from fbplan.storage import Storage
from fbplan.storage.base import RECEIPTS

FORMAT = "fbplan.receipt/1"
_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_NAMED = re.compile(rb'\{"format":"(fbplan\.receipt/[\w.+-]{1,40})"')
_HEAD = f'{{"format":"{FORMAT}"'.encode()
_LONGEST = 300
_LONGEST_WORD = len("false")
_MOST = 2**53


@dataclass(frozen=True, slots=True)
class Act:
    """What became of one step."""

    step: str
    address: str
    verb: str
    result: str
    told: str = ""


@dataclass(frozen=True, slots=True)
class Receipt:
    """One apply. `number` and `previous` are given when it is added."""

    at: str
    """RFC 3339, UTC: when it ended."""
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


@dataclass(frozen=True, slots=True)
class History:
    """The receipts that can be read, oldest first, and what is wrong with the file."""

    receipts: tuple[Receipt, ...] = ()
    torn: tuple[str, ...] = ()
    """Lines that a crash cut short: nothing was tampered with."""
    broken: tuple[str, ...] = ()
    """Where the chain does not hold, or a line is no receipt."""
    newer: tuple[str, ...] = ()
    """Lines of another version of fbplan: in the chain they count, and what they say is not shown."""

    @property
    def is_vouched_for(self) -> bool:
        """Whether every line was read, or cut short by a crash, and the chain holds."""
        return not self.broken and not self.newer


def actions_of(report: Report) -> tuple[Act, ...]:
    """Every outcome without remote ids."""
    ids = {i: address for address, entry in report.ledger.entries.items() for i in entry.ids if len(i) > 3}

    def plain(text: str) -> str:
        for remote, address in ids.items():
            if remote in text:
                text = text.replace(remote, address)
        return _UUID.sub("(id)", text)[:_LONGEST]

    return tuple(Act(o.step, o.address, str(o.verb), o.result.value, plain(o.told)) for o in report.outcomes)


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
        actions=actions_of(report) if report is not None else (),
        **origin,
    )


def append_receipt(storage: Storage, receipt: Receipt) -> None:
    """Add a receipt, durably. Raises FbplanError; what the apply did is done all the same."""

    def make(before: bytes) -> bytes:
        if not before:
            return encoded(replace(receipt, number=1, previous=""))
        last = _parsed(before)
        # a line that was cut short counts, too
        number = last.number if last is not None else len(_lines(storage.read_log(RECEIPTS)))
        return encoded(replace(receipt, number=number + 1, previous=_digest(before)))

    storage.add_record(RECEIPTS, make)


def read_history(storage: Storage) -> History:
    """Every receipt, and whether the chain holds. Raises FbplanError when they cannot be read."""
    found: list[Receipt] = []
    torn, broken, newer = [], [], []
    before, number = b"", 0
    for line_number, line in enumerate(_lines(storage.read_log(RECEIPTS)), 1):
        receipt, where = _parsed(line), f"line {line_number}"
        if receipt is None:
            number += 1
            if (named := _format_of(line)) not in {None, FORMAT}:
                newer.append(f"{where} was written by another version of fbplan: its format is '{named}'")
            elif _is_cut(line):
                torn.append(f"{where} was cut short: the apply that wrote it was killed, or its machine")
            else:
                broken.append(f"{where} is no receipt: it was changed or put in")
            before = line
            continue
        if receipt.previous != (_digest(before) if before else ""):
            broken.append(
                f"{where} (receipt {receipt.number}) does not hold the hash of the line before: one was changed, put in or taken out"
            )
        elif receipt.number != number + 1:
            broken.append(f"{where} is receipt {receipt.number}, and {number + 1} was expected")
        found.append(receipt)
        before, number = line, receipt.number
    return History(tuple(found), tuple(torn), tuple(broken), tuple(newer))


def encoded(receipt: Receipt) -> bytes:
    """One line, without its end."""
    document = {"format": FORMAT, **receipt_json(receipt)}
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def receipt_json(receipt: Receipt) -> dict[str, Any]:
    """The receipt as JSON shows it, its place in the chain first."""
    body = asdict(receipt)
    return {"number": body.pop("number"), "previous": body.pop("previous"), **body}


def _lines(content: bytes) -> list[bytes]:
    return [line for line in content.split(b"\n") if line]


def _digest(line: bytes) -> str:
    return f"sha256:{hashlib.sha256(line).hexdigest()}"


def _format_of(line: bytes) -> str | None:
    """The format that a line names, whatever else stands in it."""
    found = _NAMED.match(line)
    return found[1].decode() if found is not None else None


def _is_cut(line: bytes) -> bool:
    """Whether a line is the beginning of a receipt, or the zeros that a power cut leaves; the next receipt ends it."""
    if not line.strip(b"\0"):
        return True
    if not (line.startswith(_HEAD) or _HEAD.startswith(line)):
        return False
    try:
        json.loads(line.decode("utf-8", "ignore"))  # a letter may be cut, too
    except json.JSONDecodeError as fault:
        # what was cut ends inside of a text, or where something else had to follow
        return fault.msg.startswith("Unterminated string") or fault.pos >= len(fault.doc) - _LONGEST_WORD
    except (ValueError, RecursionError):
        return False
    return False


def _parsed(line: bytes) -> Receipt | None:
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
