"""What an apply that did not end left behind, folded into the ledger. Pure but for the reading of the storage.

ledger as written + outcomes of each unfinished journal = the ledger in force
an intent of a create without an outcome               = pending: `settle` looks for its object
any other intent without an outcome                    = nothing to do: the next plan compares the object anyway
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace

from fbplan.errors import FbplanError
from fbplan.journal.reading import Unfinished, journal_names, unfinished
from fbplan.journal.records import (
    Begun,
    DrainsBegun,
    DrainsOver,
    Ended,
    Intent,
    Issued,
    Left,
    PolicyPublished,
    Seen,
)
from fbplan.kinds.base import split_address
from fbplan.ledger import Ledger, read_ledger
from fbplan.ledger.entry import Delta, Entry
from fbplan.ledger.pending import Pending
from fbplan.storage.base import Storage

_LOOKS = 5


@dataclass(frozen=True, slots=True)
class InForce:
    """The ledger in force, and the journals that it was folded from: to be removed once it is written."""

    ledger: Ledger
    journals: tuple[Unfinished, ...] = ()

    @property
    def deletes(self) -> tuple[tuple[str, str], ...]:
        """(address, remote id) of every delete that was on the way."""
        open_now: dict[str, Intent] = {}
        for record in (r for journal in self.journals for r in journal.records):
            if isinstance(record, Intent) and record.verb == "delete":
                open_now[record.step] = record
            elif isinstance(record, Ended) and record.is_settled:
                open_now.pop(record.step, None)
        return tuple((intent.address, intent.was) for intent in open_now.values() if intent.was is not None)

    @property
    def story(self) -> str:
        """What was found of earlier applies, in a sentence or two; empty when there is nothing to tell."""
        return " ".join(_told(journal) for journal in self.journals)


def in_force(storage: Storage | None) -> InForce:
    """The ledger as every command reads it. Raises FbplanError for a damaged ledger or journal."""
    ledger, journals = _read(storage)
    written = ledger
    for journal in journals:
        _require_its_ledger(journal, written, storage)
        ledger = folded(ledger, journal)
    return InForce(ledger, journals)


def _read(storage: Storage | None) -> tuple[Ledger, tuple[Unfinished, ...]]:
    """The journals first: an apply that ends meanwhile writes its ledger before it removes its journal, and folding that
    journal into it once more changes nothing. One that went while it was read is read again, from the ledger now."""
    for _ in range(_LOOKS):
        there = journal_names(storage)
        try:
            journals, ledger = unfinished(storage, there), read_ledger(storage)
        except FbplanError:
            if _are_there(there, storage):
                raise
        else:
            if _are_there(there, storage):
                return ledger, journals
    raise FbplanError(
        "applies end faster than their journals can be read",
        storage.label if storage is not None else "",
        "",
        "run the same command again once they are through",
    )


def _are_there(names: tuple[str, ...], storage: Storage | None) -> bool:
    return not names or set(names) <= set(journal_names(storage))


def _require_its_ledger(journal: Unfinished, ledger: Ledger, storage: Storage | None) -> None:
    """A journal is folded into the ledger that it began from, or one that it is in already; not into a later one."""
    begun = journal.begun
    if begun is not None and storage is not None and ledger.serial > begun.serial and begun.run not in ledger.runs:
        raise FbplanError(
            "a journal here is older than the ledger",
            f"{storage.label} ({journal.name})",
            f"the ledger was written {_times(ledger.serial - begun.serial)} since that apply began, and what it did may have been undone meanwhile",
            f"if another machine went on with this ledger, move the journal aside: {storage.aside(journal.name)} && fbplan plan{storage.given}"
            " (it finds by name what was made)",
        )


def _times(number: int) -> str:
    return "once" if number == 1 else f"{number:,} times"


def folded(ledger: Ledger, journal: Unfinished) -> Ledger:
    """The ledger after what a journal tells. Folding it twice changes nothing more."""
    begun = journal.begun
    if begun is not None:
        ledger = replace(ledger, workspace_id=ledger.workspace_id or begun.workspace_id, salt=ledger.salt or begun.salt)
    open_intents: dict[str, Intent] = {}
    open_keys: dict[str, Issued] = {}
    seen: dict[tuple[str, str | None], tuple[str, ...]] = {}
    entries, pending, generation = dict(ledger.entries), list(ledger.pending), ledger.policy_generation
    drains = dict(ledger.drains)
    for record in journal.records:
        match record:
            case Seen():
                seen[record.kind, record.parent_id] = record.ids
            case Intent():
                open_intents[record.step] = record
            case Issued():
                open_keys[record.step] = record
            case Ended():
                intent = open_intents.get(record.step)
                if record.is_settled:
                    open_intents.pop(record.step, None)
                pending += _change(entries, _delta(record, intent), intent)
            case Left():
                pending += [record.pending] if record.pending not in pending else []
            case PolicyPublished():
                generation = max(generation or 0, record.generation)
            case DrainsOver():
                for item in record.items:
                    drains.pop(item, None)
            case DrainsBegun():
                drains |= dict.fromkeys(record.items, record.at)
            case Begun():
                pass
    for step, intent in open_intents.items():
        if intent.pending is not None:
            key, place = open_keys.get(step), (split_address(intent.address)[0], intent.pending.parent_id)
            found = replace(intent.pending, before=seen.get(place, ()))
            if key is not None:
                found = replace(found, issued=key.id, key_id=key.key_id)
            if found not in pending and not _is_known(entries, found):
                pending.append(found)
    return replace(ledger, entries=entries, pending=tuple(pending), policy_generation=generation, drains=drains)


def _delta(record: Ended, intent: Intent | None) -> Delta:
    """What an outcome changes: written out, or in its intent but for the ids."""
    if record.delta is not None:
        return record.delta
    then = intent.pending.then if record.id and intent is not None and intent.pending is not None else Delta()
    return then.identified(record.id, record.key_id)


def _change(entries: dict[str, Entry], delta: Delta, intent: Intent | None) -> Iterator[Pending]:
    """Apply a delta. Where the ledger has moved on since, a rival's word about the address is the newer one; what this
    step made is then nobody's, and pending."""
    address = intent.address if intent is not None else ""
    held, new = entries.get(address), delta.put.get(address)
    has_moved = intent is not None and held is not None and held.id not in {intent.was, new.id if new else None}
    for gone in delta.drop:
        if not (has_moved and gone == address):
            entries.pop(gone, None)
    for name, entry in delta.put.items():
        if not (has_moved and name == address):
            entries[name] = entry
        elif intent is not None and intent.pending is not None:
            yield replace(intent.pending, issued=entry.id, key_id=entry.keys[-1].key_id if entry.keys else "")


