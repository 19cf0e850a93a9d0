"""The two states, desired and observed, and how they find each other.

Both sides are brought to one form first: compared fields by their spec names, references as addresses. Ownership is a
filter here, before any difference is looked at: what is neither declared nor owned is counted and never touched.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from pydantic import BaseModel

from fbplan.kinds import KINDS
from fbplan.kinds.base import Json, Kind, address_of, split_address
from fbplan.spec.model import Spec

GENERATION = re.compile(r"(.+)\.g(\d+)")


@dataclass(frozen=True, slots=True)
class Desired:
    """One declared resource."""

    address: str
    kind: str
    name: str
    fields: Mapping[str, Json]
    """Compared fields that the spec declares; references are addresses."""
    place: tuple[str | int, ...]
    parent: str | None = None
    secrets: Mapping[str, Json] = field(default_factory=dict)
    """Where the write-only fields come from, as in the spec; values are never here."""
    version: int | None = None
    protect: bool = False
    drain: int = 0
    """Seconds between publishing a policy without something of it and removing that."""
    adopts: bool = False
    renamed_from: str | None = None
    sink: Json = None


@dataclass(frozen=True, slots=True)
class Observed:
    """One live object, as the API lists it."""

    kind: str
    id: str
    name: str
    fields: Mapping[str, Json]
    """Compared fields; references are remote ids until `translate` has run."""
    parent_id: str | None = None
    key_id: str | None = None
    status: str | None = None
    created_at: str | None = None
    is_web3: bool = False
    carried: Mapping[str, Json] = field(default_factory=dict)
    children: int = 0
    """How many API keys stand in a repository, declared or not, as its own listing tells."""


@dataclass(frozen=True, slots=True)
class Departing:
    """An address that the spec asks to destroy or to let go."""

    address: str
    reason: str


@dataclass(frozen=True, slots=True)
class DesiredState:
    """Everything the spec asks for."""

    resources: Mapping[str, Desired]
    delete: Mapping[str, Departing]
    forget: Mapping[str, Departing]


@dataclass(frozen=True, slots=True)
class Ambiguity:
    """Several live objects that could be the one meant; guessing is not an option."""

    address: str
    name: str
    ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class World:
    """The observed state seen through the spec and the ledger."""

    live: Mapping[str, Observed]
    older: Mapping[str, tuple[Observed, ...]]
    """Earlier generations of an API key that still live, oldest first."""
    ambiguous: tuple[Ambiguity, ...]
    unmanaged: Mapping[str, int]
    counts: Mapping[str, int]
    users: Mapping[str, tuple[str, ...]]
    """By address of a referenced object: the live objects that refer to it, as addresses or `unmanaged:` names."""
    ids: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Every remote id that was listed, by kind."""
    raw: Mapping[str, Observed] = field(default_factory=dict)
    """The live objects as listed, references by remote id: what they were, whatever else is matched."""
    foreign: Mapping[str, str] = field(default_factory=dict)
    """What an `unmanaged:` name stands for: a remote id."""


def desired_state(spec: Spec) -> DesiredState:
    """The spec, resource by resource."""
    resources: dict[str, Desired] = {}
    for kind in KINDS.values():
        if kind.parent is not None:
            continue
        for name, declared in getattr(spec, kind.section).items():
            resources[address_of(kind.name, name)] = _desired(kind, (name,), declared, (kind.section, name))
            for child in KINDS.values():
                if child.parent == kind.name:
                    for inner, entry in (getattr(declared, child.section) or {}).items():
                        found = _desired(child, (name, inner), entry, (kind.section, name, child.section, inner))
                        resources[found.address] = found
    return DesiredState(
        resources,
        {d.address: Departing(d.address, d.reason) for d in spec.delete},
        {d.address: Departing(d.address, d.reason) for d in spec.forget},
    )


def _desired(kind: Kind, names: tuple[str, ...], declared: BaseModel, place: tuple[str | int, ...]) -> Desired:
    stated = {name: declared.__dict__[name] for name in declared.model_fields_set}
    name = names[-1] if kind.marker_field is not None else stated.get("name") or names[-1]
    fields: dict[str, Json] = {}
    secrets: dict[str, Json] = {}
    for facts in kind.fields:
        if facts.is_name:
            fields[facts.name] = name
        elif facts.name not in stated:
            continue
        elif facts.is_write_only:
            value = stated[facts.name]
            secrets[facts.name] = value if isinstance(value, str) else value.to_json()
        elif facts.is_compared:
            fields[facts.name] = _plain(facts, stated[facts.name])
    if secrets:
        for facts in kind.secret_forms:
            fields.setdefault(facts.name, None)
    sink = stated.get("sink")
    return Desired(
        address=address_of(kind.name, *names),
        kind=kind.name,
        name=name,
        fields=fields,
        place=place,
        parent=address_of(kind.parent, names[0]) if kind.parent else None,
        secrets=secrets,
        version=stated.get("version"),
        protect=bool(stated.get("protect")),
        drain=(kind.routes and declared.__dict__["routing"] and declared.__dict__["routing"].drain) or 0,
        adopts=bool(stated.get("adopt")),
        renamed_from=stated.get("renamed_from"),
        sink=None if sink is None else sink.to_json(),
    )


def _plain(facts: Any, value: Any) -> Json:
    if facts.items:
        return [
            {f.name: _plain(f, inner) for f in facts.items if (inner := getattr(item, f.name)) is not None}
            for item in value
        ]
    return address_of(facts.ref.kind, value) if facts.ref is not None else value


def canonical_digest(value: Json) -> str:
    """sha256 over the canonical JSON of a value."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return "sha256:" + hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def fingerprint(observed: Observed) -> str:
    """The precondition digest of an object as listed (`World.raw`): all that a PUT would send, no secret, no status."""
    kind = KINDS[observed.kind]
    return canonical_digest(
        {
            "id": canonical_digest(observed.id),
            "name": observed.name,
            "fields": {f.name: f.normalise(observed.fields.get(f.name)) for f in kind.compared},
            "carried": observed.carried,
        }
    )


class Matcher:
    """Finds, for each address, the live object that it means: by ledger id, then by exact name."""

    def __init__(self, ids: Mapping[str, tuple[str, ...]]) -> None:
        self._by_id: dict[str, dict[str, Observed]] = {name: {} for name in KINDS}
        self._by_name: dict[tuple[str, str | None, str], list[Observed]] = defaultdict(list)
        self._ids = ids
        self.live: dict[str, Observed] = {}
        self.older: dict[str, tuple[Observed, ...]] = {}
        self.ambiguous: list[Ambiguity] = []
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

    def _by_exact_name(self, kind: str, parent_id: str | None, name: str, former: str | None) -> list[Observed]:
        """Unclaimed objects that bear the name; every generation of it, for a key."""
        names = [name] if former is None else [name, split_address(former)[1][-1]]
        for wanted in names:
            found = [o for o in self._by_name.get((kind, parent_id, wanted), ()) if (kind, o.id) not in self._claimed]
            if found:
                return found
        return []

    def world(self, counts: Mapping[str, int]) -> World:
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
