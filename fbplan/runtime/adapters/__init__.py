"""The SDKs that the router can drive. Each is imported when it is first used, so that nobody needs them all."""

from __future__ import annotations

from fbplan.runtime.faults import RoutingError
from fbplan.runtime.transport import Transport


def transport_for(protocol: str, folder: str) -> Transport:
    """The transport for a router that was given none. `folder` is the policy's: sinks count from there."""
    match protocol:
        case "S3":
            from fbplan.runtime.adapters.s3 import S3Transport

            return S3Transport(folder)
        case "GCS":
            from fbplan.runtime.adapters.gcs import GcsTransport

            return GcsTransport(folder)
        case "BLOB":
            from fbplan.runtime.adapters.blob import BlobTransport

            return BlobTransport(folder)
        case _:
            raise RoutingError(
                f"no adapter for protocol {protocol} is built in: give one, Router.from_file(path, transport)"
            )
