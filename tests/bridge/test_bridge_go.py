"""The chooser for Go at work: a program of the standard library alone, and the Bridge Node."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import go_module
import pytest
from bridge_rig import Node, Spoken

from fbplan.runtime.words import why

SOURCE = Path(__file__).with_name("bridge_service.go")
pytestmark = pytest.mark.skipif(go_module.missing() is not None, reason=go_module.missing() or "all is there")


def launch(service: Spoken) -> tuple[list[str | Path], dict[str, str]]:
    environ = {
        "POLICY": str(service.policy),
        "LAST_GOOD": str(service.policy.with_name("last-good")),
        "FB_KEY_ID": service.key["key"],
        "FB_SECRET": service.key["secret"],
    }
    return [go_module.built(SOURCE)], environ


@pytest.fixture
def service(speak: Callable[..., Spoken]) -> Callable[..., Spoken]:
    return partial(speak, launch)


def tries(answer: dict[str, Any]) -> list[tuple[str, int, str, str]]:
    return [(a["bucket"], a["status"], a["code"], a["then"]) for a in answer["record"]["attempts"]]


def test_writes_move_on_when_the_credit_of_a_bucket_is_used_up(node: Node, service: Callable[..., Spoken]) -> None:
    ask = service(a=1000, b=100, c=50)
    node.credit(bucket="a", limit=30)
    placed = [ask.put(f"k{n}", f"{n:010}") for n in range(18)]

    went = "".join(answer["bucket"] for answer in placed)
    assert went == "a" * 3 + "b" * 8 + "c" * 4 + "bb" + "c", (
        "the credit, then soft caps, then the rest of the hard ones"
    )
    assert tries(placed[3]) == [("a", 403, "QUOTA_EXCEEDED", "hop"), ("b", 200, "", "stored")]
    assert all(len(tries(answer)) == 1 for n, answer in enumerate(placed) if n != 3), "it is asked once, not each time"
    assert [ask("get", where=answer["reference"])["text"] for answer in placed] == [f"{n:010}" for n in range(18)]
    full = ask.put("more")
    assert (full["is"], full["record"]["rule"]) == (["read only"], "6.readonly")
    assert full["reasons"] == {"a": "8.quota", "b": "2.closed", "c": "2.closed"}
    assert full["retry_at"].endswith("Z")
    assert full["error"] == why(full["record"]).splitlines()[0]
    assert ask("state")["alarms"] == ["credit_mismatch"]


def test_a_key_is_written_once_and_found_and_deleted_wherever_it_is(service: Callable[..., Spoken]) -> None:
    ask = service(a=None, b=None)
    assert ask.put("k ü/+1", "one")["bucket"] == "a"
    assert ask.put("k ü/+1", "two")["is"] == ["exists"]
    assert ask.put("k ü/+1", "two", overwrite=True)["bucket"] == "a"
    assert ask("get", where="k ü/+1")["text"] == "two"
    assert ask.put("empty", "")["record"]["size"] == 0
    assert [(entry["Bucket"], entry["Key"], entry["Size"]) for entry in ask("list")["Entries"]] == [
        ("a", "empty", 0),
        ("a", "k ü/+1", 3),
    ]
    assert ask("delete", where="k ü/+1") == {"IsComplete": True, "Failed": {}}
    assert ask("get", where="k ü/+1")["is"] == ["not found"]
    assert ask("get", where="fbref1:other/a/k")["error"] == "the reference is of repository 'other', not 'app'"
    assert ask("get", where="fbref1:app/a")["is"] == ["no reference"]


@pytest.mark.parametrize("kind", ["500-after", "cut-after"])
@pytest.mark.parametrize("stream", [False, True], ids=["bytes", "stream"])
def test_a_write_whose_answer_was_lost_is_found_and_not_made_twice(
    node: Node, service: Callable[..., Spoken], kind: str, stream: bool
) -> None:
    ask = service(a=None, b=None)
    node.fault(method="PUT", path="/a/*", fault=kind)
    placed = ask.put("k", zeros=5000, stream=stream)
    assert (placed["bucket"], len(tries(placed))) == ("a", 1)
    assert placed["record"]["attempts"][0]["settled"] == "equal"
    assert [entry["Bucket"] for entry in ask("list")["Entries"]] == ["a"]
    assert ask("get", where=placed["reference"])["size"] == 5001


@pytest.mark.parametrize("kind", ["truncated-upload", "cut-before", "500-before"])
def test_a_body_that_cannot_seek_is_never_half_written_twice(
    node: Node, service: Callable[..., Spoken], kind: str
) -> None:
    ask = service(a=None, b=None)
    node.fault(method="PUT", path="/a/*", fault=kind)
    assert [then for *_, then in tries(ask.put("k", zeros=5000))] == ["retry", "stored"], "one that can is sent again"
    node.fault(method="PUT", path="/a/*", fault=kind)
    refused = ask.put("l", zeros=5000, stream=True)
    assert (refused["is"], refused["record"]["rule"], len(tries(refused))) == (["not stored"], "7.once", 1)
    assert [(entry["Bucket"], entry["Key"]) for entry in ask("list")["Entries"]] == [("a", "k")]


def test_a_rotated_key_is_loaded_once_and_a_revoked_one_is_an_alarm_that_moves_nothing(
    node: Node, service: Callable[..., Spoken]
) -> None:
    ask = service(a=None, b=None)
    ask.put("before")
    old, new = ask.key, node.key(ask.repo, name="next")
    assert node.api.delete(f"/repo/{ask.repo}/apikey/{old['id']}").is_success
    ask("key", id=new["key"], secret=new["secret"])
    assert [(bucket, then) for bucket, *_, then in tries(ask.put("after"))] == [("a", "reload"), ("a", "stored")]
    assert node.api.delete(f"/repo/{ask.repo}/apikey/{new['id']}").is_success
    refused = ask.put("late")
    assert (refused["is"], refused["record"]["rule"]) == (["credentials", "refused"], "8.auth")
    told = ask("state")
    assert told["alarms"] == ["auth"]
    assert new["secret"] not in json.dumps([told, refused])


def test_goroutines_share_one_router_and_pass_no_cap(node: Node, service: Callable[..., Spoken]) -> None:
    ask = service(a=200, b=200, c=10_000)
    assert ask("many", text="0123456789", count=10) == {"a": 16, "b": 16, "c": 48}


def test_a_new_policy_is_followed_and_a_damaged_one_is_not(service: Callable[..., Spoken]) -> None:
    ask = service(a=None, b=None)
    ask.policy.write_text(ask.policy.read_text().replace('"generation": 1', '"generation": 2'))
    ask.close()
    ask.open()
    assert ask.put("k")["is"] == ["no policy"]
    ask.publish({"b": None, "a": None}, generation=3)
    ask.close()
    ask.open()
    assert ask.put("k")["bucket"] == "b"
    ask.policy.unlink()
    ask.close()
    ask.open()
    assert ask.put("later")["bucket"] == "b", "what was good is kept"
    assert ask("state")["counts"]["policy.unreadable"] == 1


def test_a_bucket_that_asks_for_a_pause_gets_it_and_one_without_a_node_is_left(
    node: Node, service: Callable[..., Spoken]
) -> None:
    ask = service(a=None, b=None)
    node.fault(method="PUT", path="/a/*", fault="slowdown-503", retry_after=9)
    assert [(bucket, code, then) for bucket, _, code, then in tries(ask.put("k"))] == [
        ("a", "SlowDown", "hop"),
        ("b", "", "stored"),
    ]
    assert [(c["bucket"], c["rule"]) for c in ask.put("l")["record"]["decisions"][0]["candidates"]] == [
        ("a", "3.throttle"),
        ("b", "2.unlimited"),
    ]
