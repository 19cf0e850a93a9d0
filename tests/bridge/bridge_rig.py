"""An emulated organisation with its Bridge Node on a loopback port, and the real clients that talk to it."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from typing import Any

import boto3
import httpx
from botocore.config import Config
from botocore.exceptions import ClientError
from runtime_world import meter, policy_document

from fbplan.emulator import Settings, open_emulator
from fbplan.emulator.bridge import Bridge, serving

MB = 1024 * 1024


@cache
def session() -> boto3.Session:
    return boto3.Session(aws_access_key_id="unused", aws_secret_access_key="unused", region_name="us-east-1")


class Node:
    """One organisation, one node. `slept` holds every wait that was asked for instead of waiting."""

    def __init__(self, folder: Path, **switches: object) -> None:
        self._open = ExitStack()
        self.slept: list[float] = []
        self.emulator = open_emulator(folder, Settings().with_values({"id_seed": "bridge", **switches}))
        self._open.callback(self.emulator.close)
        self.bridge = Bridge(self.emulator, sleep=self.slept.append)
        self.url = self._open.enter_context(serving(self.bridge))
        self.api = self._open.enter_context(
            httpx.Client(
                transport=httpx.WSGITransport(app=self.emulator),
                base_url="http://emulator",
                headers={"Authorization": "Bearer any"},
            )
        )

    def close(self) -> None:
        self._open.close()

    def post(self, path: str, body: object) -> Any:
        answer = self.api.post(path, json=body)
        assert answer.is_success, answer.text
        return answer.json()

    def bucket(self, name: str, **changes: object) -> str:
        workspace = self.api.get("/workspace").json()["workspaces"][0]["id"]
        body = {
            "name": name,
            "bucket": f"acme-{name}",
            "storageType": "S3",
            "region": "us-east-1",
            "key": "k",
            "secret": "s",
        }
        return str(self.post("/bucket", {**body, "workspaceId": workspace, **changes})["bucketId"])

    def repository(self, name: str, *attached: tuple[str, str], **changes: object) -> str:
        workspace = self.api.get("/workspace").json()["workspaces"][0]["id"]
        buckets = [{"bucketId": bucket, "folder": folder, "master": False} for bucket, folder in attached]
        body = {"name": name, "storageType": "S3", "mode": "NORMAL", "workspaceId": workspace, "repoBuckets": buckets}
        return str(self.post("/repo", {**body, **changes})["repoId"])

    def key(self, repo_id: str, access: str = "WRITE", name: str = "writer") -> dict[str, str]:
        issued: dict[str, str] = self.post(f"/repo/{repo_id}/apikey", {"name": name, "accessType": access})
        return issued

    def s3(self, key: dict[str, str], **config: object) -> Any:
        """A boto3 client as an application would make it, its own retries off."""
        settings = {"retries": {"total_max_attempts": 1}, "s3": {"addressing_style": "path"}, **config}
        return session().client(
            "s3",
            endpoint_url=self.url,
            aws_access_key_id=key["key"],
            aws_secret_access_key=key["secret"],
            config=Config(**settings),
        )

    def writer(self, *buckets: str, **config: object) -> Any:
        """A client with a WRITE key of a new repository over new buckets."""
        repo = self.repository("-".join(buckets), *((self.bucket(name), "") for name in buckets))
        return self.s3(self.key(repo), **config)

    def fault(self, **line: object) -> None:
        self.post("/_emulator/bridge/faults", line)

    def credit(self, **limit: object) -> list[dict[str, Any]]:
        return list(self.post("/_emulator/bridge/credit", limit)["credit"])

    def advance(self, seconds: float) -> None:
        self.post("/_emulator/clock", {"advance": seconds})

    def daily(self, **query: str) -> list[tuple[int, int, int]]:
        """Bytes up, bytes down and change in size per row of /stats/daily."""
        rows = self.api.get("/stats/daily", params=query).json()["data"]
        return [(int(row["upl_bytes"]), int(row["dwl_bytes"]), int(row["size_change"])) for row in rows]


Launch = Callable[["Spoken"], tuple[Sequence[str | Path], dict[str, str]]]
"""The command of a program, and its environment."""


class Spoken:
    """A program in another language that writes, and the lines of JSON that are spoken with it."""

    def __init__(self, node: Node, folder: Path, limits: dict[str, int | None], launch: Launch) -> None:
        self.repo = node.repository("app", *((node.bucket(name), "") for name in limits))
        self.key = node.key(self.repo)
        self.policy, self.url, self._launch = folder / "routing-policy.json", node.url, launch
        self.publish(limits)
        self.open()

    def open(self) -> None:
        command, environ = self._launch(self)
        self._process = subprocess.Popen(command, env=environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def publish(self, limits: dict[str, int | None], generation: int = 1) -> None:
        aside = self.policy.with_name("next")
        buckets = {name: {"meters": [meter(limit)]} for name, limit in limits.items()}
        policy = policy_document(buckets, generation, endpoint=self.url, order=list(limits))
        aside.write_text(json.dumps(policy), encoding="utf-8")
        aside.replace(self.policy)

    def __call__(self, command: str, **given: Any) -> Any:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"command": command, **given}).encode() + b"\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())

    def put(self, key: str, text: str = "x", **given: Any) -> Any:
        return self("put", key=key, text=text, **given)

    def close(self) -> None:
        self._process.communicate()


def refusal(fault: Any) -> tuple[int, str]:
    """Status and code of a ClientError."""
    assert isinstance(fault, ClientError)
    return fault.response["ResponseMetadata"]["HTTPStatusCode"], fault.response["Error"]["Code"]
