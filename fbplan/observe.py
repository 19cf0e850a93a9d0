"""Client → observed state. Listings run side by side; nothing here can write."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from fbplan.client.api import ReadClient
from fbplan.client.lag import LAG, PATIENCE
from fbplan.errors import FbplanError, Refused
from fbplan.kinds import KINDS
from fbplan.kinds.base import Kind, split_address
from fbplan.ledger import Ledger
from fbplan.plan import Target
from fbplan.state import Matcher, Observed, World
from fbplan.wire import observed_from


@dataclass(frozen=True, slots=True)
class Workspace:
    """The workspace that a run works in."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class Observation:
    """What one look at the API gave: the world by address, and the same objects by remote id."""

    workspace: Workspace
    world: World
    by_id: Mapping[tuple[str, str], Observed]


def find_workspace(client: ReadClient, wanted: str | None, pinned: str | None) -> Workspace:
    """The workspace by id or exact name; without either, the pinned one. Never a guess."""
    found = [
        Workspace(str(w.get("id")), str(w.get("name") or "")) for w in client.workspaces() if not w.get("deletedAt")
    ]
    names = ", ".join(sorted(f"'{w.name}'" for w in found)) or "none"
    if wanted is None:
        matching = [w for w in found if w.id == pinned]
        if not matching:
            raise FbplanError(
                "the spec names no workspace", "", f"this user sees {names}", "add `workspace: NAME` to the spec"
            )
        return matching[0]
    matching = [w for w in found if w.id == wanted] or [w for w in found if w.name == wanted]
    if not matching:
        raise FbplanError(
            f"there is no workspace '{wanted}'",
            "",
            f"this user sees {names}",
            "correct `workspace:`, or ask for access to it",
        )
    if len(matching) > 1:
        ids = ", ".join(sorted(w.id for w in matching))
        raise Refused(
            f"{len(matching)} workspaces are called '{wanted}'", "", f"ids: {ids}", "put the id into `workspace:`"
        )
    return matching[0]


class Listings:
    """The listings that every look needs, under way: what does not depend on them can be worked out meanwhile."""

    def __init__(self, client: ReadClient, workspace: Workspace) -> None:
        self.workspace = workspace
        self.pool = ThreadPoolExecutor(max_workers=8)
        roots = [kind for kind in KINDS.values() if kind.parent is None]
        self._asked = {kind: self.pool.submit(client.listing, kind, workspace.id) for kind in roots}

    def rows(self) -> dict[Kind, list[Mapping[str, Any]]]:
        return {kind: future.result() for kind, future in self._asked.items()}


def observe(client: ReadClient, workspace: Workspace, targets: tuple[Target, ...], ledger: Ledger) -> Observation:
    """Look at everything once and find each target in it. Targets stand parents first."""
    return finish_observing(client, Listings(client, workspace), targets, ledger)


def finish_observing(client: ReadClient, asked: Listings, targets: tuple[Target, ...], ledger: Ledger) -> Observation:
    """Wait for the listings and find each target in them."""
    workspace = asked.workspace
    with asked.pool as pool:
        listings = asked.rows()
        found = [
            observed_from(kind, raw) for kind, rows in listings.items() for raw in rows if _belongs(raw, workspace.id)
        ]
        counts = {kind.name: len(rows) for kind, rows in listings.items()}
        childless: set[tuple[str, str]] = set()
        matcher = Matcher({address: entry.ids for address, entry in ledger.entries.items()})
        matcher.add(found)
        _match(matcher, [t for t in targets if KINDS[t.kind].parent is None])
        for kind in KINDS.values():
            if kind.parent is None:
                continue
            parents = _parents(kind.name, targets, ledger)
            ids = sorted({matcher.live[address].id for address in parents if address in matcher.live})
            rows = pool.map(lambda parent_id, kind=kind: client.listing(kind, workspace.id, parent_id), ids)
            children = [
                observed_from(kind, raw, parent_id) for parent_id, group in zip(ids, rows, strict=True) for raw in group
            ]
            counts[kind.name] = len(children)
            homes = {child.parent_id for child in children}
            childless |= {(kind.name, a) for a in parents if a in matcher.live and matcher.live[a].id not in homes}
            found += children
            matcher.add(children)
            _match(matcher, [t for t in targets if t.kind == kind.name])
    return Observation(workspace, matcher.world(counts, frozenset(childless)), {(o.kind, o.id): o for o in found})


def caught_up(
    client: ReadClient, seen: Observation, targets: tuple[Target, ...], ledger: Ledger, now: datetime
) -> Observation:
    """The observation, made again for a while when something that was written moments ago is not listed yet."""
    owned = {(split_address(address)[0], remote) for address, entry in ledger.entries.items() for remote in entry.ids}
    for seconds in PATIENCE if 0 <= now.timestamp() - ledger.written_at < LAG else ():
        if owned <= seen.by_id.keys():
            break
        client.pause(seconds, "what the last apply made is not listed yet")
        seen = observe(client, seen.workspace, targets, ledger)
    return seen


def _belongs(raw: Mapping[str, Any], workspace_id: str) -> bool:
    """A server that ignores the filter must not make foreign workspaces look like ours."""
    return raw.get("workspaceId") in {None, workspace_id}


def _match(matcher: Matcher, targets: list[Target]) -> None:
    for target in targets:
        matcher.match(target.address, target.kind, target.name, target.parent, target.former)


def _parents(kind: str, targets: tuple[Target, ...], ledger: Ledger) -> set[str]:
    """The addresses whose children have to be listed."""
    parent_kind = KINDS[kind].parent
    owned = {f"{parent_kind}.{split_address(a)[1][0]}" for a in ledger.owned(kind)}
    return owned | {t.parent for t in targets if t.kind == kind and t.parent is not None}


def recent_uploads(
    client: ReadClient, observation: Observation, addresses: list[str], start: str, end: str
) -> dict[str, int]:
    """Bytes written since `start` for each address, where the statistics tell; rows may carry strings or numbers."""
    out: dict[str, int] = {}
    for names in dict.fromkeys(KINDS[split_address(a)[0]].measured_by for a in addresses):
        ids = {
            observation.world.live[a].id: a
            for a in addresses
            if a in observation.world.live and KINDS[split_address(a)[0]].measured_by == names
        }
        for row in client.daily(start, end, sorted(ids), names[0]) if ids else ():
            address = ids.get(str(next((row[n] for n in names if row.get(n)), None)))
            try:
                count = int(str(row.get("upl_bytes") or 0))
            except ValueError:
                continue
            if address is not None:
                out[address] = out.get(address, 0) + count
    return out
