"""A bucket: the registration of a bucket or container that exists at a provider (`/bucket`)."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field as Doc
from pydantic import StringConstraints

from fbplan.kinds.amounts import Limit, Ratio
from fbplan.kinds.base import Kind, Ref, Resource, Trait, Wire, fields_of
from fbplan.secrets import SourceRef

Text = Annotated[str, StringConstraints(min_length=1, max_length=1024)]


class SoftCap(Resource):
    """How much of one meter may be used in one period before writes leave the bucket."""

    limit: Annotated[Limit, Doc(description="the credit: a size, or `unlimited`")]
    soft: Annotated[Ratio | None, Doc(description="leave the bucket here while another is open (default 80%)")] = None
    hard: Annotated[Ratio | None, Doc(description="never write beyond this (default 100%)")] = None
    reserve: Annotated[
        Ratio | None, Doc(description="kept back for writers that do not follow the policy (default 0%)")
    ] = None
    meter: Annotated[
        Literal["ingress_bytes", "egress_bytes", "stored_bytes"] | None,
        Doc(description="what is counted (default ingress_bytes)"),
    ] = None
    period: Annotated[
        Literal["month", "none"] | None, Doc(description="when the count starts again (default month)")
    ] = None
    anchor_day: Annotated[
        int | None, Doc(ge=1, le=28, description="day of the month on which the period starts (default 1)")
    ] = None
    tz: Annotated[
        str | None, Doc(min_length=1, description="time zone of the period (default UTC)", examples=["Europe/Paris"])
    ] = None


def decode_storage_type(value: object) -> object:
    """AZURE is the docs' older word for BLOB."""
    return "BLOB" if value == "AZURE" else value


class Bucket(Resource):
    """A registered provider bucket, with the credit that the chooser may spend on it."""

    name: Annotated[Text | None, Trait.NAME, Wire("name"), Doc(description="live name, when it is not the map key")] = (
        None
    )
    bucket: Annotated[
        Text,
        Trait.IMMUTABLE,
        Trait.IDENTITY,
        Wire("bucket"),
        Doc(description="the bucket or container at the provider"),
    ]
    storage_type: Annotated[
        Literal["S3", "GCS", "BLOB"],
        Trait.IMMUTABLE,
        Wire("storageType", decode=decode_storage_type),
        Doc(description="protocol family of the provider; Azure is BLOB"),
    ]
    provider: Annotated[Text | None, Trait.LOCAL, Doc(description="who bills: aws, gcp, azure, storj, akave, …")] = None
    region: Annotated[Text | None, Wire("region"), Doc(description="provider region; needed to create")] = None
    endpoint: Annotated[Text | None, Wire("endpoint"), Doc(description="URL of an S3- or GCS-compatible service")] = (
        None
    )
    credential: Annotated[
        str | None,
        Ref("credential"),
        Trait.SECRET_FORM,
        Wire("apiKeyUuid", read=("apiKeyId",)),
        Doc(description="name of an entry under credentials"),
    ] = None
    key: Annotated[
        str | SourceRef | None,
        Trait.WRITE_ONLY,
        Wire("key"),
        Doc(description="access key id, client e-mail, account name or role ARN; may be a literal"),
    ] = None
    secret: Annotated[
        SourceRef | None,
        Trait.WRITE_ONLY,
        Wire("secret"),
        Doc(description="where the secret comes from; never a literal"),
    ] = None
    version: Annotated[int | None, Trait.LOCAL, Doc(ge=1, description="raise it to send key and secret again")] = None
    soft_cap: Annotated[SoftCap | list[SoftCap] | None, Trait.LOCAL, Doc(description="one cap, or one per meter")] = (
        None
    )
    state: Annotated[
        Literal["active", "drain", "closed"] | None, Trait.LOCAL, Doc(description="for the chooser (default active)")
    ] = None
    protect: Annotated[
        bool | None, Trait.LOCAL, Doc(description="refuse to delete or replace it, also after it left the spec")
    ] = None
    adopt: Annotated[bool | None, Trait.LOCAL, Doc(description="take over a live bucket that differs")] = None
    renamed_from: Annotated[str | None, Trait.LOCAL, Doc(description="the map key it had before")] = None


BUCKET = Kind(
    name="bucket",
    section="buckets",
    model=Bucket,
    fields=fields_of(Bucket),
    collection="/bucket",
    list_key="buckets",
    id_keys=("bucketId", "id"),
    swap_requires_change_of="bucket",
    measured_by=("bucketId", "unitId"),
    delete_effect="the registration only; the provider's bucket and its objects stay",
)
