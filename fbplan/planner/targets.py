"""What a plan tells of the live objects that it is about: how they are found again, and what must still hold."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from fbplan.kinds import KINDS
from fbplan.kinds.base import split_address
from fbplan.plan import Action, Change, Target
from fbplan.state import DesiredState, World, fingerprint

ABSENT = "absent"


class Named(Protocol):
    """Anything that remembers a live name: a ledger entry, an observed object."""

    @property
    def name(self) -> str: ...


def preconditions_of(changes: tuple[Change, ...], world: World, routed: tuple[str, ...] = ()) -> dict[str, str]:
    """What must still hold for each touched resource when the plan is applied."""
    named = {a: fingerprint(world.raw[a]) for a in routed if a in world.raw}
    return named | {
        change.address: fingerprint(world.raw[change.address]) if change.address in world.raw else ABSENT
        for change in changes
        if change.action is not Action.FORGET
    }


def renamed_parents(desired: DesiredState, formers: Mapping[str, str]) -> dict[str, str]:
    """Old address → new one, for as long as the spec says `renamed_from`: children in the ledger may still bear the old."""
    stated = {
        f"{r.kind}.{r.renamed_from}": r.address
        for r in desired.resources.values()
        if r.renamed_from is not None and r.parent is None
    }
    return stated | {old: new for new, old in formers.items()}


def targets_of(
    addresses: set[str], desired: DesiredState, known: Mapping[str, Named], formers: Mapping[str, str]
) -> tuple[Target, ...]:
    """How each of these addresses is found again without the spec, in the order in which parents come first."""
    out = []
    order = {name: rank for rank, name in enumerate(KINDS)}
    renamed = renamed_parents(desired, formers)
    for address in sorted(addresses, key=lambda a: (order.get(split_address(a)[0], 99), a)):
        kind, names = split_address(address)
        if kind not in KINDS:
            continue
        resource = desired.resources.get(address)
        name = resource.name if resource is not None else known[address].name if address in known else names[-1]
        parent = ".".join((KINDS[kind].parent or "", names[0])) if KINDS[kind].parent else None
        out.append(Target(address, kind, name, renamed.get(parent or "", parent), formers.get(address)))
    return tuple(out)
