"""Repositories with a fleet each that share the buckets of one Bridge Node: boto3, the real poller, and one clock."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from metering_world import EVERY_S, Alerts, connected, poller_of
from runtime_world import raw
from s3_world import S3World

from fbplan.metering.place import Place, leased
from fbplan.metering.rounds import Habits
from fbplan.runtime import ReadOnly, Router, wrap
from fbplan.runtime.adapters.s3 import S3Transport
from fbplan.runtime.canonical import sealed
from fbplan.runtime.times import stamp_of
from fbplan.secrets import FileSink, IssuedKey, Secret
from fbplan.storage import Files, Holder

THREADS = 8
FLEET = {"max_upload_s": 10, "grant_ttl_s": 60}


@dataclass
class Writer:
    """One process of a fleet, what the store acknowledged to it, and its refusals."""

    name: str
    repository: str
    client: Any
    """A boto3 client that is wrapped, so that its buckets are repositories."""
    placed: list[tuple[str, bytes]] = field(default_factory=list)
    refused: list[ReadOnly] = field(default_factory=list)

    def put(self, *sizes: int) -> int:
        """One object of each size, as far as the policy has room: how many were stored."""
        before = len(self.placed)
        for size in sizes:
            key = f"{self.name}/{len(self.placed)}"
            body = key.encode().ljust(size, b"x")
            try:
                answer = self.client.put_object(Bucket=self.repository, Key=key, Body=body)
            except ReadOnly as fault:
                self.refused.append(fault)
            else:
                self.placed.append((answer["FbplanReference"], body))
        return len(self.placed) - before

    def lost(self) -> list[str]:
        """References that do not give what was acknowledged for them."""
        return [reference for reference, body in self.placed if self._read(reference) != body]

    def _read(self, reference: str) -> bytes:
        content: bytes = self.client.get_object(Bucket=self.repository, Key=reference)["Body"].read()
        return content


class SharedWorld(S3World):
    """`fleets` is repository → how many writers; each repository has a key and a folder of its own in every bucket.

    `lag_s` is the lag of the statistics, and what the poller is told of it.
    """

    def __init__(self, folder: Path, caps: dict[str, int], fleets: dict[str, int], lag_s: int) -> None:
        super().__init__(folder, caps, lag_s, datetime(2040, 11, 10, tzinfo=UTC))
        self._open = ExitStack()
        self._open.callback(self.node.close)
        self._pool = self._open.enter_context(ThreadPoolExecutor(THREADS))
        self._chance = random.Random(4)
        self._repositories, self._writers = {name: self._joined(name) for name in fleets}, sum(fleets.values())
        self.alerts, usage = Alerts(), folder / "usage.json"
        self.publish()
        lease = leased(Files(usage), Holder("lease", "ada", "here", 1, "now"), 0, lambda _: None)
        habits = Habits(EVERY_S * 1000, lag_s * 1000, frozenset({"no-memory"}))
        self._poller = poller_of(self.policy, Place(Files(usage), lease), habits, lambda: self.now, self.alerts)
        self._client = self._open.enter_context(connected(self.node.emulator, self.node.slept))
        self.poll()
        bare, transport = (
            self.node.s3(self.key),
            S3Transport(folder),
        )  # shared, because each one costs a session of boto3
        self.fleet = []
        for name, size in fleets.items():
            for number in range(size):
                settings = self.settings(repository=name, usage=usage, writer=f"{name}.{number}")
                router = Router.from_file(self.policy, transport, **settings)
                self.fleet.append(Writer(f"{name}.{number}", name, wrap(bare, router)))

    def close(self) -> None:
        self._open.close()

    def publish(self, writers: int | None = None, **repository: Any) -> None:
        """The policy over all repositories. `writers`: what it says of each bucket, if that is not all of them."""
        document = json.loads(self.policy.read_bytes())
        found, ids = next(iter(document["repositories"].values())), {name: told for told, name in self.names.items()}
        stated = {**found, "fleet": FLEET, **repository}
        document["generation"] += 1
        document["repositories"] = {name: {**stated, **own} for name, own in self._repositories.items()}
        for name, bucket in document["buckets"].items():
            folders = {repository: repository for repository in self._repositories}
            bucket |= {"bucket_id": ids[name], "writers": writers or self._writers, "folders": folders}
        self.policy.write_bytes(raw(sealed(document)))

    def poll(self) -> None:
        self._poller.poll(self._client)

    def rounds(self, count: int, *sizes: int) -> None:
        """So many polls, and some time after each of them every writer at once."""
        for _ in range(count):
            next_ms = self.now + EVERY_S * 1000
            self.wait_until(self.now + self._chance.randrange(EVERY_S) * 1000)
            self.at_once(lambda writer: writer.put(*sizes))
            self.wait_until(next_ms)
            self.poll()

    def at_once(self, does: Callable[[Writer], Any]) -> list[Any]:
        """What each writer came to, all of them on threads."""
        return list(self._pool.map(does, self.fleet))

    def taken_by_others(self, bucket: str, size: int) -> None:
        """Bytes in the statistics that no writer of the policy wrote."""
        row = {"bucket": bucket, "minute": stamp_of(self.now), "upl_bytes": size}
        self.node.post("/_emulator/usage", {"rows": [row]})

    def refusals(self) -> list[ReadOnly]:
        """The newest of each writer."""
        return [writer.refused[-1] for writer in self.fleet]

    def acknowledged(self) -> int:
        """Bytes that the writers were told are stored."""
        return sum(len(body) for writer in self.fleet for _, body in writer.placed)

    def lost(self) -> list[str]:
        """References that do not give what was acknowledged for them."""
        return [reference for found in self.at_once(Writer.lost) for reference in found]

    def _joined(self, name: str) -> dict[str, Any]:
        """A repository over all buckets, its key in a sink of its own: as the policy has it."""
        repo = self.node.repository(f"shared-{name}", *((bucket, name) for bucket in self.names))
        key, sink = self.node.key(repo), f"secrets/{name}.env"
        issued = IssuedKey(f"api_key.{name}/writer", repo, key["key"], Secret(key["secret"]), 1)
        FileSink(file=sink).store(issued, self.folder, {})
        return {"repo_id": repo, "keys": {"write": {"sink": f"file:{sink}", "key_id": key["key"]}}}
