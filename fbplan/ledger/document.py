"""What fbplan owns: address → remote ids and its own bookkeeping. Never a value, never a secret.

The document is JSON, versioned, checksummed, written whole. Digests are salted per ledger, so that a declared value can
be recognised and not guessed. The ledger in force is this document plus the outcomes of an unfinished journal.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from fbplan.errors import FbplanError, Refused
from fbplan.kinds.base import Json
from fbplan.ledger.anchor import Anchor, anchor_from, anchor_json
from fbplan.ledger.entry import Delta, Entry, KeyGeneration, entry_from, entry_json
from fbplan.ledger.pending import Pending, pending_from, pending_json
from fbplan.storage.base import LEDGER, Storage

__all__ = [
    "Entry",
    "KeyGeneration",
    "Ledger",
    "anchor_receipt",
    "ledger_json",
    "read_ledger",
    "require_workspace",
    "write_ledger",
]

FORMAT = "fbplan.ledger/1"


@dataclass(frozen=True, slots=True)
class Ledger:
    """The owned resources of one spec in one workspace."""

    workspace_id: str | None = None
    serial: int = 0
    salt: str = ""
    entries: Mapping[str, Entry] = field(default_factory=dict)
    policy_generation: int | None = None
    pending: tuple[Pending, ...] = ()
    """Creates whose outcome is not known yet."""
    written_at: int = 0
    """When it was last written, Unix seconds: reads that lag behind writes are waited for only shortly after."""
    drains: Mapping[str, int] = field(default_factory=dict)
    """When each running drain began, in Unix seconds, by what it is about (see `drain/`)."""
    is_kept: bool = True
    """False for `ledger: none`: nothing is remembered, so nothing can be owned."""
    runs: tuple[str, ...] = ()
    """The applies whose outcomes the document was last written with: their journals may be folded into it again."""
    receipt: Anchor | None = None
    """The newest receipt, so that one that goes missing is missed; None in a ledger from before there were anchors."""
    tag: str | None = None
    """What the storage called the document that was read; None when there was none."""

    def owned(self, kind: str) -> list[str]:
        """Owned addresses of one kind."""
        return [a for a in self.entries if a.startswith(kind + ".")]

    def digest(self, name: str, value: Json) -> str:
        """The salted digest under which a declared value is remembered."""
        text = json.dumps([self.salt, name, value], sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]

    def salted(self) -> Ledger:
        """The same ledger with a salt; a new one has none until its first write."""
        return self if self.salt else replace(self, salt=os.urandom(16).hex())

    def changed(self, delta: Delta) -> Ledger:
        """The ledger after one step."""
        entries = {a: e for a, e in self.entries.items() if a not in delta.drop}
        return replace(self, entries={**entries, **delta.put})


def read_ledger(storage: Storage | None) -> Ledger:
    """The ledger as it was last written whole; an empty one when there is none yet. See `journal.in_force`.

    Raises FbplanError for a damaged document and for one written by a newer fbplan; neither is ever overwritten.
    """
    if storage is None:
        return Ledger(is_kept=False)
    blob = storage.read(LEDGER)
    if blob is None:
        return Ledger()
    try:
        document = json.loads(blob.content)
        found = document["format"]
        if not isinstance(found, str) or not found.startswith("fbplan.ledger/"):
            raise KeyError("format")
    except (ValueError, KeyError, TypeError, RecursionError) as fault:
        raise _damaged(storage.label, "it is not a ledger, or only a part of one") from fault
    if found != FORMAT:
        raise FbplanError(
            "the ledger was written by a newer fbplan",
            storage.label,
            f"its format is '{found}', this version reads '{FORMAT}'",
            "use the newer fbplan; the file was not touched",
        )
    if document.get("digest") != _checksum(document):
        raise _damaged(storage.label, "its checksum does not match")
    try:
        return replace(_from_json(document), tag=blob.tag)
    except (KeyError, TypeError, AttributeError, ValueError, OverflowError) as fault:
        raise _damaged(storage.label, f"a field is missing or odd ({fault})") from fault


def _damaged(where: str, why: str) -> FbplanError:
    return FbplanError(
        "the ledger is damaged",
        where,
        why,
        "restore it from git or a backup; or move it away: fbplan then finds live resources by name again and deletes nothing",
    )


def _checksum(document: Mapping[str, Any]) -> str:
    body = {k: v for k, v in document.items() if k != "digest"}
    return hashlib.sha256(json.dumps(body, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def _from_json(document: Mapping[str, Any]) -> Ledger:
    return Ledger(
        workspace_id=document["workspace_id"],
        serial=int(document["serial"]),
        salt=str(document["salt"]),
        entries={address: entry_from(e) for address, e in document["resources"].items()},
        policy_generation=document.get("policy_generation"),
        pending=tuple(pending_from(p) for p in document.get("pending", ())),
        written_at=int(document.get("written_at", 0)),
        runs=tuple(str(run) for run in document.get("runs", ())),
        receipt=anchor_from(document.get("receipt")),
        drains={str(item): int(since) for item, since in document.get("drains", {}).items()},
    )


def ledger_json(ledger: Ledger) -> dict[str, Any]:
    """The document as it stands in the storage, checksum included."""
    document: dict[str, Any] = {
        "format": FORMAT,
        "workspace_id": ledger.workspace_id,
        "serial": ledger.serial,
        "salt": ledger.salt,
        "policy_generation": ledger.policy_generation,
        "written_at": ledger.written_at,
        "resources": {address: entry_json(ledger.entries[address]) for address in sorted(ledger.entries)},
    }
    if ledger.runs:
        document["runs"] = list(ledger.runs)
    if ledger.receipt is not None:
        document["receipt"] = anchor_json(ledger.receipt)
    if ledger.drains:
        document["drains"] = {item: ledger.drains[item] for item in sorted(ledger.drains)}
    if ledger.pending:
        document["pending"] = [pending_json(p) for p in ledger.pending]
    return {**document, "digest": _checksum(document)}


def write_ledger(ledger: Ledger, storage: Storage | None, now: int = 0, runs: tuple[str, ...] = ()) -> Ledger:
    """Write the ledger whole, if nobody else has since it was read. Returns it as written. Raises Conflict.

    `runs` are the applies whose outcomes are in it, and whose journals go next.
    """
    if storage is None or not ledger.is_kept:
        return ledger
    return _written(replace(ledger.salted(), serial=ledger.serial + 1, written_at=now, runs=runs), storage)


def anchor_receipt(ledger: Ledger, storage: Storage, anchor: Anchor) -> Ledger:
    """Write a ledger that was just written once more, with the newest receipt in it. Raises Conflict.

    It owns the same and remembers the same as before: its serial and its time stay.
    """
    return _written(replace(ledger, receipt=anchor), storage)


def _written(ledger: Ledger, storage: Storage) -> Ledger:
    content = json.dumps(ledger_json(ledger), indent=1).encode() + b"\n"
    return replace(ledger, tag=storage.write(LEDGER, content, ledger.tag))


def require_workspace(ledger: Ledger, workspace_id: str, name: str) -> None:
    """The ledger pins its workspace: applying it to another one would delete by mistake."""
    if ledger.workspace_id is not None and ledger.workspace_id != workspace_id:
        raise Refused(
            f"the ledger belongs to another workspace than '{name}'",
            "",
            "the ids in it would not mean what they say",
            "use the ledger of this workspace, or name another `ledger:`; no flag opens this",
        )
