"""The write-ahead record of one apply: what is about to be sent, and what became of it.

    begun                    who, which plan
    seen                     what was there before
    intent                   one step, before its first call: durable before anything is sent
    issued                   the id of a new API key, before its secret goes to the sink
    left                     a lost create that may still come, before the step sends another
    outcome                  what became of a step, and how that changes the ledger
    published                the generation of the routing policy, before it is published
    drains over              taken back, before the first step; or over with the step that ended them, after it
    drains begun             after the policy is published, and before anything is removed

One line a record: CRC-32 of the text, a space, JSON with the number of the line. A last line without its end is what
a crash leaves and is passed over; any other line that cannot be read is reported. It never holds a secret.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from pydantic_core import PydanticSerializationError, to_json

from fbplan.ledger.entry import Delta, delta_from, delta_json
from fbplan.ledger.pending import Pending, pending_from, pending_json

FORMAT = "fbplan.journal/1"


@dataclass(frozen=True, slots=True)
class Begun:
    """The first record: which apply this is. `serial` is that of the ledger it began from; from `command` on it is what
    a receipt says of it, should it be killed before it writes its own."""

    run: str
    at: str
    who: str
    host: str
    process: int
    plan_id: str
    steps: int
    workspace_id: str
    serial: int
    salt: str
    command: str = ""
    run_url: str = ""
    workspace: str = ""
    spec: str = ""
    spec_digest: str = ""
    commit: str = ""
    is_dirty: bool = False
    allowances: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Seen:
    """What was there before: the ids of one kind, in one parent, that the apply began with. Written once for each."""

    kind: str
    parent_id: str | None
    ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Intent:
    """One step that is about to be sent. `pending` is what settles it, for a create or an issue; its `before` is in the
    `Seen` record, once for all."""

    step: str
    address: str
    verb: str
    was: str | None = None
    """The id that the ledger held for the address."""
    pending: Pending | None = None


@dataclass(frozen=True, slots=True)
class Issued:
    """A new API key as the API answered it, before its secret is anywhere else."""

    step: str
    id: str
    key_id: str


@dataclass(frozen=True, slots=True)
class Left:
    """A create that got no answer and left no trace, before the same step sent another: it may still come."""

    pending: Pending


@dataclass(frozen=True, slots=True)
class Ended:
    """What became of a step. `is_settled` is false where nobody knows yet whether it happened."""

    step: str
    result: str
    is_settled: bool = True
    delta: Delta | None = None
    """How the ledger changes; for a create its intent says it already, and only the ids are new."""
    id: str = ""
    key_id: str = ""


@dataclass(frozen=True, slots=True)
class PolicyPublished:
    """The routing policy that this apply is about to publish: its generation is taken, even if that fails."""

    generation: int


@dataclass(frozen=True, slots=True)
class DrainsOver:
    """Drains that mean nothing any more. Whatever they are about waits in full, should it ever begin anew."""

    items: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DrainsBegun:
    """What nothing published routes to any more, and since when, in Unix seconds."""

    items: tuple[str, ...]
    at: int


Record = Begun | Seen | Intent | Issued | Left | Ended | PolicyPublished | DrainsOver | DrainsBegun


_KINDS: Mapping[str, type[Any]] = {
    "begun": Begun,
    "seen": Seen,
    "intent": Intent,
    "issued": Issued,
    "left": Left,
    "outcome": Ended,
    "published": PolicyPublished,
    "drains over": DrainsOver,
    "drains begun": DrainsBegun,
}
_WORDS = {kind: word for word, kind in _KINDS.items()}


def line_of(record: Record, number: int) -> bytes:
    """A record as it stands in the log."""
    body = {f: getattr(record, f) for f in record.__slots__}
    if isinstance(record, Intent | Left):
        body["pending"] = None if record.pending is None else pending_json(record.pending)
    elif isinstance(record, Ended):
        body["delta"] = None if record.delta is None else delta_json(record.delta)
    elif isinstance(record, Begun):
        body = {"format": FORMAT, **asdict(record)}
    body = {"n": number, "record": _WORDS[type(record)], **body}
    try:
        text = to_json(body)  # ten times faster than json
    except PydanticSerializationError:  # half a letter in what the API wrote
        text = json.dumps(body).encode("ascii")
    return b"%08x %s\n" % (zlib.crc32(text), text)


class Foreign(Exception):
    """A line is whole, and this version does not know what stands there."""


def record_from(line: bytes, number: int | None) -> Record:
    """The record of a line; `number` is its place, None when that is not to be checked.

    Raises ValueError for a line that is not as it was written, Foreign for one that another version wrote.
    """
    checksum, _, text = line.partition(b" ")
    if checksum != b"%08x" % zlib.crc32(text):
        raise ValueError("its checksum does not match")
    try:
        body = json.loads(text)
        place = body.pop("n")
        if number is None or place == number:
            return _record(body)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as fault:
        raise Foreign("it holds a record that this version does not know") from fault
    raise ValueError(f"it was written as line {place}: lines are missing, or twice there")


def _record(body: dict[str, Any]) -> Record:
    kind = _KINDS[body.pop("record")]
    if kind is Begun and body.pop("format") != FORMAT:
        raise ValueError("another format")
    for name in {"ids", "items", "allowances"} & body.keys():
        body[name] = tuple(body[name])
    if body.get("pending") is not None:
        body["pending"] = pending_from(body["pending"])
    if body.get("delta") is not None:
        body["delta"] = delta_from(body["delta"])
    found: Record = kind(**body)
    return found
