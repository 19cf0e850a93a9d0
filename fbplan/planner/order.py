"""What each step waits for: a create for what it refers to, a delete for every step that lets go of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from fbplan.kinds import KINDS
from fbplan.kinds.base import Json, Kind, split_address
from fbplan.ledger import REPLACED
from fbplan.plan import Action, Change, Phase, Step, Verb
from fbplan.state import Desired, DesiredState, World


def making_way(changes: tuple[Change, ...], world: World) -> dict[str, str]:
    """By address that is made anew: what a killed replace of it set aside, which goes first if nothing uses it.

    It has the name that the next one to be set aside would get, and may register the very bucket that is wanted again.
    """
    anew = {c.address for c in changes if c.action in {Action.CREATE, Action.REPLACE}}
    going = {c.address for c in changes if c.action is Action.DELETE and not world.users.get(c.address)}
    return {address: left for address in anew if (left := f"{address}{REPLACED}") in going}


def needs_of(
    step: Step, by_address: Mapping[str, list[Step]], desired: DesiredState, world: World, way: Mapping[str, str]
) -> Iterator[str]:
    yield from step.needs
    yield from (s.id for s in by_address.get(way.get(step.address, ""), ()))
    resource = desired.resources.get(step.address)
    if step.verb is Verb.DELETE:
        for user in world.users.get(step.address, ()):
            yield from (s.id for s in by_address.get(user, ()) if s.id != step.id)
        live = world.live.get(step.address)
        children = world.live.items() if live is not None and KINDS[live.kind].routes else ()
        for address, child in children:
            if live is not None and child.parent_id == live.id:
                yield from (s.id for s in by_address.get(address, ()) if s.verb is Verb.DELETE)
        return
    for target in references_of(step.sets, KINDS[split_address(step.address)[0]], resource):
        yield from (
            s.id
            for s in by_address.get(target, ())
            if s.verb in {Verb.CREATE, Verb.UPDATE}
            and s.phase is Phase.EXPAND
            and s.id != step.id
            and s.target != "old"
        )
    if step.phase is Phase.CONTRACT:
        yield from (s.id for s in by_address.get(step.address, ()) if s.phase is Phase.EXPAND)


def references_of(sets: Mapping[str, Json], kind: Kind, resource: Desired | None) -> Iterator[str]:
    """The addresses that a set of fields refers to, the parent included."""
    if resource is not None and resource.parent is not None:
        yield resource.parent
    linked = {f.name for f in kind.compared if f.ref is not None or f.items}
    for value in (v for name, v in sets.items() if name in linked):
        for inner in (v for item in value for v in item.values()) if isinstance(value, list) else (value,):
            if isinstance(inner, str) and split_address(inner)[0] in KINDS:
                yield inner
