"""Google Cloud Storage through google-cloud-storage, its retries off."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from io import BytesIO
from pathlib import Path
from tempfile import SpooledTemporaryFile
from types import MappingProxyType
from typing import IO, Any

from fbplan.runtime.adapters.clients import Clients, Connect, Wanted, no_key
from fbplan.runtime.adapters.credentials import Credentials, Given, Key
from fbplan.runtime.adapters.endpoints import Limits, monotonic_ms
from fbplan.runtime.adapters.gcs_answers import answer_of
from fbplan.runtime.adapters.gcs_client import gcs_client
from fbplan.runtime.adapters.rewinding import Rewinding
from fbplan.runtime.faults import RoutingError
from fbplan.runtime.transport import Entry, Got, Head, Place, Stored, TransportFailure

_NONE: Mapping[str, Any] = MappingProxyType({})
_NEEDED = "the router needs google-cloud-storage for GCS: pip install 'fbplan[gcs]'"
_IN_MEMORY = 8 * 1024 * 1024
PROPERTIES = (
    "cache_control",
    "content_disposition",
    "content_encoding",
    "content_language",
    "custom_time",
    "metadata",
    "storage_class",
)
"""What a Blob is told before it is sent."""


class GcsTransport:
    """A `Transport` over google-cloud-storage for the repositories of one policy.

    The SDK sends up to 8 MiB in one request, and more than that in a session of several; the object is there with the
    last of them. It knows the size and the etag of what it downloads, but not the metadata: `head` gives those.
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
        """`folder`, `credentials` and `endpoint`: as for S3Transport. `connect(place, key)`: makes the client, for keys
        of another kind or for proxies; key is None when there is none. Raises RoutingError without the SDK.
        """
        try:
            import google.cloud.storage  # noqa: F401 -- whether it is there
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
        """`options` may hold properties of a Blob that can be set, and what upload_from_file takes."""
        stated = {name: value for name, value in options.items() if name not in PROPERTIES}
        if write_once:
            stated["if_generation_match"] = 0

        content = Rewinding(body)

        def sent(client: Any, limits: Limits) -> Any:
            blob = client.bucket(place.address).blob(key)
            for name in PROPERTIES:
                if name in options:
                    setattr(blob, name, options[name])
            blob.metadata = {**(options.get("metadata") or {}), **metadata}
            opened = content.opened()
            begun = BytesIO(opened) if isinstance(opened, bytes) else _FromHere(opened)
            blob.upload_from_file(begun, size=size, **_once(limits), **stated)
            return blob

        blob = self._clients.ask(place, timeout_ms, sent, is_repeatable=False, is_spent=content.is_spent)
        return Stored(blob.etag, blob)

    def head(self, place: Place, key: str, *, timeout_ms: int) -> Head | None:
        def found(client: Any, limits: Limits) -> Any:
            return client.bucket(place.address).get_blob(key, **_once(limits))

        blob = self._clients.ask(place, timeout_ms, found)
        if blob is None:
            return None
        metadata = {name.lower(): value for name, value in (blob.metadata or {}).items()}
        return Head(blob.size, blob.etag, metadata, blob)

    def get(self, place: Place, key: str, *, timeout_ms: int, options: Mapping[str, Any] = _NONE) -> Got:
        """The content is a file, in memory up to 8 MiB. `options` may hold what download_to_file takes."""

        def fetched(client: Any, limits: Limits) -> Got:
            blob = client.bucket(place.address).blob(key)
            with ExitStack() as opened:
                content = opened.enter_context(_Downloaded(_IN_MEMORY))
                blob.download_to_file(content, **_once(limits), **options)
                opened.pop_all()
            size = content.tell()
            content.seek(0)
            return Got(Head(size, blob.etag, answer=blob), content)

        return self._clients.ask(place, timeout_ms, fetched)

    def delete(self, place: Place, key: str, *, timeout_ms: int) -> None:
        def deleted(client: Any, limits: Limits) -> None:
            client.bucket(place.address).blob(key).delete(**_once(limits))

        try:
            self._clients.ask(place, timeout_ms, deleted)
        except TransportFailure as failure:
            if failure.status != 404:
                raise

    def list(
        self, place: Place, prefix: str, *, timeout_ms: int, options: Mapping[str, Any] = _NONE
    ) -> Sequence[Entry]:
        """`options` may hold what list_blobs takes."""

        def found(client: Any, limits: Limits) -> list[Entry]:
            blobs = client.list_blobs(place.address, prefix=prefix or None, **_once(limits), **options)
            return [Entry(blob.name, blob.size, blob.etag, blob) for blob in blobs]

        return self._clients.ask(place, timeout_ms, found)

    def reload(self) -> None:
        # a client holds a token, which may be what was refused
        self._clients.reload(forget=True)

    def _made(self, place: Place, wanted: Wanted, key: Key) -> Any:
        if self._connect is not None:
            return self._connect(place, key if key.key_id else None)
        return gcs_client(place, wanted.endpoint, key)


def _once(limits: Limits) -> dict[str, Any]:
    """One try and its timeouts."""
    return {"timeout": (limits.connect_ms / 1000, limits.timeout_ms / 1000), "retry": None}


class _Downloaded(SpooledTemporaryFile[bytes]):
    """Need not be closed, as what the other SDKs give need not."""

    def __del__(self) -> None:
        self.close()


class _FromHere:
    """A stream that begins where it stands: the SDK refuses one that is not at its beginning, or cannot tell."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self._read = 0

    def read(self, size: int = -1) -> bytes:
        found = self._stream.read(size)
        self._read += len(found)
        return found

    def tell(self) -> int:
        return self._read
