"""The chooser for Node at work: the module of `policy module`, aws-sdk-js v3 and the Bridge Node."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import typescript_module
from bridge_rig import Node

from fbplan.runtime.canonical import sealed

HERE = Path(__file__).parent
ZERO = "sha256:" + "0" * 64
pytestmark = pytest.mark.skipif(
    typescript_module.missing() is not None, reason=typescript_module.missing() or "all is there"
)


class Service:
    """One process that writes, and the lines that are spoken with it."""

    def __init__(self, node: Node, folder: Path, limits: dict[str, int | None]) -> None:
        self.repo = node.repository("app", *((node.bucket(name), "") for name in limits))
        self.key = node.key(self.repo)
        policy = folder / "routing-policy.json"
        policy.write_text(json.dumps(_policy(node.url, limits)), encoding="utf-8")
        self._process = subprocess.Popen(
            ["node", str(HERE / "bridge_module.mjs")],
            env={
                "PATH": os.environ["PATH"],
                "FBPLAN_MODULE": str(typescript_module.built()),
                "AWS_SDK": str(typescript_module.PACKAGES / "@aws-sdk/client-s3/dist-cjs/index.js"),
                "POLICY": str(policy),
                "KEY": json.dumps(self.key),
            },
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __call__(self, command: str, **given: Any) -> Any:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"command": command, **given}) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())

    def close(self) -> None:
        self._process.communicate()


def _policy(endpoint: str, limits: dict[str, int | None]) -> dict[str, Any]:
    buckets = {
        name: {
            "bucket_id": name,
            "container": name,
            "storage_type": "S3",
            "folders": {"app": name},
            "meters": [{"meter": "ingress_bytes", "limit": limit}],
        }
        for name, limit in limits.items()
    }
    repository = {"repo_id": "app", "protocol": "S3", "endpoint": endpoint, "order": list(limits)}
    return sealed(
        {
            "format": "fbplan.routing/1",
            "min_reader": 1,
            "generation": 1,
            "spec_digest": ZERO,
            "content_digest": ZERO,
            "repositories": {"app": repository},
            "buckets": buckets,
        }
    )


@pytest.fixture
def service(node: Node, tmp_path: Path) -> Iterator[Callable[..., Service]]:
    with ExitStack() as opened:

        def open_one(**limits: int | None) -> Service:
            made = Service(node, tmp_path, limits)
            opened.callback(made.close)
            return made

        yield open_one


def test_writes_move_on_when_the_credit_of_a_bucket_is_used_up(node: Node, service: Callable[..., Service]) -> None:
    ask = service(a=1000, b=100, c=50)
    node.credit(bucket="a", limit=30)
    placed = [ask("put", key=f"k{n}", body=f"{n:010}") for n in range(18)]

    went = "".join(answer["bucket"] for answer in placed)
    assert went == "a" * 3 + "b" * 8 + "c" * 4 + "bb" + "c", (
        "the credit, soft caps of 80 %, then what is left of the hard"
    )
    assert placed[3]["tries"] == [["a", 403, "QUOTA_EXCEEDED", "hop"], ["b", 200, "", "stored"]]
    assert all(len(answer["tries"]) == 1 for n, answer in enumerate(placed) if n != 3), (
        "it is asked once, not each time"
    )
    assert [ask("get", where=answer["reference"]) for answer in placed] == [f"{n:010}" for n in range(18)]
    full = ask("put", key="more", body="x")
    assert (full["fault"], full["rule"]) == ("ReadOnly", "6.readonly")
    assert full["retry_at"] is not None
    assert ask("alarms") == ["credit_mismatch"]


def test_a_key_is_written_once_and_found_and_deleted_wherever_it_is(service: Callable[..., Service]) -> None:
    ask = service(a=None, b=None)
    assert ask("put", key="k ü/1", body="one")["bucket"] == "a"
    assert ask("put", key="k ü/1", body="two")["fault"] == "AlreadyExists"
    assert ask("put", key="k ü/1", body="two", overwrite=True)["bucket"] == "a"
    assert ask("get", where="k ü/1") == "two"
    assert ask("locate", where="k ü/1") == "a"
    assert ask("stream", key="stream", size=200_000) == {"bucket": "a"}
    assert ask("list") == [["a", "k ü/1"], ["a", "stream"]]
    assert ask("delete", where="k ü/1") == {"isComplete": True, "failed": {}}
    assert ask("get", where="k ü/1")["fault"] == "NotFound"


@pytest.mark.parametrize("kind", ["500-after", "cut-after"])
def test_a_write_whose_answer_was_lost_is_found_and_not_made_twice(
    node: Node, service: Callable[..., Service], kind: str
) -> None:
    ask = service(a=None, b=None)
    node.fault(method="PUT", path="/a/*", fault=kind)
    placed = ask("put", key="k", body="x")
    assert (placed["bucket"], len(placed["tries"])) == ("a", 1)
    assert ask("list") == [["a", "k"]]


def test_a_rotated_key_is_loaded_once_and_a_revoked_one_is_an_alarm_that_moves_nothing(
    node: Node, service: Callable[..., Service]
) -> None:
    ask = service(a=None, b=None)
    ask("put", key="before", body="x")
    old, new = ask.key, node.key(ask.repo, name="next")
    assert node.api.delete(f"/repo/{ask.repo}/apikey/{old['id']}").is_success
    ask("key", key=new)
    placed = ask("put", key="after", body="x")
    assert [(a[0], a[3]) for a in placed["tries"]] == [("a", "reload"), ("a", "stored")]
    assert node.api.delete(f"/repo/{ask.repo}/apikey/{new['id']}").is_success
    refused = ask("put", key="late", body="x")
    assert (refused["fault"], refused["rule"]) == ("CredentialsRefused", "8.auth")
    assert ask("alarms") == ["auth"]


def test_a_client_that_retries_by_itself_is_refused(service: Callable[..., Service]) -> None:
    assert "make it with maxAttempts: 1" in service(a=None)("retrying")["told"]
