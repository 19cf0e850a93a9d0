"""A repository: one protocol and one set of keys in front of several buckets (`/repo`)."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field as Doc

from fbplan.kinds.api_key import ApiKey
from fbplan.kinds.base import CreateDefault, Json, Kind, Normal, Ref, Resource, Trait, Wire, fields_of
from fbplan.kinds.bucket import Text, decode_storage_type
from fbplan.kinds.routing import Routing


def decode_attachments(value: Json) -> Json:
    """Attachments as read: `bucketId`, the older `unitId`, or only a nested bucket with its id.

    The nested bucket holds ciphertext and is dropped here, so that it can never be echoed.
    """
    return [
        {
            "bucketId": found.get("bucketId") or found.get("unitId") or (found.get("bucket") or {}).get("id"),
            "folder": found.get("folder") or "",
            "master": bool(found.get("master")),
        }
        for found in value or []
        if isinstance(found, dict)
    ]


class Attachment(Resource):
    """A bucket in a repository, in a folder of its own."""

    bucket: Annotated[str, Ref("bucket"), Wire("bucketId"), Doc(description="name of an entry under buckets")]
    folder: Annotated[
        str,
        Wire("folder"),
        Normal(lambda text: text.strip("/")),
        Doc(description="folder inside the bucket (default: none)"),
    ] = ""
    master: Annotated[
        bool | None,
        Wire("master"),
        CreateDefault(value=False),
        Doc(description="the one master of a MIRROR repository"),
    ] = None


class Repository(Resource):
    """A repository, its attachments, its API keys and how writes are routed."""

    name: Annotated[Text | None, Trait.NAME, Wire("name"), Doc(description="live name, when it is not the map key")] = (
        None
    )
    storage_type: Annotated[
        Literal["S3", "GCS", "BLOB"],
        Trait.IMMUTABLE,
        Wire("storageType", decode=decode_storage_type),
        Doc(description="the protocol offered to applications"),
    ]
    mode: Annotated[
        Literal["NORMAL", "MIRROR"] | None,
        Trait.IMMUTABLE,
        Wire("mode"),
        CreateDefault("NORMAL"),
        Doc(description="NORMAL: a folder per bucket. MIRROR: one master, the others follow (default NORMAL)"),
    ] = None
    buckets: Annotated[
        list[Attachment] | None,
        Wire("repoBuckets", read=("buckets",), decode=decode_attachments),
        CreateDefault([]),
        Doc(description="the attached buckets"),
    ] = None
    api_keys: Annotated[dict[str, ApiKey] | None, Trait.LOCAL, Doc(description="keys that open this repository")] = None
    routing: Annotated[Routing | None, Trait.LOCAL, Doc(description="how the chooser routes writes")] = None
    protect: Annotated[
        bool | None, Trait.LOCAL, Doc(description="refuse to delete or replace it, also after it left the spec")
    ] = None
    adopt: Annotated[bool | None, Trait.LOCAL, Doc(description="take over a live repository that differs")] = None
    renamed_from: Annotated[str | None, Trait.LOCAL, Doc(description="the map key it had before")] = None


REPOSITORY = Kind(
    name="repository",
    section="repositories",
    model=Repository,
    fields=fields_of(Repository),
    collection="/repo",
    list_key="repos",
    id_keys=("repoId", "id"),
    routes=True,
    measured_by=("repoId",),
    readable_values=(("mode", ("NORMAL", "MIRROR")),),
    carries=("aiLlms",),
    delete_effect="applications lose this endpoint and every key of it at once; the objects stay in the providers' buckets",
)
