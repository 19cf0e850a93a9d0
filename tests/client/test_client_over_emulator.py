"""A token that ends in mid-run, end to end over the emulator: the apply goes on, and nothing is made twice."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from client_world import Clock, in_threads, session

from fbplan.client.api import WriteClient
from fbplan.client.auth import Identity, Login
from fbplan.emulator import Settings as Switches
from fbplan.emulator import open_emulator
from fbplan.errors import AuthenticationFailed
from fbplan.kinds import KINDS
from fbplan.secrets import Secret

LOGIN = Login("ci@example.org", Secret("password-1"))
BUCKET = KINDS["bucket"]


class World:
    """The emulator with tokens of five minutes, asked for, and a clock that both sides share."""

    def __init__(self, folder: Path) -> None:
        switches = {"require_login": True, "token_lifetime": 300}
        self.app = open_emulator(folder, Switches().with_values(switches))
        self.clock = Clock()
        self.raw = httpx.Client(transport=httpx.WSGITransport(app=self.app), base_url="http://x")

    def advance(self, seconds: float) -> None:
        """Time passes on both sides."""
        self.clock.time += seconds
        self.elsewhere(seconds)

    def elsewhere(self, seconds: float) -> None:
        """The emulator alone is later than this machine thinks."""
        self.raw.post("/_emulator/clock", json={"advance": seconds})

    def fault(self, **script: Any) -> None:
        assert self.raw.post("/_emulator/faults", json={"faults": [script]}).status_code == 200

    def count(self, path: str) -> int:
        return sum(row["path"] == path for row in self.raw.get("/_emulator/requests").json()["requests"])


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    found = World(tmp_path)
    yield found
    found.raw.close()
    found.app.close()


def body(workspace: str, name: str) -> dict[str, str]:
    return {"name": name, "bucket": name, "storageType": "S3", "key": "k", "secret": "s", "workspaceId": workspace}


def names(client: WriteClient, workspace: str) -> list[str]:
    return sorted(str(row["name"]) for row in client.listing(BUCKET, workspace))


def test_a_token_that_ends_while_eight_workers_create_is_renewed_once(world: World) -> None:
    with session(world.app, world.clock, identity=Identity(None, LOGIN)) as s:
        client = WriteClient(s)
        workspace = client.workspaces()[0]["id"]
        world.elsewhere(301)  # no early renewal: only the 401 tells
        numbers = iter(range(8))
        in_threads(8, lambda: client.create(BUCKET, body(workspace, f"b{next(numbers)}")))
        assert names(client, workspace) == [f"b{n}" for n in range(8)]
    assert world.count("/user/login") == 2


def test_a_token_is_renewed_before_it_ends_and_no_call_is_turned_away(world: World) -> None:
    with session(world.app, world.clock, identity=Identity(None, LOGIN)) as s:
        for _ in range(10):
            WriteClient(s).workspaces()
            world.advance(100)
    rows = world.raw.get("/_emulator/requests").json()["requests"]
    assert [row["status"] for row in rows if row["status"] != 200] == []
    assert world.count("/user/login") == 4  # at 0, 300, 600 and 900 s: due from 240 s on, seen every 100 s


def test_a_token_that_the_api_declares_ended_is_replaced_and_the_create_happens_once(world: World) -> None:
    with session(world.app, world.clock, identity=Identity(None, LOGIN)) as s:
        client = WriteClient(s)
        workspace = client.workspaces()[0]["id"]
        world.fault(fault="token-expired", method="POST", path="/bucket")
        client.create(BUCKET, body(workspace, "b"))
        assert names(client, workspace) == ["b"]
    assert world.count("/user/login") == 2


def test_two_refusals_in_a_row_end_it(world: World) -> None:
    with session(world.app, world.clock, identity=Identity(None, LOGIN)) as s:
        client = WriteClient(s)
        workspace = client.workspaces()[0]["id"]
        world.fault(fault="token-expired", method="POST", path="/bucket", times=2)
        with pytest.raises(AuthenticationFailed):
            client.create(BUCKET, body(workspace, "b"))
        assert names(client, workspace) == []


@pytest.mark.parametrize("unit", ["seconds", "milliseconds"])
def test_refresh_tokens_carry_a_run_through_the_hours(world: World, unit: str) -> None:
    world.raw.post("/_emulator/settings", json={"expires_at_unit": unit})
    issued = world.raw.post("/user/login", json={"email": "a@example.org", "password": "p"}).json()
    identity = Identity(Secret(issued["accessToken"]), None, Secret(issued["refreshToken"]))
    with session(world.app, world.clock, identity=identity) as s:
        for _ in range(5):
            WriteClient(s).workspaces()
            world.elsewhere(301)
    assert (world.count("/user/login"), world.count("/user/refresh")) == (1, 4)


def test_without_a_login_the_run_stops_with_what_to_do(world: World) -> None:
    issued = world.raw.post("/user/login", json={"email": "a@example.org", "password": "p"}).json()
    with session(world.app, world.clock, identity=Identity(Secret(issued["accessToken"]))) as s:
        WriteClient(s).workspaces()
        world.elsewhere(301)
        with pytest.raises(AuthenticationFailed) as caught:
            WriteClient(s).workspaces()
    assert caught.value.why == "'Token expired'"
    assert "FB_EMAIL" in caught.value.next


@pytest.mark.parametrize(("form", "least"), [(30, 30), ("http-date", 20)])
def test_a_429_of_the_emulator_is_waited_for_in_both_forms(world: World, form: Any, least: float) -> None:
    """Its own clock is that of the machine: a date leaves a little less of the 30 s, or more on a slow one."""
    world.fault(fault="429", path="/workspace", retry_after=form, seconds=30)
    world.clock.offset = _seconds(world.raw.get("/_emulator/health").json()["now"]) - world.clock.time
    told: list[str] = []
    with session(world.app, world.clock, identity=Identity(None, LOGIN), told=told.append) as s:
        WriteClient(s).workspaces()
    assert world.clock.waited >= least
    assert told[0].endswith("s: the API asked to slow down")


def _seconds(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()
