"""The spec as pydantic models: the sections around the kinds."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field as Doc
from pydantic import StringConstraints

from fbplan.kinds.amounts import Ratio
from fbplan.kinds.base import Resource
from fbplan.kinds.bucket import Bucket
from fbplan.kinds.credential import Credential
from fbplan.kinds.repository import Repository

NAME_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$"
Name = Annotated[str, StringConstraints(pattern=NAME_PATTERN)]
"""A map key: it becomes part of an address, a file name and a header, so it is kept plain."""


class PolicySettings(Resource):
    """Where the routing policy is published."""

    path: Annotated[str, Doc(min_length=1, description="a file, counted from the folder of the spec")] = (
        "routing-policy.json"
    )


class Limits(Resource):
    """How much one apply may remove or change before it asks."""

    max_deletes: Annotated[int, Doc(ge=0, description="deletes and replaces in one apply")] = 5
    max_change: Annotated[
        Ratio, Doc(description="share of owned objects updated, replaced or deleted, from 10 owned up (default 30%)")
    ] = 300_000


class Departure(Resource):
    """An address to destroy or to let go, and why."""

    address: Annotated[str, Doc(description="for example bucket.old-logs")]
    reason: Annotated[str, Doc(min_length=1, description="shown in the plan and kept in the history")]


class Spec(Resource):
    """The state that a Flashback workspace should be in."""

    version: Annotated[Literal[1], Doc(description="format of this file")]
    workspace: Annotated[str | None, Doc(min_length=1, description="name or id of the workspace")] = None
    credentials: Annotated[dict[Name, Credential], Doc(description="reusable provider credentials")] = {}
    buckets: Annotated[dict[Name, Bucket], Doc(description="registered provider buckets")] = {}
    repositories: Annotated[dict[Name, Repository], Doc(description="repositories, their attachments and keys")] = {}
    policy: Annotated[PolicySettings | None, Doc(description="the routing policy file")] = None
    ledger: Annotated[
        str,
        Doc(
            min_length=1,
            description="where fbplan keeps what it owns: a file, an object (s3://, gs://, az://), or `none`",
        ),
    ] = "fbplan.ledger.json"
    limits: Annotated[Limits, Doc(description="guards against large changes")] = Limits()
    delete: Annotated[list[Departure], Doc(description="resources to destroy")] = []
    forget: Annotated[list[Departure], Doc(description="resources to drop from the ledger without a write")] = []
