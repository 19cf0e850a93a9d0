"""What is remembered of one owned resource, and how one finished step changes what is remembered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

UNKNOWN_ID = ""
"""Stands for the id of an object that does not exist yet."""


@dataclass(frozen=True, slots=True)
class KeyGeneration:
    """One issued API key: its remote id, its access key id, and which generation it is."""

    id: str
    key_id: str
    generation: int


@dataclass(frozen=True, slots=True)
class Entry:
    """What is remembered of one owned resource."""

    id: str
    name: str
    protect: bool = False
    version: int | None = None
    digests: Mapping[str, str] = field(default_factory=dict)
    keys: tuple[KeyGeneration, ...] = ()
    drain: int = 0
    """Seconds to wait before anything of it is removed; remembered, because it may leave the spec as a whole."""

    @property
    def ids(self) -> tuple[str, ...]:
        """Every remote id that belongs to the resource, the current one last."""
        return tuple(k.id for k in self.keys) if self.keys else (self.id,)

    def identified(self, remote: str, key_id: str = "") -> Entry:
        """The same entry once the id of its object is known."""
        keys = tuple(KeyGeneration(remote, key_id, k.generation) if k.id == UNKNOWN_ID else k for k in self.keys)
        return replace(self, id=remote if self.id == UNKNOWN_ID else self.id, keys=keys)


@dataclass(frozen=True, slots=True)
class Delta:
    """What one step changes in the ledger: entries that come or are replaced, entries that go."""

    put: Mapping[str, Entry] = field(default_factory=dict)
    drop: tuple[str, ...] = ()

    def identified(self, remote: str, key_id: str = "") -> Delta:
        return Delta({address: entry.identified(remote, key_id) for address, entry in self.put.items()}, self.drop)


def entry_json(entry: Entry) -> dict[str, Any]:
    """An entry as it stands in files; what is at its default is left out."""
    out: dict[str, Any] = {"id": entry.id, "name": entry.name}
    if entry.protect:
        out["protect"] = True
    if entry.drain:
        out["drain"] = entry.drain
    if entry.version is not None:
        out["version"] = entry.version
    if entry.digests:
        out["digests"] = dict(entry.digests)
    if entry.keys:
        out["keys"] = [{"id": k.id, "key_id": k.key_id, "generation": k.generation} for k in entry.keys]
    return out


def entry_from(found: Mapping[str, Any]) -> Entry:
    """The entry that `entry_json` wrote. Raises KeyError, TypeError, AttributeError for anything else."""
    return Entry(
        id=found["id"],
        name=found["name"],
        protect=found.get("protect", False),
        version=found.get("version"),
        digests=dict(found.get("digests", {}).items()),
        keys=tuple(KeyGeneration(k["id"], k["key_id"], k["generation"]) for k in found.get("keys", ())),
        drain=int(found.get("drain", 0)),
    )


def delta_json(delta: Delta) -> dict[str, Any]:
    return {"put": {a: entry_json(e) for a, e in sorted(delta.put.items())}, "drop": list(delta.drop)}


def delta_from(found: Mapping[str, Any]) -> Delta:
    return Delta({a: entry_from(e) for a, e in found["put"].items()}, tuple(found["drop"]))
