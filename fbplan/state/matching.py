"""How the two states find each other: by ledger id, then by exact name.

Ownership is a filter here, before any difference is looked at: what is neither declared nor owned is counted and never
touched.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import replace

from fbplan.kinds import KINDS
from fbplan.kinds.base import Json, split_address
from fbplan.state.observed import Ambiguity, Observed, World, canonical_digest

GENERATION = re.compile(r"(.+)\.g([1-9][0-9]{0,8})", re.DOTALL)
"""What fbplan calls the later generations of a key; a longer number is somebody else's name."""


class Matcher:
    """Finds, for each address, the live object that it means: by ledger id, then by exact name."""

    def __init__(self, ids: Mapping[str, tuple[str, ...]]) -> None:
        self._by_id: dict[str, dict[str, Observed]] = {name: {} for name in KINDS}
        self._by_name: dict[tuple[str, str | None, str], list[Observed]] = defaultdict(list)
        self._ids = ids
        self.live: dict[str, Observed] = {}
        self.older: dict[str, tuple[Observed, ...]] = {}
        self.ambiguous: list[Ambiguity] = []
        self._unowned: dict[str, int] = {}
        self._foreign: dict[str, str] = {}
        self._claimed: set[tuple[str, str]] = {
            (split_address(address)[0], remote) for address, remotes in ids.items() for remote in remotes
        }

    def add(self, observed: Iterable[Observed]) -> None:
        """Objects of one listing; parents come before what stands in them."""
        for found in observed:
            self._by_id[found.kind][found.id] = found
            generation = GENERATION.fullmatch(found.name) if KINDS[found.kind].reveals_secret else None
            self._by_name[found.kind, found.parent_id, generation[1] if generation else found.name].append(found)

    def match(self, address: str, kind: str, name: str, parent: str | None, former: str | None = None) -> None:
        """Look for `address`; `former` is the address it had in the ledger before a rename."""
        parent_id = self.live[parent].id if parent is not None and parent in self.live else None
        if parent is not None and parent_id is None:
            return
        known = self._ids.get(address) or (self._ids.get(former) if former else None) or ()
        found = [self._by_id[kind][remote] for remote in known if remote in self._by_id[kind]]
        if not found:
            found = self._by_exact_name(kind, parent_id, name, former)
        ranks = [generation_of(o.name) if KINDS[kind].reveals_secret else 0 for o in found]
        if len(set(ranks)) < len(ranks) and not known:
            self.ambiguous.append(Ambiguity(address, name, tuple(sorted(o.id for o in found))))
            return
        found = sorted(found, key=lambda o: (generation_of(o.name), o.created_at or "", o.id))
        if found:
            self.live[address] = found[-1]
            self.older[address] = tuple(found[:-1])
            self._claimed |= {(kind, o.id) for o in found}
            if KINDS[kind].reveals_secret:
                beside = self._by_exact_name(kind, parent_id, name, former)
                self._unowned[address] = max((generation_of(o.name) for o in beside), default=0)

    def _by_exact_name(self, kind: str, parent_id: str | None, name: str, former: str | None) -> list[Observed]:
        """Unclaimed objects that bear the name; every generation of it, for a key."""
        names = [name] if former is None else [name, split_address(former)[1][-1]]
        for wanted in names:
            found = [o for o in self._by_name.get((kind, parent_id, wanted), ()) if (kind, o.id) not in self._claimed]
            if found:
                return found
        return []

    def world(self, counts: Mapping[str, int], childless: frozenset[tuple[str, str]] = frozenset()) -> World:
        """Close the matching: references become addresses, the rest is counted as unmanaged."""
        address_by_id = {(o.kind, o.id): address for address, o in self.live.items()}
        address_by_id |= {(o.kind, o.id): address for address, group in self.older.items() for o in group}
        unmanaged = {name: sum((name, remote) not in address_by_id for remote in self._by_id[name]) for name in KINDS}
        users: dict[str, list[str]] = defaultdict(list)
        live: dict[str, Observed] = {}
        for kind_name, objects in self._by_id.items():
            for remote, found in objects.items():
                address = address_by_id.get((kind_name, remote))
                seen = self._translate(found, address_by_id)
                for target in _references(seen):
                    users[target].append(address or f"unmanaged:{found.name}")
                if address is not None and self.live.get(address) is found:
                    live[address] = seen
        return World(
            live,
            {a: group for a, group in self.older.items() if group},
            tuple(self.ambiguous),
            unmanaged,
            dict(counts),
            {target: tuple(sorted(set(names))) for target, names in users.items()},
            {name: frozenset(rows) for name, rows in self._by_id.items()},
            dict(self.live),
            dict(self._foreign),
            childless,
            {address: number for address, number in self._unowned.items() if number},
        )

    def _translate(self, observed: Observed, address_by_id: Mapping[tuple[str, str], str]) -> Observed:
        changed: dict[str, Json] = {}
        for facts in KINDS[observed.kind].compared:
            value = observed.fields.get(facts.name)
            if value is None:
                continue
            if facts.ref is not None:
                changed[facts.name] = self._name_of(facts.ref.kind, value, address_by_id)
            elif facts.items:
                refs = {f.name: f.ref.kind for f in facts.items if f.ref is not None}
                changed[facts.name] = [
                    {k: self._name_of(refs[k], v, address_by_id) if k in refs else v for k, v in item.items()}
                    for item in value
                ]
        if not changed:
            return observed
        return replace(observed, fields={**observed.fields, **changed})

    def _name_of(self, kind: str, remote: str, address_by_id: Mapping[tuple[str, str], str]) -> str:
        """The address of a remote id, or how to name an object that is not ours."""
        if (kind, remote) in address_by_id:
            return address_by_id[kind, remote]
        foreign = self._by_id[kind].get(remote)
        label = f"unmanaged:{foreign.name if foreign else canonical_digest(remote)[7:19]}"
        self._foreign[label] = remote
        return label


def _references(observed: Observed) -> Iterable[str]:
    for facts in KINDS[observed.kind].compared:
        value = observed.fields.get(facts.name)
        if value is None:
            continue
        if facts.ref is not None:
            yield value
        for item in value if facts.items else ():
            yield from (item[f.name] for f in facts.items if f.ref is not None and f.name in item)


def generation_of(name: str) -> int:
    """The generation that a live key name stands for: 1 for a plain name, n for `NAME.gn`."""
    found = GENERATION.fullmatch(name)
    return int(found[2]) if found else 1
