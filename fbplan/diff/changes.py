"""Which resources change, and why."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from fbplan.diff.fields import field_changes
from fbplan.kinds import KINDS
from fbplan.kinds.base import Json, Trait, split_address
from fbplan.ledger import Entry, Ledger
from fbplan.ledger.pending import ORPHAN, REPLACED
from fbplan.plan import Action, Change, FieldChange, Reason, Record
from fbplan.state import Departing, Desired, DesiredState, Observed, World

_ACTION_ORDER = {action: rank for rank, action in enumerate(Action)}


_KIND_ORDER = {name: rank for rank, name in enumerate(KINDS)}


@dataclass(frozen=True, slots=True)
class Difference:
    """All changes, in the order a reader wants them, and how much is as it should be."""

    changes: tuple[Change, ...]
    unchanged: int
    unverifiable: tuple[str, ...]
    broken: tuple[str, ...]


def compare(desired: DesiredState, world: World, ledger: Ledger, holds: Mapping[str, bool | None]) -> Difference:
    """Every change between the two states.

    `holds` says, for API keys whose sink could be read, whether it holds the live key; None is "cannot be known".
    """
    formers = former_addresses(desired, ledger)
    found: list[Change] = []
    unverifiable: list[str] = []
    unclear = {found.address for found in world.ambiguous}
    for resource in desired.resources.values():
        if resource.address in unclear:
            continue  # a guard refuses it; whatever stood here would be a guess
        live = world.live.get(resource.address)
        entry = ledger.entries.get(resource.address) or ledger.entries.get(formers.get(resource.address, ""))
        if live is not None and entry is not None and live.id not in entry.ids:
            entry = None  # what was owned is gone; this one only has its name, and has to be adopted
        change = _declared(resource, live, entry, ledger, formers.get(resource.address), holds.get(resource.address))
        if change is not None:
            found.append(change)
        if live is not None and resource.secrets:
            unverifiable.append(resource.address)
    touched = len(found)
    found += _departures(desired, world, ledger, frozenset(formers.values()))
    found.sort(key=lambda c: (_ACTION_ORDER[c.action], _KIND_ORDER.get(split_address(c.address)[0], 99), c.address))
    broken = tuple(
        sorted(
            f"{a}: the platform reports {o.status}"
            for a, o in world.live.items()
            if _is_broken(o) and a in desired.resources
        )
    )
    return Difference(tuple(found), len(desired.resources) - touched, tuple(sorted(unverifiable)), broken)


def former_addresses(desired: DesiredState, ledger: Ledger) -> dict[str, str]:
    """The address before a rename, for each resource that has a new one; a child moves with its parent.

    Once the ledger knows the new address, `renamed_from` has done its work and means nothing.
    """
    out = {}
    for resource in desired.resources.values():
        if resource.address in ledger.entries:
            continue
        kind, names = split_address(resource.address)
        parent = desired.resources.get(resource.parent) if resource.parent is not None else None
        old = list(names)
        if parent is not None and parent.renamed_from is not None:
            old[0] = parent.renamed_from
        if resource.renamed_from is not None:
            old[-1] = resource.renamed_from
        former = ".".join((kind, *old))
        if tuple(old) != names and (former in ledger.entries or parent is None or parent.address not in ledger.entries):
            out[resource.address] = former
    return out


def _is_broken(live: Observed) -> bool:
    return live.status in {"OFFLINE", "DISCONNECTED", "ERROR"}


def _declared(
    resource: Desired,
    live: Observed | None,
    entry: Entry | None,
    ledger: Ledger,
    former: str | None,
    is_held: bool | None,
) -> Change | None:
    record = _record(resource)
    if live is None:
        vanished = entry is not None and former is None
        return Change(
            resource.address,
            Action.CREATE,
            Reason.VANISHED if vanished else Reason.SPEC,
            "",
            tuple(FieldChange(name, None, value) for name, value in _shown(resource)),
            former=former,
            record=record,
        )
    fields = tuple(field_changes(resource, live, entry, ledger))
    is_adopted = entry is None and ledger.is_kept
    known = entry.digests.get("sink") if entry is not None else None
    if known is not None and known != ledger.digest("sink", resource.sink):
        fields += (FieldChange("sink", None, resource.sink),)
    if KINDS[resource.kind].reveals_secret and _needs_issue(resource, live, entry, ledger, is_held):
        why = (
            "its secret is not known to be in the sink"
            if entry is None
            else "the sink changed, and a secret is shown only once"
        )
        return Change(
            resource.address,
            Action.ROTATE,
            Reason.ADOPTION if entry is None else Reason.SPEC,
            why,
            fields,
            is_adopted=is_adopted,
            former=former,
            record=record,
        )
    if not fields:
        if not is_adopted:
            return _moved(resource, former, record) if ledger.is_kept else None
        why = "as declared"
        return Change(
            resource.address,
            Action.ADOPT,
            Reason.ADOPTION,
            why,
            unverifiable=tuple(resource.secrets),
            is_adopted=True,
            former=former,
            record=record,
        )
    action = Action.REPLACE if any(f.is_immutable for f in fields) else Action.UPDATE
    reason = (
        Reason.ADOPTION
        if is_adopted
        else Reason.DRIFT
        if all(f.reason is Reason.DRIFT for f in fields)
        else Reason.SPEC
    )
    return Change(
        resource.address,
        action,
        reason,
        "",
        fields,
        is_adopted=is_adopted,
        former=former,
        record=record,
        unverifiable=tuple(resource.secrets),
    )


def _moved(resource: Desired, former: str | None, record: Record) -> Change | None:
    """A new map key over an unchanged live object: only the ledger moves."""
    if former is None:
        return None
    return Change(resource.address, Action.UPDATE, Reason.SPEC, "only the ledger changes", former=former, record=record)


def _record(resource: Desired) -> Record:
    fields = dict(resource.fields) if resource.sink is None else {**resource.fields, "sink": resource.sink}
    return Record(resource.name, fields, resource.protect, resource.version, resource.drain)


def _needs_issue(resource: Desired, live: Observed, entry: Entry | None, ledger: Ledger, is_held: bool | None) -> bool:
    if resource.sink == "external" or is_held:
        return False
    if entry is None:
        return ledger.is_kept or is_held is False
    if entry.keys and entry.keys[-1].id != live.id:
        return True  # the generation in use is no longer there; an older one is not what the sink holds
    return "sink" in entry.digests and entry.digests["sink"] != ledger.digest("sink", resource.sink)


def _shown(resource: Desired) -> Iterator[tuple[str, Json]]:
    """The fields of a create, as a reader wants them: declared ones, the plain name only if it says something."""
    for facts in KINDS[resource.kind].compared:
        value = resource.fields.get(facts.name)
        if value is None or (facts.has(Trait.NAME) and value == split_address(resource.address)[1][-1]):
            continue
        yield facts.name, value if facts.items else facts.normalise(value)


def _departures(desired: DesiredState, world: World, ledger: Ledger, renamed: frozenset[str]) -> Iterator[Change]:
    listed: dict[str, Departing] = dict(desired.delete)
    for address, departing in desired.forget.items():
        if address in ledger.entries:
            yield Change(address, Action.FORGET, Reason.LISTED, departing.reason)
    for address in sorted({*ledger.entries, *listed}):
        if address in desired.resources or address in desired.forget or address in renamed:
            continue
        live, owned = world.live.get(address), address in ledger.entries
        reason = Reason.LISTED if address in listed else _gone(address)
        why = listed[address].reason if address in listed else ""
        if live is None or (address not in listed and live.id not in ledger.entries[address].ids):
            if owned and not _is_out_of_sight(address, desired, ledger):
                why = "it no longer exists" if live is None else "another object has its name now, and stays"
                yield Change(address, Action.FORGET, Reason.VANISHED, why)
            continue
        yield Change(address, Action.DELETE, reason, why, notes=(KINDS[split_address(address)[0]].delete_effect,))


def _gone(address: str) -> Reason:
    return Reason.ORPHAN if ORPHAN in address else Reason.REPLACED if address.endswith(REPLACED) else Reason.GONE


def _is_out_of_sight(address: str, desired: DesiredState, ledger: Ledger) -> bool:
    """Whether nobody looked: a child whose parent is neither declared nor owned stays owned until somebody can."""
    kind, names = split_address(address)
    if kind not in KINDS or KINDS[kind].parent is None:
        return False
    parent = ".".join((str(KINDS[kind].parent), names[0]))
    return parent not in ledger.entries and parent not in desired.resources
