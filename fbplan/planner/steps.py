"""Changes → steps: which calls one change takes, and in which phase."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from fbplan.drain.schedule import NOTHING_HELD, Held
from fbplan.kinds import KINDS
from fbplan.kinds.api_key import narrows_access
from fbplan.kinds.base import Json, Kind, Trait
from fbplan.plan import Action, Change, Phase, Step, Verb
from fbplan.planner.order import making_way, needs_of
from fbplan.state import Desired, DesiredState, World, generation_of


def steps_of(
    changes: tuple[Change, ...], desired: DesiredState, world: World, held: Held = NOTHING_HELD
) -> tuple[Step, ...]:
    """Every call that the changes need, with the steps that each one waits for; none for what is held by a drain."""
    way = making_way(changes, world)
    made = [
        replace(step, phase=Phase.EXPAND) if step.address in way.values() else step
        for change in changes
        for step in _steps(change, desired, world, held)
    ]
    by_address: dict[str, list[Step]] = {}
    for step in made:
        by_address.setdefault(step.address, []).append(step)
    return tuple(
        replace(step, needs=tuple(sorted(set(needs_of(step, by_address, desired, world, way))))) for step in made
    )


def _steps(change: Change, desired: DesiredState, world: World, held: Held) -> Iterator[Step]:
    address, resource = change.address, desired.resources.get(change.address)
    match change.action:
        case Action.CREATE if resource is not None:
            yield _create(resource)
        case Action.ROTATE if resource is not None:
            taken = [generation_of(o.name) for o in (*world.older.get(address, ()), world.live[address])]
            yield _issue(resource, max(*taken, world.unowned.get(address, 0)) + 1)
        case Action.UPDATE if resource is not None:
            yield from _updates(change, resource, world, held)
        case Action.REPLACE if resource is not None:
            yield from _replaces(change, resource)
        case Action.DELETE if address not in held.deletes:
            yield Step(f"{address}:delete", address, Verb.DELETE, Phase.CONTRACT)
        case _:
            return  # adopt and forget change the ledger alone; what is held begins its drain


def _create(resource: Desired) -> Step:
    if KINDS[resource.kind].reveals_secret:
        return _issue(resource, 1)
    return Step(
        f"{resource.address}:create",
        resource.address,
        Verb.CREATE,
        Phase.EXPAND,
        sets=resource.fields,
        secrets=resource.secrets,
    )


def _issue(resource: Desired, generation: int) -> Step:
    name = resource.name if generation == 1 else f"{resource.name}.g{generation}"
    return Step(
        f"{resource.address}:issue",
        resource.address,
        Verb.ISSUE,
        Phase.EXPAND,
        sets={**resource.fields, "name": name},
        sink=resource.sink,
        generation=generation,
    )


def _updates(change: Change, resource: Desired, world: World, held: Held) -> Iterator[Step]:
    kind, live = KINDS[resource.kind], world.live[resource.address]
    wide: dict[str, Json] = {}
    narrow: dict[str, Json] = {}
    for facts in kind.compared:
        touched = [
            f
            for f in change.fields
            if (f.path == facts.name or f.path.startswith(facts.name + "."))
            and (resource.address, f.path) not in held.fields
        ]
        if not touched:
            continue
        if facts.items:
            final, there = resource.fields[facts.name], live.fields.get(facts.name) or []
            if any(f.after is not None for f in touched):
                wide[facts.name] = _union(final, there)
            if any(f.after is None for f in touched):
                draining = held.attachments.get(resource.address, frozenset())
                narrow[facts.name] = _union(final, [item for item in there if item["bucket"] in draining])
        elif facts.has(Trait.RANKED) and narrows_access(touched[0].before, touched[0].after):
            narrow[facts.name] = resource.fields[facts.name]
        else:
            wide[facts.name] = touched[0].after if facts.has(Trait.NAME) else resource.fields[facts.name]
    if kind.marker_field is not None and any(f.path == "name" for f in change.fields):
        wide["name"] = resource.name
    resends = any(f.path == "version" for f in change.fields) or any(
        f.after is None and any(g.name == f.path and g.has(Trait.SECRET_FORM) for g in kind.fields)
        for f in change.fields
    )
    secrets: Mapping[str, Json] = resource.secrets if resends else {}
    if wide or secrets:
        yield Step(
            f"{resource.address}:update", resource.address, Verb.UPDATE, Phase.EXPAND, sets=wide, secrets=secrets
        )
    if narrow:
        yield Step(f"{resource.address}:narrow", resource.address, Verb.UPDATE, Phase.CONTRACT, sets=narrow)


def _union(final: list[Json], there: list[Json]) -> list[Json]:
    """The final list and what it will drop later; a dropped item is never a second master."""
    kept = {item["bucket"] for item in final}
    return [*final, *({**item, "master": False} for item in there if item["bucket"] not in kept)]


def _replaces(change: Change, resource: Desired) -> Iterator[Step]:
    """Beside the old one where names allow it, and otherwise after it: nothing uses it, the guards saw to that."""
    kind: Kind = KINDS[resource.kind]
    unique = kind.swap_requires_change_of
    create = _create(resource)
    if unique is None or any(f.path == unique for f in change.fields):
        yield Step(
            f"{resource.address}:set-aside",
            resource.address,
            Verb.UPDATE,
            Phase.EXPAND,
            sets={"name": f"{resource.name}.replaced"},
            target="old",
        )
        yield replace(create, needs=(f"{resource.address}:set-aside",))
        yield Step(
            f"{resource.address}:delete-old",
            resource.address,
            Verb.DELETE,
            Phase.CONTRACT,
            needs=(create.id,),
            target="old",
        )
        return
    yield Step(f"{resource.address}:delete-old", resource.address, Verb.DELETE, Phase.EXPAND, target="old")
    yield replace(create, needs=(f"{resource.address}:delete-old",))
