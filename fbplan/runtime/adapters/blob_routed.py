"""An azure-storage-blob client whose containers are repositories: see `wrap`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import IO, Any

from fbplan.runtime.adapters.blob import endpoint_of
from fbplan.runtime.adapters.blob_object import RoutedBlob, blob_error
from fbplan.runtime.adapters.listed import Listed, listed
from fbplan.runtime.adapters.passing import PassingThrough
from fbplan.runtime.adapters.routers import Routers, refusals
from fbplan.runtime.finding import Placed
from fbplan.runtime.reference import Reference
from fbplan.runtime.router import Router


class RoutedBlobService(PassingThrough):
    """`get_container_client(REPOSITORY)` and `get_blob_client(REPOSITORY, …)` are routed, everything else is the client's."""

    def __init__(self, client: Any, routers: Routers, *, overwrite: bool) -> None:
        super().__init__(client, endpoint_of(client))
        self._routers = routers
        self._overwrite = overwrite

    def get_container_client(self, container: Any) -> RoutedContainer:
        name = getattr(container, "name", container)
        return RoutedContainer(self._client.get_container_client(name), self._routers, overwrite=self._overwrite)

    def get_blob_client(self, container: Any, blob: str) -> RoutedBlob:
        return self.get_container_client(container).get_blob_client(blob)


class RoutedContainer(PassingThrough):
    """A repository where the SDK has a container."""

    def __init__(self, container: Any, routers: Routers, *, overwrite: bool) -> None:
        super().__init__(container, container.container_name)
        self._routers = routers
        self._overwrite = overwrite

    def get_blob_client(self, blob: str) -> RoutedBlob:
        return RoutedBlob(self._client.get_blob_client(blob), self._router, blob, overwrite=self._overwrite)

    def upload_blob(
        self,
        name: str,
        data: bytes | str | IO[bytes] | Iterable[bytes],
        blob_type: Any = None,
        length: int | None = None,
        metadata: Mapping[str, str] | None = None,
        **stated: Any,
    ) -> RoutedBlob:
        blob = self.get_blob_client(name)
        blob.upload_blob(data, blob_type, length, metadata, **stated)
        return blob

    def download_blob(self, blob: str, offset: int | None = None, length: int | None = None, **asked: Any) -> Any:
        return self.get_blob_client(blob).download_blob(offset, length, **asked)

    def delete_blob(self, blob: str, **how: Any) -> None:
        self.get_blob_client(blob).delete_blob(**how)

    def list_blobs(self, name_starts_with: str | None = None, **asked: Any) -> Listed:
        """The properties of every blob of every container, `fbplan_reference` among them."""
        repository = self._client.container_name
        with refusals(blob_error, f"{repository}/{name_starts_with or ''}"):
            listing = self._router().list(name_starts_with or "", options=asked)

        def shown(placed: Placed) -> Any:
            entry = placed.entry
            entry.answer.fbplan_reference = str(Reference(repository, placed.bucket, entry.key, entry.etag))
            return entry.answer

        return listed(listing, shown)

    def list_blob_names(self, *, name_starts_with: str | None = None) -> Iterable[str]:
        return (found.name for found in self.list_blobs(name_starts_with))

    def _router(self) -> Router:
        return self._routers.of(self._client.container_name)
