"""What is live, as listed and as seen through the spec and the ledger."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from fbplan.kinds import KINDS
from fbplan.kinds.base import Json


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
    childless: frozenset[tuple[str, str]] = frozenset()
    """(kind, parent's address) of every listing of children that came back empty."""
    unowned: Mapping[str, int] = field(default_factory=dict)
    """The newest generation of an API key that lives beside those of the ledger and is not in it: its name is taken."""


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
