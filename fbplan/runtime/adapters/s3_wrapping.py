"""How `wrap` wraps a boto3 client."""

from __future__ import annotations

from typing import Any

from fbplan.runtime.adapters.credentials import Given
from fbplan.runtime.adapters.routers import Routers
from fbplan.runtime.adapters.s3 import S3Transport
from fbplan.runtime.adapters.s3_routed import Routed
from fbplan.runtime.adapters.s3_shadow import Shadow
from fbplan.runtime.faults import RoutingError
from fbplan.runtime.router import Router


def transport_over(client: Any, folder: str, credentials: Given | None) -> S3Transport:
    return S3Transport(
        folder,
        credentials=credentials,
        fallback=lambda _place: _own_key(client),
        endpoint=client.meta.endpoint_url,
        region=client.meta.region_name,
        config=client.meta.config,
    )


def routed(client: Any, routers: Routers, *, overwrite: bool) -> Routed:
    return Routed(client, routers, overwrite=overwrite)


def shadow(client: Any, router: Router) -> Shadow:
    return Shadow(client, router)


def _own_key(client: Any) -> tuple[str, str]:
    found = client._get_credentials()  # noqa: SLF001 -- boto3 has no public name for it, and s3transfer takes it so
    if found is None:
        raise RoutingError("no key: the policy's sink and the environment have none, and neither has the boto3 client")
    frozen = found.get_frozen_credentials()
    return frozen.access_key, frozen.secret_key
