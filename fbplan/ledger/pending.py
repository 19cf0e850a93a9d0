"""A create whose outcome nobody knows yet: what it takes to recognise its object, should it be there or still come."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from fbplan.kinds.base import Json
from fbplan.ledger.entry import Delta, delta_from, delta_json

ORPHAN = "@orphan"
"""Marks the address of an object that a lost answer left behind; no map key can hold it."""
REPLACED = "@replaced"
"""The same for one that a replace set aside."""


@dataclass(frozen=True, slots=True)
class Pending:
    """One create or issue on the books. It holds no secret; `sink` is the reference of the spec."""

    address: str
    name: str
    """The live name that was sent: with its generation for a key, the marker for what has no name."""
    parent_id: str | None
    at: int
    """When it was sent, Unix seconds."""
    then: Delta
    """What the ledger will hold if it happened, without the id."""
    sent: Mapping[str, Json] = field(default_factory=dict)
    """The plain fields that were sent; an object that differs in one of them is not it."""
    before: tuple[str, ...] = ()
    """Ids of the same kind, and of the same parent, that were there before it was sent."""
    was: str | None = None
    """The id that the ledger held for the address; while it still does, the address is free for the new object."""
    issued: str | None = None
    """The id in an answer that came, for a key whose secret may not have reached its sink."""
    key_id: str = ""
    sink: Json = None


class Doubt(StrEnum):
    """Why nobody but a person can tell."""

    SEVERAL = "several"
    UNDECLARED = "undeclared"
    RENAMED = "renamed"


@dataclass(frozen=True, slots=True)
class Question:
    """Live objects that a lost answer may have made, or somebody by hand."""

    address: str
    name: str
    ids: tuple[str, ...]
    doubt: Doubt = Doubt.SEVERAL


def pending_json(pending: Pending) -> dict[str, Any]:
    return {
        "address": pending.address,
        "name": pending.name,
        "parent_id": pending.parent_id,
        "at": pending.at,
        "then": delta_json(pending.then),
        "sent": dict(pending.sent),
        "before": list(pending.before),
        "was": pending.was,
        "issued": pending.issued,
        "key_id": pending.key_id,
        "sink": pending.sink,
    }


def pending_from(found: Mapping[str, Any]) -> Pending:
    """The record that `pending_json` wrote. Raises KeyError, TypeError, AttributeError for anything else."""
    return Pending(**{**found, "then": delta_from(found["then"]), "before": tuple(found["before"])})
