"""An API key of a repository: what an application logs in with at a Bridge Node (`/repo/{id}/apikey`)."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field as Doc

from fbplan.kinds.amounts import Duration
from fbplan.kinds.base import Kind, Resource, Trait, Wire, fields_of
from fbplan.secrets import SinkRef

ACCESS_ORDER = ("READ", "WRITE", "ADMIN")


def narrows_access(before: object, after: object) -> bool:
    """Whether a key may do less after the change."""
    ranks = {name: rank for rank, name in enumerate(ACCESS_ORDER)}
    return ranks.get(str(after), 0) < ranks.get(str(before), 0)


class Rotate(Resource):
    """When a key is replaced by its next generation."""

    every: Annotated[Duration, Doc(description="age at which a new generation is due")]
    overlap: Annotated[Duration | None, Doc(description="how long both generations work (default 7d)")] = None


class ApiKey(Resource):
    """A repository API key; its secret is shown once and goes straight to its sink."""

    name: Annotated[
        str | None, Trait.NAME, Wire("name"), Doc(min_length=1, description="live name, when it is not the map key")
    ] = None
    access: Annotated[
        Literal["READ", "WRITE", "ADMIN"],
        Trait.RANKED,
        Wire("accessType"),
        Doc(description="READ reads, WRITE reads and writes, ADMIN may do everything"),
    ]
    sink: Annotated[
        SinkRef, Trait.LOCAL, Doc(description="where the secret goes, or `external` for a key made by hand")
    ]
    rotate: Annotated[
        Rotate | None, Trait.LOCAL, Doc(description="when the key is replaced by its next generation")
    ] = None
    protect: Annotated[
        bool | None, Trait.LOCAL, Doc(description="refuse to delete it, also after it left the spec")
    ] = None
    adopt: Annotated[bool | None, Trait.LOCAL, Doc(description="take over a live key that differs")] = None
    renamed_from: Annotated[str | None, Trait.LOCAL, Doc(description="the map key it had before")] = None


API_KEY = Kind(
    name="api_key",
    section="api_keys",
    model=ApiKey,
    fields=fields_of(ApiKey),
    collection="/repo/{repository}/apikey",
    list_key="keys",
    id_keys=("id",),
    parent="repository",
    in_workspace=False,
    reveals_secret=True,
    delete_effect="clients that use this key fail at once",
)
