"""What the spec asks for, resource by resource."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel

from fbplan.kinds import KINDS
from fbplan.kinds.base import Json, Kind, address_of
from fbplan.spec.model import Spec


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
