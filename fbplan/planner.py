"""Changes → ordered steps. Pure.

    expand     creates, attaches, upgrades: whatever only widens
    publish    the routing policy (see apply)
    contract   detaches, downgrades, deletes: whatever narrows

Order comes from references before and after: a create follows what it refers to, a delete follows every step that
lets go of it. `{b0, r0→b0} → {r0}` deletes b0 only after r0 was updated.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Protocol

from fbplan.drain.schedule import NOTHING_HELD, Held
from fbplan.kinds import KINDS
from fbplan.kinds.api_key import narrows_access
from fbplan.kinds.base import Json, Kind, Trait, split_address
from fbplan.ledger import REPLACED
from fbplan.plan import Action, Change, Phase, Step, Target, Verb
from fbplan.state import Desired, DesiredState, World, fingerprint, generation_of

ABSENT = "absent"


class Named(Protocol):
    """Anything that remembers a live name: a ledger entry, an observed object."""

    @property
    def name(self) -> str: ...


def steps_of(
    changes: tuple[Change, ...], desired: DesiredState, world: World, held: Held = NOTHING_HELD
) -> tuple[Step, ...]:
    """Every call that the changes need, with the steps that each one waits for; none for what is held by a drain."""
    way = _making_way(changes, world)
    made = [
        replace(step, phase=Phase.EXPAND) if step.address in way.values() else step
        for change in changes
        for step in _steps(change, desired, world, held)
    ]
    by_address: dict[str, list[Step]] = {}
    for step in made:
        by_address.setdefault(step.address, []).append(step)
    return tuple(
        replace(step, needs=tuple(sorted(set(_needs(step, by_address, desired, world, way))))) for step in made
    )


def _making_way(changes: tuple[Change, ...], world: World) -> dict[str, str]:
    """By address that is made anew: what a killed replace of it set aside, which goes first if nothing uses it.

    It has the name that the next one to be set aside would get, and may register the very bucket that is wanted again.
    """
    anew = {c.address for c in changes if c.action in {Action.CREATE, Action.REPLACE}}
    going = {c.address for c in changes if c.action is Action.DELETE and not world.users.get(c.address)}
    return {address: left for address in anew if (left := f"{address}{REPLACED}") in going}


def _steps(change: Change, desired: DesiredState, world: World, held: Held) -> Iterator[Step]:
    address, resource = change.address, desired.resources.get(change.address)
    match change.action:
        case Action.CREATE if resource is not None:
            yield _create(resource)
        case Action.ROTATE if resource is not None:
            taken = [generation_of(o.name) for o in (*world.older.get(address, ()), world.live[address])]
            yield _issue(resource, max(taken) + 1)
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


def _needs(
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


def hints(changes: tuple[Change, ...], desired: DesiredState, world: World) -> tuple[str, ...]:
    """A delete and a create over one provider bucket are most often one rename."""
    out = []
    gone = {
        (o.kind, o.fields.get("bucket")): c.address
        for c in changes
        if c.action is Action.DELETE and (o := world.live.get(c.address)) is not None
    }
    for change in changes:
        resource = desired.resources.get(change.address)
        if change.action is Action.CREATE and resource is not None and resource.fields.get("bucket") is not None:
            other = gone.get((resource.kind, resource.fields["bucket"]))
            if other is not None:
                out.append(
                    f"{other} is deleted and {change.address} created over the same provider bucket: to rename it instead, set `renamed_from: {split_address(other)[1][-1]}`"
                )
    return tuple(out)
