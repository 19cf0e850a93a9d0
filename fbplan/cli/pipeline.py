"""The pipeline, wired: spec and ledger and API in, a Plan out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from fbplan.cli.recovering import look
from fbplan.client.api import ReadClient
from fbplan.diff import compare, former_addresses
from fbplan.errors import FbplanError
from fbplan.guards import Limits, Situation, refusals
from fbplan.kinds import KINDS
from fbplan.kinds.base import split_address
from fbplan.ledger import Ledger, require_workspace
from fbplan.observe import Listings, Observation, caught_up, find_workspace, finish_observing, recent_uploads
from fbplan.plan import Action, Change, Plan, PolicyChange, Refusal, identified
from fbplan.planner import hints, preconditions_of, references_of, renamed_parents, steps_of, targets_of
from fbplan.policy.changes import describe
from fbplan.policy.compose import Content, compose, routed_names
from fbplan.policy.document import Ids, content_digest, preview, spec_digest
from fbplan.policy.published import Published, needs_publishing, read_published
from fbplan.recovery import in_force
from fbplan.secrets import Sink, SinkRef, holds
from fbplan.spec.load import LoadedSpec
from fbplan.spec.rules import routed_order
from fbplan.state import Desired, DesiredState, World, canonical_digest, desired_state
from fbplan.storage import open_storage


@dataclass(frozen=True, slots=True)
class Planned:
    """A plan, and what it was made from: an apply in the same run goes on with these."""

    plan: Plan
    observation: Observation
    ledger: Ledger
    story: tuple[str, ...] = ()
    """What was found of earlier applies that did not end."""


def make_plan(
    loaded: LoadedSpec,
    client: ReadClient,
    allowances: tuple[str, ...],
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Planned:
    """Look at the live state once and say what would have to change. Writes nothing, resolves no secret."""
    spec, folder = loaded.spec, loaded.folder
    found = in_force(open_storage(spec.ledger, folder))
    workspace = find_workspace(client, spec.workspace, found.ledger.workspace_id)
    require_workspace(found.ledger, workspace.id, workspace.name)
    asked = Listings(client, workspace)
    recovered = look(found, client, workspace.id, folder)
    ledger = recovered.ledger
    desired = desired_state(spec)
    formers = former_addresses(desired, ledger)
    wanted = {*desired.resources, *ledger.entries, *desired.delete} - set(formers.values())
    everything = targets_of(wanted, desired, ledger.entries, formers)
    content, published = compose(spec), read_published(folder / _policy_path(loaded))
    digest = spec_digest(content)
    observation = caught_up(client, finish_observing(client, asked, everything, ledger), everything, ledger, now())
    world = observation.world
    difference = compare(desired, world, ledger, _held(desired, world, ledger, folder))
    changes = tuple(_noted(c, world, ledger) for c in difference.changes)
    policy = _policy_change(loaded, content, digest, published, changes, world, ledger)
    situation = Situation(
        desired,
        world,
        ledger,
        changes,
        Limits(spec.limits.max_deletes, spec.limits.max_change),
        frozenset(allowances),
        _routed_now(content, published, world),
        orders={
            f"repository.{n}": tuple(f"bucket.{b}" for b in routed_order(n, r))
            for n, r in spec.repositories.items()
            if r.buckets is None and r.routing is not None
        },
        questions=recovered.questions,
        drains={
            f"repository.{n}": r.routing.drain for n, r in spec.repositories.items() if r.routing and r.routing.drain
        },
    )
    refused = refusals(situation)
    steps = steps_of(changes, desired, world) if not world.ambiguous else ()
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
    renamed = renamed_parents(desired, formers)
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
        spec_path=loaded.document.label,
        folder=str(folder),
        ledger=spec.ledger,
        spec_digest=digest,
        changes=changes,
        steps=steps,
        targets=targets_of(relevant, desired, world.live, formers),
        preconditions=preconditions_of(
            changes, world, routed=_routed(content) if policy is not None and policy.publishes else ()
        ),
        policy=policy,
        refusals=refused,
        allowances=allowances,
        warnings=(
            *recovered.story,
            *(f"{w.location}: {w.address}: {w.message}; {w.fix}" for w in loaded.warnings),
            *_warnings(loaded, changes),
            *hints(changes, desired, world),
        ),
        unverifiable=difference.unverifiable,
        broken=difference.broken,
        unmanaged=dict(world.unmanaged),
        unchanged=difference.unchanged,
        places=_places(loaded, changes, refused, desired),
        activity=_activity(client, observation, changes, now()),
    )
    return Planned(identified(plan), observation, ledger, recovered.story)


def _routed_now(content: Content, published: Published, world: World) -> frozenset[str]:
    """Buckets that the coming or the published policy names; with a file that cannot be read, whatever is attached."""
    names = routed_names(content) | (routed_names(published.document) if published.document else frozenset())
    unknown = frozenset(world.users) if published.problem is not None else frozenset()
    return frozenset(f"bucket.{name}" for name in names) | unknown


def _routed(content: Content) -> tuple[str, ...]:
    """Every address that the policy names: a policy that was reviewed must still fit what is there."""
    return (
        *(f"repository.{name}" for name in content.body["repositories"]),
        *(f"bucket.{name}" for name in content.body["buckets"]),
    )


def _policy_path(loaded: LoadedSpec) -> str:
    return loaded.spec.policy.path if loaded.spec.policy is not None else "routing-policy.json"


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


def _policy_change(
    loaded: LoadedSpec,
    content: Content,
    digest: str,
    published: Published,
    changes: tuple[Change, ...],
    world: World,
    ledger: Ledger,
) -> PolicyChange | None:
    path = _policy_path(loaded)
    if (
        not content.body["repositories"]
        and loaded.spec.policy is None
        and published.document is None
        and published.problem is None
    ):
        return None
    made = {c.address for c in changes if c.action in {Action.CREATE, Action.REPLACE, Action.ROTATE}}
    ids = Ids(
        {
            n: world.live[a].id
            for n in content.body["repositories"]
            if (a := f"repository.{n}") in world.live and a not in made
        },
        {n: world.live[a].id for n in content.body["buckets"] if (a := f"bucket.{n}") in world.live and a not in made},
        {
            a: key
            for a in content.key_addresses.values()
            if a in world.live and a not in made and (key := _key_id(a, world, ledger))
        },
    )
    why = needs_publishing(published, content, ids, digest)
    before = published.document if published.problem is None else None
    lines = describe(before, preview(content, ids, 0, digest)) if why else ()
    return PolicyChange(
        path=path,
        publishes=why is not None,
        why=why or "",
        content_digest=content_digest(content),
        spec_digest=digest,
        content=content.to_json() if why else None,
        lines=lines,
        replaces=published.mark if why else "",
    )


def _key_id(address: str, world: World, ledger: Ledger) -> str | None:
    entry = ledger.entries.get(address)
    live = world.live[address]
    known = [k.key_id for k in entry.keys if k.id == live.id] if entry is not None else []
    return known[-1] if known else live.key_id


def _noted(change: Change, world: World, ledger: Ledger) -> Change:
    """What a reader should know of a change beyond its fields."""
    notes = list(change.notes)
    detached = [f.path.split(".", 1)[1] for f in change.fields if f.path.startswith("buckets.") and f.after is None]
    if detached and change.action is Action.UPDATE:
        notes.append(
            f"writers that still follow the old policy fail on {', '.join(detached)} until they reload it; its objects stay at the provider"
        )
    live = world.live.get(change.address)
    if change.action is Action.DELETE and live is not None and live.children:
        owned = sum(
            len(e.keys)
            for a, e in ledger.entries.items()
            if split_address(a)[1][:1] == split_address(change.address)[1]
        )
        if live.children > owned:
            notes.append(
                f"{live.children - owned} of its {live.children} API keys are not declared here and end with it"
            )
    if change.action is Action.REPLACE:
        notes.append("a new object with a new id takes its place")
    if change.action is Action.ROTATE:
        notes.append("a new key is issued beside it; the one in use stays valid until it is deleted")
    downgraded = next((f for f in change.fields if f.path == "access" and f.after == "READ"), None)
    if downgraded is not None and change.action is Action.UPDATE:
        notes.append("clients that write with this key fail at once")
    return replace(change, notes=tuple(notes))


def _places(
    loaded: LoadedSpec, changes: tuple[Change, ...], refused: tuple[Refusal, ...], desired: DesiredState
) -> dict[str, str]:
    """Where replaces and refusals come from. Positions cost a second parse, so nothing else has one."""
    wanted = {c.address for c in changes if c.action is Action.REPLACE} | {r.address for r in refused}
    return {a: loaded.where(desired.resources[a].place) for a in sorted(wanted) if a in desired.resources}


def _warnings(loaded: LoadedSpec, changes: tuple[Change, ...]) -> list[str]:
    out = []
    rotating = [
        f"api_key.{n}.{k}"
        for n, r in loaded.spec.repositories.items()
        for k, d in (r.api_keys or {}).items()
        if d.rotate is not None
    ]
    if rotating:
        out.append(f"{', '.join(rotating)}: `rotate:` is checked and kept, but this version does not rotate by age")
    if loaded.spec.ledger == "none" and any(c.action is Action.CREATE for c in changes):
        out.append("`ledger: none`: fbplan will not remember what it makes, and so will never delete it")
    return out


def _activity(
    client: ReadClient, observation: Observation, changes: tuple[Change, ...], now: datetime
) -> dict[str, int]:
    """Bytes written in the last 30 days to what would be deleted; a failure here is no reason to refuse a plan."""
    going = [
        c.address
        for c in changes
        if c.action is Action.DELETE
        and not KINDS[split_address(c.address)[0]].routes
        and KINDS[split_address(c.address)[0]].put == "full"
    ]
    going = [a for a in going if KINDS[split_address(a)[0]].parent is None]
    if not going:
        return {}
    end = now.replace(microsecond=0)
    try:
        return recent_uploads(
            client,
            observation,
            going[:200],
            (end - timedelta(days=30)).isoformat().replace("+00:00", "Z"),
            end.isoformat().replace("+00:00", "Z"),
        )
    except FbplanError:
        return {}
