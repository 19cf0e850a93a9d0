"""The protocols of the node, told apart by how a request is authorised: no bucket's name can be mistaken for a path of
another protocol, and a client needs one URL whatever it speaks.
"""

from __future__ import annotations

from fbplan.emulator.bridge.blob import BLOB
from fbplan.emulator.bridge.gcs import GCS
from fbplan.emulator.bridge.node_request import NodeRequest
from fbplan.emulator.bridge.protocol import Protocol
from fbplan.emulator.bridge.s3 import S3

__all__ = ["S3", "protocol_of"]


def protocol_of(request: NodeRequest) -> Protocol:
    """The protocol of a request; what is nobody else's is S3."""
    return next(protocol for protocol in (BLOB, GCS, S3) if protocol.speaks(request))