def _is_known(entries: dict[str, Entry], pending: Pending) -> bool:
    held = entries.get(pending.address)
    return held is not None and pending.issued is not None and pending.issued in held.ids


def _told(journal: Unfinished) -> str:
    begun = journal.begun
    ended = {r.step for r in journal.records if isinstance(r, Ended) and r.is_settled}
    results = Counter(r.result for r in journal.records if isinstance(r, Ended) and r.is_settled)
    lost = [r for r in journal.records if isinstance(r, Intent) and r.step not in ended]
    head = (
        f"an apply by {begun.who} on {begun.host}, begun {begun.at}, did not end" if begun else "an apply did not end"
    )
    parts = list(_parts(results, begun.steps if begun else 0, lost))
    return f"{head}: {', '.join(parts)}." if parts else f"{head}; it had sent nothing."


def _parts(results: Counter[str], steps: int, lost: list[Intent]) -> Iterator[str]:
    if results or lost:
        yield f"of {steps:,} steps {results['done']:,} {'was' if results['done'] == 1 else 'were'} done"
    if results["failed"]:
        yield f"{results['failed']:,} had failed"
    if results["skipped"]:
        yield f"{results['skipped']:,} had been skipped"
    if lost:
        names = ", ".join(f"{i.address} {i.verb}" for i in lost[:8]) + (
            f" and {len(lost) - 8:,} more" if len(lost) > 8 else ""
        )
        yield f"{len(lost):,} {'was' if len(lost) == 1 else 'were'} on the way ({names})"
