"""What a resource kind is made of: traits on fields, and one record of wire facts per kind.

A kind is a frozen pydantic model whose fields carry traits. Validation, JSON Schema, diff, masking, order of work and
request bodies are all derived from it, so that nothing outside this folder needs to know a kind by name.
Source of the wire facts: `schemas/openapi.yaml` and its companion notes on the Flashback management API.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel, ConfigDict

Json = Any
"""A JSON value: None, bool, int, str, a list of these, or a mapping of str to these."""


class Trait(StrEnum):
    """A claim about a field that the rest of the pipeline acts on."""

    IMMUTABLE = "immutable"  # a change means a new object
    WRITE_ONLY = "write-only"  # sent, never read back: cannot be compared
    LOCAL = "local"  # ours alone: neither sent nor compared
    SECRET_FORM = "secret-form"  # going back to none of it means sending the write-only fields again  # noqa: S105
    NAME = "name"  # the live name
    IDENTITY = "identity"  # what the object stands for: two of one value are refused
    RANKED = "ranked"  # values are ordered: a step up widens, a step down narrows


@dataclass(frozen=True, slots=True)
class Wire:
    """How a field is called by the API: the name to write, the names to read, how to read an odd value."""

    write: str
    read: tuple[str, ...] = ()
    decode: Callable[[Json], Json] | None = None


@dataclass(frozen=True, slots=True)
class Ref:
    """The field holds the name of another resource of this kind; on the wire it is that resource's id."""

    kind: str


@dataclass(frozen=True, slots=True)
class CreateDefault:
    """What a create sends when the spec says nothing; never compared."""

    value: Json


@dataclass(frozen=True, slots=True)
class Normal:
    """Two values are equal when their normal forms are."""

    form: Callable[[Json], Json]


class Resource(BaseModel):
    """Base of every model in the spec: closed, frozen, strict."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, defer_build=True)


@dataclass(frozen=True, slots=True, eq=False)
class Field:
    """The facts of one field, read off its annotation."""

    name: str
    traits: frozenset[Trait]
    wire: Wire | None
    ref: Ref | None
    normal: Callable[[Json], Json] | None
    create_default: CreateDefault | None
    items: tuple[Field, ...] = ()
    is_name: bool = field(init=False)
    is_write_only: bool = field(init=False)
    is_compared: bool = field(init=False)
    """Whether desired and observed are compared in this field."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "is_name", Trait.NAME in self.traits)
        object.__setattr__(self, "is_write_only", Trait.WRITE_ONLY in self.traits)
        object.__setattr__(self, "is_compared", self.wire is not None and Trait.WRITE_ONLY not in self.traits)

    def has(self, trait: Trait) -> bool:
        return trait in self.traits

    def normalise(self, value: Json) -> Json:
        if self.items and value is not None:
            return sorted(
                ({f.name: f.normalise(item[f.name]) for f in self.items if f.name in item} for item in value),
                key=lambda item: [str(item.get(f.name)) for f in self.items],
            )
        return self.normal(value) if self.normal is not None and value is not None else value


@dataclass(frozen=True, slots=True, eq=False)
class Kind:
    """One resource kind: its model, its place in the spec and on the wire, and what deleting it means."""

    name: str
    section: str
    model: type[BaseModel]
    fields: tuple[Field, ...]
    collection: str
    list_key: str
    id_keys: tuple[str, ...]
    delete_effect: str
    parent: str | None = None
    put: Literal["full", "partial"] = "full"
    in_workspace: bool = True
    name_wire: str = "name"
    marker_field: str | None = None
    reveals_secret: bool = False
    routes: bool = False
    measured_by: tuple[str, ...] = ()
    """What the statistics call its id, in a row of theirs; the first is also what they are asked by."""
    carries: tuple[str, ...] = ()
    """Wire keys that are read and sent back as they are on an update (see `wire.carried`)."""
    swap_requires_change_of: str | None = None
    """A replacement may stand beside the old object only if this field differs, because the API keeps it unique."""
    readable_values: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """Fields whose live value must be one of these before fbplan will plan a change on the object."""
    write_only: tuple[Field, ...] = field(init=False)
    secret_forms: tuple[Field, ...] = field(init=False)
    compared: tuple[Field, ...] = field(init=False)
    """Fields in which desired and observed are compared; asked for once per object, so kept."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "write_only", tuple(f for f in self.fields if f.is_write_only))
        object.__setattr__(self, "secret_forms", tuple(f for f in self.fields if f.has(Trait.SECRET_FORM)))
        object.__setattr__(self, "compared", tuple(f for f in self.fields if f.is_compared))


def fields_of(model: type[BaseModel]) -> tuple[Field, ...]:
    """The facts of every field of a model, in the order of the model."""
    found = []
    for name, declared in model.model_fields.items():
        marks = declared.metadata
        items = _item_model(declared.annotation)
        found.append(
            Field(
                name=name,
                traits=frozenset(m for m in marks if isinstance(m, Trait)),
                wire=next((m for m in marks if isinstance(m, Wire)), None),
                ref=next((m for m in marks if isinstance(m, Ref)), None),
                normal=next((m.form for m in marks if isinstance(m, Normal)), None),
                create_default=next((m for m in marks if isinstance(m, CreateDefault)), None),
                items=fields_of(items) if items is not None and any(isinstance(m, Wire) for m in marks) else (),
            )
        )
    return tuple(found)


def _item_model(annotation: Any) -> type[BaseModel] | None:
    """The model inside `list[Model]` or `list[Model] | None`, if there is one."""
    if get_origin(annotation) is list:
        inner = get_args(annotation)[0]
        return inner if isinstance(inner, type) and issubclass(inner, BaseModel) else None
    return next((found for arg in get_args(annotation) if (found := _item_model(arg)) is not None), None)


def address_of(kind: str, *names: str) -> str:
    """The identity of a resource inside fbplan: `bucket.app-logs-gcp`, `api_key.app-data.writer`."""
    return ".".join((kind, *names))


def split_address(address: str) -> tuple[str, tuple[str, ...]]:
    """The kind and the names of an address; ("", ()) when it is none."""
    kind, *names = address.split(".")
    return (kind, tuple(names)) if names and all(names) else ("", ())
