"""A provider credential: a key and secret that several buckets can share (`/apikeys`)."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field as Doc

from fbplan.kinds.base import Kind, Normal, Resource, Trait, Wire, fields_of
from fbplan.secrets import SourceRef


class Credential(Resource):
    """A reusable provider credential, stored encrypted by Flashback."""

    provider: Annotated[
        str,
        Wire("provider"),
        Normal(str.upper),
        Doc(min_length=1, description="who issued it: AWS, GCP, AZURE, OTHER", examples=["GCP"]),
    ]
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
    region: Annotated[
        str | None, Wire("region"), Doc(min_length=1, description="region that the provider wants with the key")
    ] = None
    endpoint: Annotated[
        str | None, Wire("endpoint"), Doc(min_length=1, description="host of an S3-compatible provider")
    ] = None
    tenant_id: Annotated[str | None, Wire("tenantId"), Doc(min_length=1, description="Azure tenant")] = None
    subscription_id: Annotated[
        str | None, Wire("subscriptionId"), Doc(min_length=1, description="Azure subscription")
    ] = None
    protect: Annotated[
        bool | None, Trait.LOCAL, Doc(description="refuse to delete or replace it, also after it left the spec")
    ] = None
    adopt: Annotated[bool | None, Trait.LOCAL, Doc(description="take over a live credential that differs")] = None
    renamed_from: Annotated[str | None, Trait.LOCAL, Doc(description="the map key it had before")] = None


CREDENTIAL = Kind(
    name="credential",
    section="credentials",
    model=Credential,
    fields=fields_of(Credential),
    collection="/apikeys",
    list_key="apiKeys",
    id_keys=("apiKeyId", "id"),
    put="partial",
    marker_field="description",
    delete_effect="the stored credential is gone for good; the provider's key itself stays valid",
)
