"""The routing policy beside a plan: what the published one names, and whether the coming one differs."""

from __future__ import annotations

from fbplan.ledger import Ledger
from fbplan.plan import Action, Change, PolicyChange
from fbplan.policy.changes import describe
from fbplan.policy.compose import Content, routed_names
from fbplan.policy.document import Ids, content_digest, preview
from fbplan.policy.place import DEFAULT
from fbplan.policy.published import Published, needs_publishing
from fbplan.spec.load import LoadedSpec
from fbplan.state import World


def named_items(published: Published, world: World) -> frozenset[str]:
    """What the published policy still sends clients to, as items of a drain."""
    found: set[str] = set()
    document = published.document or {"repositories": {}, "buckets": {}}
    addresses = {o.key_id: a for a, o in world.live.items() if o.key_id is not None}
    for name, entry in document["repositories"].items():
        found |= {f"repository.{name}", *(f"repository.{name}/bucket.{b}" for b in entry["order"])}
        for use, key in entry.get("keys", {}).items():
            address = addresses.get(key.get("key_id"))
            if address is not None:
                found.add(f"repository.{name}/{address}")
            if address is not None and use == "write":
                found.add(f"repository.{name}/{address}=READ")
    for name, entry in document["buckets"].items():
        found |= {f"repository.{home}/bucket.{name}" for home in entry.get("folders", {})}
    return frozenset(found)


def named_ids(published: Published) -> frozenset[str]:
    document = published.document or {"repositories": {}, "buckets": {}}
    repositories = {entry["repo_id"] for entry in document["repositories"].values()}
    return frozenset(repositories | {entry["bucket_id"] for entry in document["buckets"].values()})


def routed_now(content: Content, published: Published, world: World) -> frozenset[str]:
    """Buckets that the coming or the published policy names; with a file that cannot be read, whatever is attached."""
    names = routed_names(content) | (routed_names(published.document) if published.document else frozenset())
    unknown = frozenset(world.users) if published.problem is not None else frozenset()
    return frozenset(f"bucket.{name}" for name in names) | unknown


def routed(content: Content) -> tuple[str, ...]:
    """Every address that the policy names: a policy that was reviewed must still fit what is there."""
    return (
        *(f"repository.{name}" for name in content.body["repositories"]),
        *(f"bucket.{name}" for name in content.body["buckets"]),
    )


def policy_path(loaded: LoadedSpec) -> str:
    return loaded.spec.policy.path if loaded.spec.policy is not None else DEFAULT


def policy_change(
    loaded: LoadedSpec,
    content: Content,
    digest: str,
    published: Published,
    changes: tuple[Change, ...],
    world: World,
    ledger: Ledger,
) -> PolicyChange | None:
    path = policy_path(loaded)
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
