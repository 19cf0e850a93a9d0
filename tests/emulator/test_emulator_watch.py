"""The watch: what is removed while the published policy names it, and what the policy names in vain."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from emulator_api import Api


class Watched:
    """Two buckets in a repository with a key for each use, a policy that names them all, and a watch on it."""

    def __init__(self, api: Api, path: Path) -> None:
        self.api, self.path = api, path
        self.a, self.b, self.spare = api.bucket("a"), api.bucket("b"), api.bucket("spare")
        self.home = api.repository("app", (self.a, "a"), (self.b, "b"))
        self.write, self.read = api.key(self.home, "w"), api.key(self.home, "q", "READ")
        self.publish(["a", "b"])
        assert api.post("/_emulator/watch", json={"policy": str(path)}).json() == {"violations": []}

    def publish(self, order: list[str], digest: str = "1", **ids: str) -> None:
        known = {"a": self.a, "b": self.b}
        keys = {"write": {"key_id": self.write["key"]}, "read": {"key_id": self.read["key"]}}
        repository = {"repo_id": ids.get("app", self.home), "order": order, "keys": keys}
        buckets = {n: {"bucket_id": ids.get(n, known[n]), "folders": {"app": n}} for n in order}
        document = {"repositories": {"app": repository}, "buckets": buckets, "generation": 7, "digest": digest}
        self.path.write_text(json.dumps(document))

    def put(self, *buckets: tuple[str, str]) -> None:
        self.api.put(f"/repo/{self.home}", json=self.api.repository_body("app", *buckets))

    @property
    def violations(self) -> list[dict[str, Any]]:
        return self.api.get("/_emulator/violations").json()["violations"]


@pytest.fixture
def watched(api: Api, tmp_path: Path) -> Watched:
    return Watched(api, tmp_path / "policy.json")


def test_each_way_to_take_away_what_is_routed_to_is_a_violation(watched: Watched) -> None:
    api, keys = watched.api, f"/repo/{watched.home}/apikey"
    watched.put((watched.a, "a"))
    api.delete(f"/bucket/{watched.b}")
    api.put(f"{keys}/{watched.write['id']}", json={"name": "w", "accessType": "READ"})
    api.delete(f"{keys}/{watched.write['id']}")
    api.delete(f"{keys}/{watched.read['id']}")
    api.delete(f"/repo/{watched.home}")
    assert [v["what"] for v in watched.violations] == [
        "detaches bucket 'b' from repository 'app', which routes to it",
        "deletes bucket 'b', which is routed to",
        "lets the write key of repository 'app' only read, while clients are told to write with it",
        "deletes the write key of repository 'app', which clients are told to use",
        "deletes the read key of repository 'app', which clients are told to use",
        "deletes repository 'app', which is routed to",
    ]
    assert watched.violations[0] == {
        "sequence": 1,
        "what": "detaches bucket 'b' from repository 'app', which routes to it",
        "request": "PUT /repo/<repo_id>",
        "by": "python-httpx",
        "generation": 7,
    }


def test_a_violation_tells_whose_client_it_was(watched: Watched) -> None:
    """So that what somebody does by hand is not held against the program that is being watched."""
    for agent in ("fbplan", "Mozilla/5.0 (X11)", ""):
        watched.api.delete(f"/bucket/{watched.b}", headers={"user-agent": agent})
    watched.publish(["a", "b"], digest="2", b="nobody")
    assert [(v["what"], v["by"]) for v in watched.violations] == [
        ("deletes bucket 'b', which is routed to", "fbplan"),
        ("deletes bucket 'b', which is routed to", "Mozilla"),
        ("deletes bucket 'b', which is routed to", ""),
        ("the policy names bucket 'b', which is not there", "policy"),
    ]


def test_a_write_that_the_api_refuses_is_one_all_the_same(watched: Watched) -> None:
    assert not watched.api.delete(f"/bucket/{watched.a}").is_success
    assert len(watched.violations) == 1


@pytest.mark.parametrize(("switch", "detached"), [("full", 2), ("keep-absent", 0)])
def test_an_absent_list_detaches_as_the_api_reads_it(watched: Watched, switch: str, detached: int) -> None:
    watched.api.post("/_emulator/settings", json={"put_repository": switch})
    body = {k: v for k, v in watched.api.repository_body("app").items() if k != "repoBuckets"}
    watched.api.put(f"/repo/{watched.home}", json=body)
    assert len(watched.violations) == detached


def test_what_the_policy_does_not_name_may_go(watched: Watched) -> None:
    api, keys = watched.api, f"/repo/{watched.home}/apikey"
    extra = api.key(watched.home, "extra")
    api.delete(f"{keys}/{extra['id']}")
    api.put(f"{keys}/{watched.write['id']}", json={"name": "w2", "accessType": "ADMIN"})
    api.put(f"/bucket/{watched.a}", json={"region": "eu-west-1"})
    watched.put((watched.a, "a"), (watched.b, "b"), (watched.spare, "c"))
    watched.publish(["a"])
    watched.put((watched.a, "a"))
    api.delete(f"/bucket/{watched.b}")
    assert watched.violations == []


def test_the_policy_is_read_anew_before_each_write(watched: Watched) -> None:
    watched.publish(["a"])
    watched.put((watched.a, "a"), (watched.b, "b"))
    watched.publish(["a", "b"])
    watched.put((watched.a, "a"))
    assert [v["what"] for v in watched.violations] == ["detaches bucket 'b' from repository 'app', which routes to it"]


def test_a_policy_that_comes_to_name_what_is_not_there_is_told_once(watched: Watched) -> None:
    watched.publish(["a", "b"], digest="2", b="nobody", app="nothing")
    watched.api.bucket("other")
    watched.api.bucket("another")
    assert [v["what"] for v in watched.violations] == [
        "the policy names repository 'app', which is not there",
        "the policy names bucket 'b', which is not there",
    ]
    watched.write["key"] = "FBGONE"
    watched.publish(["a", "b"], digest="3")
    assert watched.violations[-1]["what"] == "the policy names the write key of repository 'app', which is not there"


def test_what_stood_when_the_watch_began_is_not_blamed_on_what_follows(watched: Watched) -> None:
    watched.publish(["a", "b"], digest="2", b="nobody")
    watched.api.post("/_emulator/watch", json={"policy": str(watched.path)})
    watched.api.bucket("other")
    assert watched.violations == []


@pytest.mark.parametrize("text", ["", "{", "[]", '{"repositories": []}', '{"repositories": {"a": 1}, "buckets": {}}', '{"repositories": {"app": {"keys": [], "order": null}}, "buckets": {"a": {"folders": null, "bucket_id": []}}}'])  # fmt: skip
def test_what_is_no_policy_breaks_nothing(watched: Watched, text: str) -> None:
    watched.path.write_text(text)
    watched.put((watched.a, "a"))
    assert watched.api.delete(f"/bucket/{watched.b}").is_success
    assert not any("b'" in str(v["what"]) for v in watched.violations)


def test_a_watch_is_started_stopped_and_reset(watched: Watched, tmp_path: Path) -> None:
    api = watched.api
    for body in ({}, {"policy": 1}, {"policy": ""}, {"policy": "a\0b"}, []):
        assert api.post("/_emulator/watch", json=body).status_code == 400
    api.emulator.watch(tmp_path / "nothing.json")
    api.delete(f"/bucket/{watched.a}")
    assert watched.violations == []
    api.emulator.watch(watched.path)
    api.delete(f"/bucket/{watched.a}")
    assert len(api.emulator.violations()) == 1
    assert api.delete("/_emulator/watch").json() == {"violations": []}
    api.delete(f"/bucket/{watched.a}")
    api.post("/_emulator/watch", json={"policy": str(watched.path)})
    api.post("/_emulator/reset")
    assert watched.violations == []
