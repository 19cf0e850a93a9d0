"""A repository that applications reach over GCS or Blob: its key in a sink, its policy, and the SDK's own client."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bridge_rig import Node
from router_desk import RouterDesk
from runtime_world import T0, meter, policy_document, raw

from fbplan.runtime import Place
from fbplan.runtime.adapters.blob import BlobTransport, blob_client
from fbplan.runtime.adapters.credentials import Key
from fbplan.runtime.adapters.gcs import GcsTransport
from fbplan.runtime.adapters.gcs_client import gcs_client
from fbplan.secrets import FileSink, IssuedKey, Secret

SINK = "secrets/writer.env"


class Offered(RouterDesk):
    """Repository `app` over buckets `a` and `b`."""

    def __init__(self, node: Node, folder: Path, protocol: str) -> None:
        super().__init__(T0)
        self.node, self.folder, self.protocol = node, folder, protocol
        buckets = [node.bucket(name) for name in "ab"]
        self.repo = node.repository("app", *((bucket, "") for bucket in buckets), storageType=protocol)
        self.key = node.key(self.repo)
        self.publish(self.key)
        self.policy = folder / "routing-policy.json"
        named = {name: {"meters": [meter(None)], "name": name, "folders": {"app": ""}} for name in "ab"}
        keys = {"write": {"sink": f"file:{SINK}", "key_id": self.key["key"]}}
        self.policy.write_bytes(raw(policy_document(named, endpoint=node.url, protocol=protocol, keys=keys)))

    def publish(self, key: dict[str, str]) -> None:
        """Put a key where an apply puts it."""
        issued = IssuedKey("api_key.app/writer", "r1", key["key"], Secret(key["secret"]), 1)
        FileSink(file=SINK).store(issued, self.folder, {})

    def transport(self, key: dict[str, str] | None = None) -> Any:
        """Without a key, that of the sink."""
        given = None if key is None else (lambda _place: (key["key"], key["secret"]))
        return (GcsTransport if self.protocol == "GCS" else BlobTransport)(self.folder, credentials=given)

    def place(self, bucket: str = "a") -> Place:
        return Place("app", bucket, bucket, "", self.protocol, self.node.url, sink=f"file:{SINK}")

    def client(self, key: dict[str, str] | None = None) -> Any:
        """The SDK's own, made as the transport makes it."""
        found = key or self.key
        held = Key(found["key"], found["secret"])
        if self.protocol == "GCS":
            return gcs_client(self.place(), self.node.url, held)
        return blob_client(self.node.url, held)


def put(transport: Any, place: Place, key: str = "k", body: bytes = b"x", *, write_once: bool = False) -> Any:
    return transport.put(
        place, key, body, size=len(body), metadata={"by": "me"}, write_once=write_once, timeout_ms=5000, options={}
    )
