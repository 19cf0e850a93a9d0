"""The pipeline, wired: spec and ledger and API in, a Plan out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from fbplan.cli.recovering import look as looked
from fbplan.cli.recovering import under_way, wanted_by
from fbplan.cli.remarks import activity, noted, places, warnings
from fbplan.cli.routing import named_ids, named_items, policy_change, policy_path, routed, routed_now
from fbplan.client.api import ReadClient
from fbplan.diff import Difference, compare, former_addresses
from fbplan.drain.schedule import schedule
from fbplan.guards import Limits, Situation, refusals
from fbplan.journal.recovery import in_force
from fbplan.journal.underway import apart
from fbplan.kinds import KINDS
from fbplan.kinds.base import split_address
from fbplan.ledger import Ledger, require_workspace
from fbplan.ledger.pending import Question
from fbplan.observe import Listings, Observation, caught_up, find_workspace, finish_observing
from fbplan.plan import Plan, identified
from fbplan.planner import hints, preconditions_of, references_of, renamed_parents, steps_of, targets_of
from fbplan.policy.compose import Content, compose
from fbplan.policy.document import spec_digest
from fbplan.policy.place import place_of
from fbplan.policy.published import Published
from fbplan.secrets import Sink, SinkRef, holds
from fbplan.spec.load import LoadedSpec
from fbplan.spec.rules import routed_order
from fbplan.state import Desired, DesiredState, World, canonical_digest, desired_state
from fbplan.storage import open_storage

Clock = Callable[[], datetime]


def _utc() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Planned:
    """A plan, and what it was made from: an apply in the same run goes on with these."""

    plan: Plan
    observation: Observation
    ledger: Ledger
    story: tuple[str, ...] = ()
    """What was found of applies that did not end, or that run."""


@dataclass(frozen=True, slots=True)
class _Look:
    """Spec, ledger and live state, looked at once; several plans can be made from it."""

    loaded: LoadedSpec
    ledger: Ledger
    desired: DesiredState
    formers: dict[str, str]
    content: Content
    published: Published
    observation: Observation
    difference: Difference
    now: datetime
    story: tuple[str, ...]
    questions: tuple[Question, ...]


def make_plan(loaded: LoadedSpec, client: ReadClient, allowances: tuple[str, ...], now: Clock = _utc) -> Planned:
    """Look at the live state once and say what would have to change. Writes nothing, resolves no secret.

    `now` is the only clock: it decides which drains are over.
    """
    look = _look(loaded, client, now)
    return _finished(look, client, _plan(look, allowances)[0])


def make_expected_plan(
    loaded: LoadedSpec, client: ReadClient, allowances: tuple[str, ...], expected: str, now: Clock = _utc
) -> Planned:
    """The plan with the id that was reviewed, if one comes of leaving out what fell due since; else the plan of now.

    What was due at any earlier moment is what is due now up to that moment, so those plans are tried, latest first.
    """
    look = _look(loaded, client, now)
    whole, cutoffs = _plan(look, allowances)
    if whole.plan_id != expected:
        for until in (*cutoffs[1:], -1) if cutoffs else ():
            found, _ = _plan(look, allowances, until)
            if found.plan_id == expected:
                return _finished(look, client, found)
    return _finished(look, client, whole)


def _look(loaded: LoadedSpec, client: ReadClient, now: Clock) -> _Look:
    spec, folder = loaded.spec, loaded.folder
    storage = open_storage(spec.ledger, folder, spec=loaded.document.label)
    found, running = apart(in_force(storage), storage)
    workspace = find_workspace(client, spec.workspace, found.ledger.workspace_id)
    require_workspace(found.ledger, workspace.id, workspace.name)
    asked = Listings(client, workspace)
    desired = desired_state(spec)
    recovered = looked(found, client, workspace.id, folder, wanted_by(desired), int(now().timestamp()))
    ledger = recovered.ledger
    formers = former_addresses(desired, ledger)
    wanted = {*desired.resources, *ledger.entries, *desired.delete} - set(formers.values())
    everything = targets_of(wanted, desired, ledger.entries, formers)
    content, published = compose(spec), place_of(policy_path(loaded), folder).read()
    observation = caught_up(client, finish_observing(client, asked, everything, ledger), everything, ledger, now())
    world = observation.world
    difference = compare(desired, world, ledger, _held(desired, world, ledger, folder))
    return _Look(
        loaded,
        ledger,
        desired,
        formers,
        content,
        published,
        observation,
        difference,
        now(),
        (*under_way(running), *recovered.story),
        recovered.questions,
    )


def _plan(look: _Look, allowances: tuple[str, ...], until: int | None = None) -> tuple[Plan, tuple[int, ...]]:
    """The plan, and the moments at which what is due in it fell due; with `until`, as if it were made then."""
    spec, ledger, desired, world = look.loaded.spec, look.ledger, look.desired, look.observation.world
    content, published, difference, formers = look.content, look.published, look.difference, look.formers
    workspace, folder = look.observation.workspace, look.loaded.folder
    digest, renamed = spec_digest(content), renamed_parents(desired, formers)
    calendar = schedule(
        difference.changes,
        desired,
        world,
        ledger,
        renamed,
        named_items(published, world) if ledger.drains else frozenset(),
        int(look.now.timestamp()),
        until,
    )
    changes = tuple(noted(c, world, ledger, calendar.held) for c in calendar.changes)
    policy = policy_change(look.loaded, content, digest, published, changes, world, ledger)
    situation = Situation(
        desired,
        world,
        ledger,
        changes,
        Limits(spec.limits.max_deletes, spec.limits.max_change),
        frozenset(allowances),
        routed_now(content, published, world),
        named=named_ids(published),
        orders={
            f"repository.{n}": tuple(f"bucket.{b}" for b in routed_order(n, r))
            for n, r in spec.repositories.items()
            if r.buckets is None and r.routing is not None
        },
        questions=look.questions,
        draining=calendar.begun,
        leaving=calendar.leaving,
    )
    refused = refusals(situation)
    steps = steps_of(changes, desired, world, calendar.held) if not world.ambiguous else ()
    relevant = {c.address for c in changes} | {
        t
        for s in steps
        for t in references_of(s.sets, KINDS[split_address(s.address)[0]], desired.resources.get(s.address))
    }
    if policy is not None and policy.publishes:
        relevant |= (
            {f"repository.{n}" for n in content.body["repositories"]}
            | {f"bucket.{n}" for n in content.body["buckets"]}
            | set(content.key_addresses.values())
        )
    parents = {
        f"{KINDS[kind].parent}.{names[0]}"
        for kind, names in map(split_address, relevant)
        if kind in KINDS and KINDS[kind].parent
    }
    relevant |= {renamed.get(parent, parent) for parent in parents}
    relevant |= {user for c in changes for user in world.users.get(c.address, ()) if not user.startswith("unmanaged:")}
    plan = Plan(
        workspace=workspace.name,
        workspace_id_digest=canonical_digest(workspace.id),
        spec_path=look.loaded.document.label,
        folder=str(folder),
        ledger=spec.ledger,
        spec_digest=digest,
        changes=changes,
        steps=steps,
        targets=targets_of(relevant, desired, world.live, formers),
        preconditions=preconditions_of(
            changes, world, routed=routed(content) if policy is not None and policy.publishes else ()
        ),
        policy=policy,
        refusals=refused,
        allowances=allowances,
        warnings=(
            *look.story,
            *(f"{w.location}: {w.address}: {w.message}; {w.fix}" for w in look.loaded.warnings),
            *warnings(look.loaded, changes),
            *hints(changes, desired, world),
        ),
        unverifiable=difference.unverifiable,
        broken=difference.broken,
        unmanaged=dict(world.unmanaged),
        unchanged=difference.unchanged,
        places=places(look.loaded, changes, refused, desired),
        due=calendar.due,
        waiting=calendar.waiting,
        begins=calendar.begins,
        dropped=calendar.dropped,
    )
    return identified(plan), calendar.cutoffs


def _finished(look: _Look, client: ReadClient, plan: Plan) -> Planned:
    found = activity(client, look.observation, plan.changes, look.now)
    return Planned(replace(plan, activity=found), look.observation, look.ledger, look.story)


def _held(desired: DesiredState, world: World, ledger: Ledger, folder: Path) -> dict[str, bool | None]:
    """Whether the sinks of newly met keys, or changed sinks, already hold the live key. Only files can be asked."""
    found: dict[str, bool | None] = {}
    adapter = None
    for resource in desired.resources.values():
        live = world.live.get(resource.address)
        if resource.sink is None or resource.sink == "external" or live is None or not _asks(resource, ledger):
            continue
        if adapter is None:
            from pydantic import TypeAdapter

            adapter = TypeAdapter[Sink](SinkRef)
        found[resource.address] = holds(adapter.validate_python(resource.sink), folder, live.key_id or "")
    return found


def _asks(resource: Desired, ledger: Ledger) -> bool:
    entry = ledger.entries.get(resource.address)
    return entry is None or entry.digests.get("sink") != ledger.digest("sink", resource.sink)
