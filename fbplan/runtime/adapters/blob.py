"""Azure Blob Storage through azure-storage-blob, its retries off. A place is a container of the account."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import IO, Any
from urllib.parse import urlsplit

from fbplan.runtime.adapters.blob_answers import answer_of
from fbplan.runtime.adapters.clients import Clients, Connect, Wanted, no_key
from fbplan.runtime.adapters.credentials import Credentials, Given, Key
from fbplan.runtime.adapters.endpoints import Limits, monotonic_ms
from fbplan.runtime.adapters.rewinding import Rewinding
from fbplan.runtime.faults import RoutingError
from fbplan.runtime.transport import Entry, Got, Head, Place, Stored, TransportFailure

_NONE: Mapping[str, Any] = MappingProxyType({})
_NEEDED = "the router needs azure-storage-blob for Blob: pip install 'fbplan[azure]'"


class BlobTransport:
    """A `Transport` over azure-storage-blob for the repositories of one policy.

    The SDK sends up to 64 MiB in one request, and more than that in blocks; the blob is there when they are committed.
    Of a download the first 32 MiB are in memory when it is answered. When a body breaks off while it is read, the SDK
    asks for that part again, twice and after a second each.
    """

    def __init__(
        self,
        folder: str | Path = ".",
        *,
        credentials: Given | None = None,
        connect: Connect | None = None,
        endpoint: str | Sequence[str] | None = None,
        environ: Mapping[str, str] = os.environ,
        clock_ms: Callable[[], int] = monotonic_ms,
    ) -> None:
        """`folder`, `credentials` and `endpoint`: as for S3Transport. `connect(place, key)`: makes the BlobServiceClient,
        for tokens or for proxies; key is None when there is none. Raises RoutingError without the SDK.
        """
        try:
            import azure.storage.blob  # noqa: F401 -- whether it is there
        except ImportError:
            raise RoutingError(_NEEDED) from None
        self._connect = connect
        found = Credentials(Path(folder), credentials, fallback=connect and no_key, environ=environ)
        self._clients = Clients(found, endpoint or (connect and ""), self._made, answer_of, clock_ms=clock_ms)

    def put(
        self,
        place: Place,
        key: str,
        body: bytes | IO[bytes],
        *,
        size: int,
        metadata: Mapping[str, str],
        write_once: bool,
        timeout_ms: int,
        options: Mapping[str, Any] = _NONE,
    ) -> Stored:
        """`options` may hold what upload_blob takes."""
        stated = {
            **options,
            "length": size,
            "metadata": {**(options.get("metadata") or {}), **metadata},
            "overwrite": not write_once,
        }
        content = Rewinding(body)

        def sent(client: Any, limits: Limits) -> Any:
            return _blob(client, place, key).upload_blob(content.opened(), **{**stated, **_once(limits)})

        answer = self._clients.ask(place, timeout_ms, sent, is_repeatable=False, is_spent=content.is_spent)
        return Stored(answer.get("etag"), answer)

    def head(self, place: Place, key: str, *, timeout_ms: int) -> Head | None:
        try:
            return _head(
                self._clients.ask(
                    place,
                    timeout_ms,
                    lambda client, limits: _blob(client, place, key).get_blob_properties(**_once(limits)),
                )
            )
        except TransportFailure as failure:
            if failure.status == 404:
                return None
            raise

    def get(self, place: Place, key: str, *, timeout_ms: int, options: Mapping[str, Any] = _NONE) -> Got:
        """The content is a StorageStreamDownloader. `options` may hold what download_blob takes."""
        content = self._clients.ask(
            place,
            timeout_ms,
            lambda client, limits: _blob(client, place, key).download_blob(**{**options, **_once(limits)}),
        )
        return Got(_head(content.properties), content)

    def delete(self, place: Place, key: str, *, timeout_ms: int) -> None:
        try:
            self._clients.ask(
                place, timeout_ms, lambda client, limits: _blob(client, place, key).delete_blob(**_once(limits))
            )
        except TransportFailure as failure:
            if failure.status != 404:
                raise

    def list(
        self, place: Place, prefix: str, *, timeout_ms: int, options: Mapping[str, Any] = _NONE
    ) -> Sequence[Entry]:
        """`options` may hold what list_blobs takes."""

        def found(client: Any, limits: Limits) -> list[Entry]:
            stated = {**options, **_once(limits), "name_starts_with": prefix or None}
            blobs = client.get_container_client(place.address).list_blobs(**stated)
            # here alone the etag has no quotes
            return [Entry(blob.name, blob.size, f'"{blob.etag}"', blob) for blob in blobs]

        return self._clients.ask(place, timeout_ms, found)

    def reload(self) -> None:
        self._clients.reload()

    def _made(self, place: Place, wanted: Wanted, key: Key) -> Any:
        if self._connect is not None:
            return self._connect(place, key if key.key_id else None)
        return blob_client(wanted.endpoint, key)


def blob_client(endpoint: str, key: Key) -> Any:
    """A client that signs with the key of a repository: key id and secret are the account's name and its key."""
    from azure.storage.blob import BlobServiceClient

    credential = {"account_name": key.key_id, "account_key": key.secret}
    return BlobServiceClient(account_url(endpoint, key.key_id), credential=credential, retry_total=0)


def endpoint_of(client: Any) -> str:
    """Where a client of the user's asks, without the signature that its URL may hold."""
    return urlsplit(str(client.url))._replace(query="").geturl()


def account_url(endpoint: str, account: str) -> str:
    """Where the account is: a Bridge Node, `blob-REGION-PROVIDER.…`, serves each at a host of its own."""
    parts = urlsplit(endpoint)
    if not (parts.hostname or "").startswith("blob-"):
        return endpoint
    return parts._replace(netloc=f"{account}.{parts.netloc}").geturl()


def _once(limits: Limits) -> dict[str, Any]:
    """One try and its timeouts, said to each call: a client of the user's may be set up otherwise."""
    return {
        "connection_timeout": limits.connect_ms / 1000,
        "read_timeout": limits.timeout_ms / 1000,
        "retry_total": 0,
    }


def _blob(client: Any, place: Place, key: str) -> Any:
    return client.get_blob_client(place.address, key)


def _head(properties: Any) -> Head:
    metadata = {name.lower(): value for name, value in (properties.metadata or {}).items()}
    return Head(properties.size, properties.etag, metadata, properties)
