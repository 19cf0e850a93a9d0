"""The chooser for Node at work: the module of `policy module`, aws-sdk-js v3 and the Bridge Node."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
import typescript_module
from bridge_rig import Node, Spoken

HERE = Path(__file__).parent
pytestmark = pytest.mark.skipif(
    typescript_module.missing() is not None, reason=typescript_module.missing() or "all is there"
)


def launch(service: Spoken) -> tuple[list[str | Path], dict[str, str]]:
    environ = {
        "PATH": os.environ["PATH"],
        "FBPLAN_MODULE": str(typescript_module.built()),
        "AWS_SDK": str(typescript_module.PACKAGES / "@aws-sdk/client-s3/dist-cjs/index.js"),
        "POLICY": str(service.policy),
        "KEY": json.dumps(service.key),
    }
    return ["node", HERE / "bridge_module.mjs"], environ


@pytest.fixture
def service(speak: Callable[..., Spoken]) -> Callable[..., Spoken]:
    return partial(speak, launch)


def test_writes_move_on_when_the_credit_of_a_bucket_is_used_up(node: Node, service: Callable[..., Spoken]) -> None:
    ask = service(a=1000, b=100, c=50)
    node.credit(bucket="a", limit=30)
    placed = [ask.put(f"k{n}", text=f"{n:010}") for n in range(18)]

    went = "".join(answer["bucket"] for answer in placed)
    assert went == "a" * 3 + "b" * 8 + "c" * 4 + "bb" + "c", (
        "the credit, soft caps of 80 %, then what is left of the hard"
    )
    assert placed[3]["tries"] == [["a", 403, "QUOTA_EXCEEDED", "hop"], ["b", 200, "", "stored"]]
    assert all(len(answer["tries"]) == 1 for n, answer in enumerate(placed) if n != 3), (
        "it is asked once, not each time"
    )
    assert [ask("get", where=answer["reference"]) for answer in placed] == [f"{n:010}" for n in range(18)]
    full = ask.put("more", text="x")
    assert (full["fault"], full["rule"]) == ("ReadOnly", "6.readonly")
    assert full["retry_at"] is not None
    assert ask("alarms") == ["credit_mismatch"]


def test_a_key_is_written_once_and_found_and_deleted_wherever_it_is(service: Callable[..., Spoken]) -> None:
    ask = service(a=None, b=None)
    assert ask.put("k ü/1", text="one")["bucket"] == "a"
    assert ask.put("k ü/1", text="two")["fault"] == "AlreadyExists"
    assert ask.put("k ü/1", text="two", overwrite=True)["bucket"] == "a"
    assert ask("get", where="k ü/1") == "two"
    assert ask("locate", where="k ü/1") == "a"
    assert ask("stream", key="stream", size=200_000) == {"bucket": "a"}
    assert ask("list") == [["a", "k ü/1"], ["a", "stream"]]
    assert ask("delete", where="k ü/1") == {"isComplete": True, "failed": {}}
    assert ask("get", where="k ü/1")["fault"] == "NotFound"


@pytest.mark.parametrize("kind", ["500-after", "cut-after"])
def test_a_write_whose_answer_was_lost_is_found_and_not_made_twice(
    node: Node, service: Callable[..., Spoken], kind: str
) -> None:
    ask = service(a=None, b=None)
    node.fault(method="PUT", path="/a/*", fault=kind)
    placed = ask.put("k", text="x")
    assert (placed["bucket"], len(placed["tries"])) == ("a", 1)
    assert ask("list") == [["a", "k"]]


def test_a_rotated_key_is_loaded_once_and_a_revoked_one_is_an_alarm_that_moves_nothing(
    node: Node, service: Callable[..., Spoken]
) -> None:
    ask = service(a=None, b=None)
    ask.put("before", text="x")
    old, new = ask.key, node.key(ask.repo, name="next")
    assert node.api.delete(f"/repo/{ask.repo}/apikey/{old['id']}").is_success
    ask("key", key=new)
    placed = ask.put("after", text="x")
    assert [(a[0], a[3]) for a in placed["tries"]] == [("a", "reload"), ("a", "stored")]
    assert node.api.delete(f"/repo/{ask.repo}/apikey/{new['id']}").is_success
    refused = ask.put("late", text="x")
    assert (refused["fault"], refused["rule"]) == ("CredentialsRefused", "8.auth")
    assert ask("alarms") == ["auth"]


def test_a_client_that_retries_by_itself_is_refused(service: Callable[..., Spoken]) -> None:
    assert "make it with maxAttempts: 1" in service(a=None)("retrying")["told"]
