"""`wrap`: a client of boto3, google-cloud-storage or azure-storage-blob becomes one that obeys the policy."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, Protocol

from fbplan.runtime.adapters.credentials import Given
from fbplan.runtime.adapters.routers import Routers
from fbplan.runtime.faults import RoutingError
from fbplan.runtime.origin import folder_of
from fbplan.runtime.router import Router
from fbplan.runtime.transport import Transport


class Sdk(Protocol):
    """What `wrap` needs to know of an SDK; a module is one."""

    def transport_over(self, client: Any, folder: str, credentials: Given | None) -> Transport:
        """A transport that uses what the client has where the policy says nothing."""

    def routed(self, client: Any, routers: Routers, *, overwrite: bool) -> Any: ...

    def shadow(self, client: Any, router: Router) -> Any: ...


def wrap(
    client: Any,
    policy: str | Path | Router,
    *,
    repository: str | None = None,
    credentials: Given | None = None,
    shadow: bool = False,
    overwrite: bool = False,
    **settings: Any,
) -> Any:
    """The client with the policy at work: where it names a bucket, a repository is named; writes go where the policy wants.

    boto3, client("s3"): put_object, upload_file, upload_fileobj, get_object, head_object, delete_object,
    list_objects_v2, download_file and download_fileobj are routed, create_multipart_upload with the calls that take its
    UploadId, and paginators and waiters over these; any other call that names a repository raises RoutingError. Answers
    of writes carry `FbplanReference`. A file goes up in parts from `multipart_threshold` of boto3's TransferConfig on
    (8 MB). All parts go to one bucket; another is tried until the first is through. Of an upload that fails later, or
    that is stopped, nothing stays.

    google-cloud-storage, Client: `bucket(REPOSITORY)` with its `blob(…)`, get_blob, list_blobs and delete_blob, and of
    a blob the uploads, the downloads, exists, reload and delete. A blob that was written has `fbplan_reference`.

    azure-storage-blob, BlobServiceClient: get_container_client(REPOSITORY) and get_blob_client(REPOSITORY, …) with
    upload_blob, download_blob, exists, get_blob_properties, delete_blob, list_blobs and list_blob_names. Answers of
    upload_blob carry `fbplan_reference`.

    Everything else reaches `client` as it is, with its buckets. Where a key is named, a reference may be.

    `policy`: the path or URL of the policy file, or a Router that is set up already. `settings` are those of
    `Router.from_file`. Without a key in a sink or in the environment, and without an endpoint in the policy, those of
    `client` are used; its own retries are not. `credentials(place)` gives key id and secret instead. A key is
    written once, and again is AlreadyExists, where the SDK itself would replace it; with `overwrite` it is replaced in
    the bucket that holds it.

    `shadow`: everything is done as the caller says, with the caller's buckets. What the policy would have chosen goes
    to the log `fbplan.runtime`, at INFO, and to `on_record`; bytes are counted as if it had. `repository` says for which
    of the policy's, when it has several.

    Raises what the router raises (ReadOnly, NotStored, …); what a store refuses whatever the bucket is an error of the SDK.
    """
    sdk = _sdk_of(client)
    if isinstance(policy, Router):
        given = policy
        if shadow:
            return sdk.shadow(client, given)
        return sdk.routed(client, Routers(lambda _name: given), overwrite=overwrite)
    if shadow:
        return sdk.shadow(client, Router.from_file(policy, repository=repository, **settings))
    transport = sdk.transport_over(client, folder_of(policy), credentials)

    def made(name: str) -> Router:
        return Router.from_file(policy, transport, repository=name, **settings)

    return sdk.routed(client, Routers(made), overwrite=overwrite)


def _sdk_of(client: Any) -> Sdk:
    if _is_of(client, "google.cloud.storage", "Client"):
        from fbplan.runtime.adapters import gcs_wrapping

        return gcs_wrapping
    if _is_of(client, "azure.storage.blob", "BlobServiceClient"):
        from fbplan.runtime.adapters import blob_wrapping

        return blob_wrapping
    if _is_of(client, "botocore.client", "BaseClient") and client.meta.service_model.service_name == "s3":
        from fbplan.runtime.adapters import s3_wrapping

        return s3_wrapping
    raise RoutingError(
        "wrap() takes boto3.client('s3'), a google.cloud.storage.Client or an azure.storage.blob.BlobServiceClient"
    )


def _is_of(client: Any, module: str, name: str) -> bool:
    """Without loading an SDK: whoever has a client of it has loaded it."""
    loaded = sys.modules.get(module)
    return loaded is not None and isinstance(client, getattr(loaded, name))
