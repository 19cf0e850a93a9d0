"""How `wrap` wraps an azure-storage-blob client."""

from __future__ import annotations

from typing import Any

from fbplan.runtime.adapters.blob import BlobTransport, blob_client, endpoint_of
from fbplan.runtime.adapters.blob_routed import RoutedBlobService
from fbplan.runtime.adapters.blob_shadow import BlobShadow
from fbplan.runtime.adapters.credentials import Given, Key
from fbplan.runtime.adapters.routers import Routers
from fbplan.runtime.router import Router
from fbplan.runtime.transport import Place


def transport_over(client: Any, folder: str, credentials: Given | None) -> BlobTransport:
    def connect(place: Place, key: Key | None) -> Any:
        return client if key is None else blob_client(place.endpoint or endpoint_of(client), key)

    return BlobTransport(folder, credentials=credentials, connect=connect)


def routed(client: Any, routers: Routers, *, overwrite: bool) -> RoutedBlobService:
    return RoutedBlobService(client, routers, overwrite=overwrite)


def shadow(client: Any, router: Router) -> BlobShadow:
    return BlobShadow(client, router)
