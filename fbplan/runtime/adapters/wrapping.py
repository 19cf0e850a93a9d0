"""`wrap`: a boto3 client becomes one that obeys the policy."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fbplan.runtime.adapters.credentials import Given
from fbplan.runtime.adapters.routed import Routed
from fbplan.runtime.adapters.s3 import S3Transport
from fbplan.runtime.adapters.shadow import Shadow
from fbplan.runtime.faults import RoutingError
from fbplan.runtime.router import Router


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
    """The boto3 S3 client with the policy at work: `Bucket=` names a repository, writes go where the policy wants.

    put_object, upload_file, upload_fileobj, get_object, head_object, delete_object, list_objects_v2, download_file and
    download_fileobj are routed, create_multipart_upload with the calls that take its UploadId, and paginators and waiters
    over these; everything else reaches `client` as it is, with its buckets, and raises RoutingError for a repository.
    Answers of writes carry `FbplanReference`, and `Key=` takes such a reference or a key.

    A file goes up in parts from `multipart_threshold` of boto3's TransferConfig on (8 MB). All parts go to one bucket;
    another is tried until the first is through. Of an upload that fails later, or that is stopped, nothing stays.

    `policy`: the path of the policy file, or a Router that is set up already. `settings` are those of
    `Router.from_file`. Without a key in a sink or in the environment, and without an endpoint in the policy, those of
    `client` are used; its own retries are not. `credentials(place)` gives key id and secret instead. An object is
    written once; with `overwrite` it is replaced in the bucket that holds it.

    `shadow`: everything is done as the caller says, with the caller's buckets. What the policy would have chosen goes
    to the log `fbplan.runtime`, at INFO, and to `on_record`; bytes are counted as if it had. `repository` says for which
    of the policy's, when it has several.

    Raises what the router raises (ReadOnly, NotStored, …); what a store refuses whatever the bucket is a ClientError.
    """
    if client.meta.service_model.service_name != "s3":
        raise RoutingError("wrap() takes a boto3 client of s3: boto3.client('s3')")
    if isinstance(policy, Router):
        given = policy
        return Shadow(client, given) if shadow else Routed(client, lambda _name: given, overwrite=overwrite)
    path = Path(policy)
    if shadow:
        return Shadow(client, Router.from_file(path, repository=repository, **settings))
    transport = S3Transport(
        path.parent,
        credentials=credentials,
        fallback=lambda _place: _own_key(client),
        endpoint=client.meta.endpoint_url,
        region=client.meta.region_name,
        config=client.meta.config,
    )

    def made(name: str) -> Router:
        return Router.from_file(path, transport, repository=name, **settings)

    return Routed(client, made, overwrite=overwrite)


def _own_key(client: Any) -> tuple[str, str]:
    found = client._get_credentials()  # noqa: SLF001 -- boto3 has no public name for it, and s3transfer takes it so
    if found is None:
        raise RoutingError("no key: the policy's sink and the environment have none, and neither has the boto3 client")
    frozen = found.get_frozen_credentials()
    return frozen.access_key, frozen.secret_key
