"""A 429 on POST /bucket means "slow down" or "no more buckets"; only one of them is worth a wait (API notes §8)."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from client_world import Clock, Server, session

from fbplan.client.quota import is_full_of_buckets
from fbplan.emulator import Settings as Switches
from fbplan.emulator import open_emulator
from fbplan.errors import ApiFault, Unreachable


def row(current: Any, most: Any, code: str = "BUCKETS_COUNT", description: str = "Registered buckets") -> Any:
    return {"capability": {"code": code, "description": description}, "usage": {"current": current, "max": most}}


def answering(quota: Any, *, header: dict[str, str] | None = None, status: int = 200) -> Server:
    def answer(method: str, path: str, body: Any, token: str) -> Any:
        if path == "/user/quota":
            return status, quota
        return 429, {"success": False, "message": "Too many requests"}, header or {}

    return Server(answer)


def test_no_room_in_the_quota_makes_it_final() -> None:
    server, clock = answering({"success": True, "quotaUsage": [row(10, 10)]}), Clock()
    with session(server, clock) as s, pytest.raises(ApiFault) as caught:
        s.write("POST", "/bucket", {})
    assert (server.count("POST", "/bucket"), server.count("GET", "/user/quota"), clock.slept) == (1, 1, [])
    assert caught.value.what == "the bucket quota of the organisation is used up"
    assert s.throttle.limit == 8


@pytest.mark.parametrize(
    "quota",
    [
        {"success": True, "quotaUsage": [row(3, 10)]},
        {"success": True, "quotaUsage": []},
        {"success": False, "error_code": "NO_ACTIVE_SUBSCRIPTION"},
        [],
        None,
        "text",
        b"<html>",
    ],
)
def test_room_or_an_answer_that_cannot_be_read_means_a_few_more_tries(quota: Any) -> None:
    server, clock = answering(quota), Clock()
    with session(server, clock) as s, pytest.raises(Unreachable):
        s.write("POST", "/bucket", {})
    assert (server.count("POST", "/bucket"), server.count("GET", "/user/quota")) == (3, 1)
    assert clock.waited > 0


@pytest.mark.parametrize("status", [401, 404, 429, 500])
def test_a_quota_that_cannot_be_asked_means_a_few_more_tries(status: int) -> None:
    server = answering({"success": False}, status=status)
    with session(server) as s, pytest.raises(Unreachable):
        s.write("POST", "/bucket", {})
    assert server.count("POST", "/bucket") == 3


def test_a_lost_answer_to_the_quota_means_a_few_more_tries() -> None:
    def answer(method: str, path: str, body: Any, token: str) -> Any:
        if path == "/user/quota":
            raise httpx.ReadError("cut")
        return 429, {"success": False}

    server = Server(answer)
    with session(server) as s, pytest.raises(Unreachable):
        s.write("POST", "/bucket", {})
    assert server.count("POST", "/bucket") == 3


def test_a_retry_after_says_that_it_is_the_rate_and_nothing_is_asked() -> None:
    server = answering({"quotaUsage": [row(10, 10)]}, header={"retry-after": "1"})
    with session(server) as s, pytest.raises(Unreachable):
        s.write("POST", "/bucket", {})
    assert (server.count("POST", "/bucket"), server.count("GET", "/user/quota")) == (5, 0)


def test_other_calls_never_ask_for_the_quota() -> None:
    server = answering({"quotaUsage": [row(10, 10)]})
    with session(server) as s, pytest.raises(Unreachable):
        s.write("POST", "/repo", {})
    assert server.count("GET", "/user/quota") == 0


@pytest.mark.parametrize(
    ("found", "is_full"),
    [
        ({"quotaUsage": [row(10, 10)]}, True),
        ({"quotaUsage": [row(11, 10)]}, True),
        ({"quotaUsage": [row("10", "10")]}, True),
        ({"quotaUsage": [row(5, 5, "X_17", "Number of BUCKETS")]}, True),
        ({"quotaUsage": [row(5, 9), row(7, 7, "MAX_BUCKETS", "")]}, True),
        ({"quotaUsage": [row(9, 10)]}, False),
        ({"quotaUsage": [row(10, 0)]}, False),
        ({"quotaUsage": [row(10, -1)]}, False),
        ({"quotaUsage": [row(10, None)]}, False),
        ({"quotaUsage": [row(True, True)]}, False),
        ({"quotaUsage": [row("many", "few")]}, False),
        ({"quotaUsage": [row(10, 10, "REPOS_COUNT", "Repositories")]}, False),
        ({"quotaUsage": [row(10, 10, "BUCKET_BYTES", "Stored bytes in buckets")]}, False),
        ({"quotaUsage": [{"capability": None, "usage": None}, {"usage": {}}, 7, None, []]}, False),
        ({"quotaUsage": {"code": "BUCKETS"}}, False),
        ({"quotaUsage": None}, False),
        ({}, False),
        ([], False),
        (None, False),
    ],
)
def test_only_a_count_of_buckets_that_reached_a_real_limit_is_no_room(found: Any, is_full: bool) -> None:
    assert is_full_of_buckets(found) is is_full


def test_the_emulators_quota_is_told_apart_from_its_rate_limit(tmp_path: Any) -> None:
    app = open_emulator(tmp_path, Switches().with_values({"bucket_quota": 1}))
    body = {"name": "a", "bucket": "a", "storageType": "S3", "key": "k", "secret": "s", "region": "r"}
    with session(app) as s:
        workspace = s.read("/workspace")["workspaces"][0]["id"]
        assert not is_full_of_buckets(s.read("/user/quota"))
        s.write("POST", "/bucket", {**body, "workspaceId": workspace})
        assert is_full_of_buckets(s.read("/user/quota"))
        with pytest.raises(ApiFault) as caught:
            s.write("POST", "/bucket", {**body, "name": "b", "bucket": "b", "workspaceId": workspace})
        assert "quota" in caught.value.what
    app.close()
