"""A policy over the buckets of an emulated Bridge Node, its key in a sink, and routers whose clock only tests move."""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from bridge_rig import Node
from router_desk import RouterDesk
from runtime_world import meter, policy_document, raw

from fbplan.secrets import FileSink, IssuedKey, Secret

CAP = 1000


class S3World(RouterDesk):
    """One repository `app` over buckets a, b, c on the tenth of a month; caps of the policy in bytes.

    Of the next month, unless `begins` says when: what a ramp lets in first depends on the date.
    """

    def __init__(
        self,
        folder: Path,
        caps: dict[str, int] | None = None,
        lag_s: float = 0,
        begins: datetime | None = None,
        **repository: Any,
    ) -> None:
        self.folder, self.caps = folder, caps or dict.fromkeys("abc", CAP)
        self.node = Node(folder / "node", bridge_stats_lag=float(lag_s))
        soon = datetime.now(UTC) + timedelta(days=31)
        begins = begins or soon.replace(day=10, hour=0, minute=0, second=0, microsecond=0)
        super().__init__(round(begins.timestamp() * 1000))
        self.node.advance((begins - datetime.now(UTC)).total_seconds())
        self.names = {self.node.bucket(name): name for name in self.caps}
        self.repo = self.node.repository("app", *((bucket, "") for bucket in self.names))
        self.sink = folder / "secrets" / "writer.env"
        self.key = self.rotate()
        self.node.post("/_emulator/bridge/credit", [{"bucket": name, "limit": 10**9} for name in self.caps])
        buckets = {name: {"meters": [meter(cap)], "folders": {"app": ""}} for name, cap in self.caps.items()}
        keys = {"write": {"sink": "file:secrets/writer.env", "key_id": self.key["key"]}}
        stated = {"endpoint": self.node.url, "keys": keys, **repository}
        self.policy = folder / "routing-policy.json"
        self.policy.write_bytes(raw(policy_document(buckets, **stated)))

    def rotate(self) -> dict[str, str]:
        """A new key, in the sink as an apply puts it there; the one before it still works."""
        key = self.node.key(self.repo, name=f"writer{len(self.node.api.get(f'/repo/{self.repo}/apikey').json())}")
        issued = IssuedKey("api_key.app/writer", self.repo, key["key"], Secret(key["secret"]), 1)
        FileSink(file="secrets/writer.env").store(issued, self.folder, {})
        return key

    def revoke(self, key: dict[str, str]) -> None:
        assert self.node.api.delete(f"/repo/{self.repo}/apikey/{key['id']}").is_success

    def wait_until(self, at_ms: int) -> None:
        """Move both clocks, the router's and the store's."""
        self.node.advance((at_ms - self.now) / 1000)
        self.now = at_ms

    def used(self) -> dict[str, int]:
        """Bytes that each bucket took this month, by the store's own count."""
        told = self.node.api.get("/_emulator/bridge/credit").json()["credit"]
        return {self.names[line["bucketId"]]: line["used"] for line in told}

    def requests(self, method: str, bucket: str = "") -> list[dict[str, Any]]:
        """What reached the node."""
        told = self.node.api.get("/_emulator/bridge/requests").json()["requests"]
        return [line for line in told if line["method"] == method and line["path"].startswith(f"/{bucket}")]


class Stream(io.RawIOBase):
    """So many bytes that come once."""

    def __init__(self, size: int) -> None:
        self.left = size

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return False

    def readinto(self, into: Any) -> int:
        size = min(len(into), self.left)
        into[:size] = b"x" * size
        self.left -= size
        return size
