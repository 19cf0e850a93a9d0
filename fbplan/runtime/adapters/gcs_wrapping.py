"""How `wrap` wraps a google-cloud-storage client."""

from __future__ import annotations

from typing import Any

from fbplan.runtime.adapters.credentials import Given, Key
from fbplan.runtime.adapters.gcs import GcsTransport
from fbplan.runtime.adapters.gcs_client import gcs_client
from fbplan.runtime.adapters.gcs_routed import RoutedGcs
from fbplan.runtime.adapters.gcs_shadow import GcsShadow
from fbplan.runtime.adapters.routers import Routers
from fbplan.runtime.router import Router
from fbplan.runtime.transport import Place


def transport_over(client: Any, folder: str, credentials: Given | None) -> GcsTransport:
    def connect(place: Place, key: Key | None) -> Any:
        return client if key is None else gcs_client(place, place.endpoint or client.api_endpoint, key)

    return GcsTransport(folder, credentials=credentials, connect=connect)


def routed(client: Any, routers: Routers, *, overwrite: bool) -> RoutedGcs:
    return RoutedGcs(client, routers, overwrite=overwrite)


def shadow(client: Any, router: Router) -> GcsShadow:
    return GcsShadow(client, router)
