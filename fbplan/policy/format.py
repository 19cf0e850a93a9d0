"""The format `fbplan.routing/1`: every key, every allowed word, every default. Its JSON Schema is made from here.

Defaults belong to the format and never change within it. Unknown keys are ignored, unknown words are refused.
"""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, StringConstraints, WithJsonSchema
from pydantic import Field as Doc

from fbplan.kinds.amounts import MAX_BYTES

FORMAT = "fbplan.routing/1"
READER = 1
"""The version of this reader; a document whose `min_reader` is higher is not for it."""

Count = Annotated[int, Doc(ge=0, le=MAX_BYTES)]
Positive = Annotated[int, Doc(ge=1, le=MAX_BYTES)]
Ppm = Annotated[int, Doc(ge=0, le=1_000_000)]
Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$")]
Text = Annotated[str, StringConstraints(min_length=1)]
Digest = Annotated[str, StringConstraints(pattern=r"^sha256:[0-9a-f]{64}$")]


def _not_null(value: object) -> object:
    if value is None:
        raise ValueError("leave the key out instead of null")
    return value


def _without_default(schema: dict[str, Any]) -> None:
    schema.pop("default", None)


OptionalText = Annotated[
    str | None,
    BeforeValidator(_not_null),
    StringConstraints(min_length=1),
    WithJsonSchema({"type": "string", "minLength": 1}),
    Doc(json_schema_extra=_without_default),
]
"""Text that may be left out, and then has no default; never null."""


_CLOSED = Doc(json_schema_extra={"additionalProperties": False})
"""On a mapping of names: nothing else is a name."""


class Part(BaseModel):
    """Base of every part of the document: strict about what it knows, silent about what it does not."""

    model_config = ConfigDict(frozen=True, extra="ignore", strict=True, defer_build=True, hide_input_in_errors=True)


class Fleet(Part):
    """How many writers share the grants of a repository, and what is assumed about them."""

    size: Annotated[Positive, Doc(description="writers at the same time")] = 1
    skew_s: Annotated[Count, Doc(description="largest clock difference")] = 2
    max_upload_s: Annotated[Count, Doc(description="longest single upload")] = 300
    grant_ttl_s: Annotated[Count, Doc(description="life of a grant")] = 90


class Valid(Part):
    """How long a policy may be used without a newer one."""

    stale_after_s: Annotated[Count, Doc(description="warn from here on")] = 86_400
    expires_after_s: Annotated[Count, Doc(description="stop using it")] = 604_800
    on_expired: Literal["read_only", "continue"] = "read_only"


class Hysteresis(Part):
    """When a bucket that was closed by its cap opens again."""

    reopen_ppm: Annotated[Ppm, Doc(description="use must be under this share of the cap")] = 950_000
    min_closed_s: Annotated[Count, Doc(description="shortest time closed")] = 300
    ramp_s: Annotated[Count, Doc(description="how long the fleet takes to come back")] = 120


class Select(Part):
    """How the chooser picks among open buckets."""

    strategy: Literal["ordered", "latency"] = "ordered"
    hysteresis: Hysteresis = Hysteresis()


class Retry(Part):
    """How long one write may try."""

    deadline_ms: Annotated[Count, Doc(description="for the whole write")] = 15_000
    per_try_ms: Annotated[Count, Doc(description="for one try")] = 5_000
    max_hops: Annotated[Count, Doc(description="other buckets tried after the first")] = 3


class Key(Part):
    """Which API key opens the repository; where its secret went, never what it is."""

    key_id: OptionalText = None
    sink: Annotated[Text, Doc(description="file:PATH, exec or external", examples=["file:secrets/writer.env"])]


class Keys(Part):
    """The keys of a repository by use."""

    write: Annotated[Key | None, BeforeValidator(_not_null), Doc(json_schema_extra=_without_default)] = None
    read: Annotated[Key | None, BeforeValidator(_not_null), Doc(json_schema_extra=_without_default)] = None


class Repository(Part):
    """One repository: its endpoint, its writers and the order in which they try its buckets."""

    repo_id: Text
    protocol: Literal["S3", "GCS", "BLOB"]
    mode: Literal["NORMAL", "MIRROR"] = "NORMAL"
    endpoint: OptionalText = None
    endpoints: Annotated[
        list[Text] | None,
        BeforeValidator(_not_null),
        WithJsonSchema({"type": "array", "items": {"type": "string", "minLength": 1}}),
        Doc(
            description="when there are several, all of them, most wanted first; the first is `endpoint`",
            json_schema_extra=_without_default,
        ),
    ] = None
    address: Annotated[
        Literal["name", "container", "folder"], Doc(description="what a writer passes as the bucket in an SDK call")
    ] = "name"
    fleet: Fleet = Fleet()
    valid: Valid = Valid()
    select: Select = Select()
    retry: Retry = Retry()
    order: Annotated[list[Name], Doc(description="buckets that take writes, most wanted first; may be empty")]
    keys: Keys = Keys()


class Period(Part):
    """When a meter starts again from zero."""

    kind: Literal["month", "none"] = "month"
    tz: Annotated[Text, Doc(description="IANA time zone")] = "UTC"
    anchor_day: Annotated[int, Doc(ge=1, le=28, description="day of the month")] = 1
    rollover_grace_s: Annotated[
        Count, Doc(description="for so long after a start the period before counts as well")
    ] = 7_200


class Meter(Part):
    """One cap: how much of what may be used in which period."""

    meter: Literal["ingress_bytes", "egress_bytes", "stored_bytes"]
    limit: Annotated[Count | None, Doc(description="bytes; null is explicitly unlimited")]
    soft_ppm: Annotated[Ppm, Doc(description="leave the bucket here while another is open")] = 800_000
    hard_ppm: Annotated[Ppm, Doc(description="never write beyond this")] = 1_000_000
    reserve_ppm: Annotated[Ppm, Doc(description="kept back for writers outside the policy")] = 0
    pool: Annotated[Text | None, Doc(description="reserved for credits that several buckets share")] = None
    period: Period = Period()


class Bucket(Part):
    """One bucket, for every repository that uses it."""

    bucket_id: Text
    name: Annotated[OptionalText, Doc(description="the live name, when it is not the map key")] = None
    container: Annotated[Text, Doc(description="the bucket or container at the provider")]
    provider: OptionalText = None
    storage_type: Literal["S3", "GCS", "BLOB"]
    region: OptionalText = None
    state: Literal["active", "drain", "closed"] = "active"
    writers: Annotated[Count, Doc(description="sum of the fleets of the repositories that route to it")] = 1
    folders: Annotated[dict[Name, str], _CLOSED, Doc(description="repository → folder")] = {}
    meters: list[Meter] = []


class PolicyDocument(Part):
    """The routing policy: which repository writes to which bucket, and until when."""

    format: Literal["fbplan.routing/1"]
    min_reader: Positive
    generation: Positive
    spec_digest: Digest
    content_digest: Digest
    digest: Digest
    repositories: Annotated[dict[Name, Repository], _CLOSED]
    buckets: Annotated[dict[Name, Bucket], _CLOSED]


def policy_schema() -> str:
    """The JSON Schema of the format, draft 2020-12, ending in a newline."""
    head = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "https://github.com/fbplan/fbplan/schemas/routing-policy.schema.json",
    }
    schema = {**head, **PolicyDocument.model_json_schema(), "title": FORMAT}
    for part in (schema, *schema["$defs"].values()):
        for stated in part["properties"].values():
            stated.pop("title", None)  # the key in other letters says nothing
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"
