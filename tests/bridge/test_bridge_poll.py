"""A router that polls by itself, over boto3, the Bridge Node and the statistics that it counts into."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from bridge_rig import Node
from runtime_world import policy_document

from fbplan.client.auth import Identity
from fbplan.client.session import Session
from fbplan.client.settings import Settings
from fbplan.runtime import ReadOnly, Router
from fbplan.runtime.adapters.s3 import S3Transport
from fbplan.secrets import Secret

LAG_S = 120
MANAGED = {"faults": [{"method": "GET", "path": "/stats/daily", "fault": "500-before", "times": 100}]}


class Service:
    """One process that writes to buckets of 1000 bytes with a soft cap of 800, and somebody who writes there too."""

    def __init__(self, node: Node, folder: Path, poll: Callable[..., object], *names: str) -> None:
        self.node, self.alarms = node, []
        ids = {name: node.bucket(name) for name in names}
        repo = node.repository("app", *((remote, "") for remote in ids.values()))
        key = node.key(repo)
        self.other = node.s3(node.key(repo, name="other"))
        cap = {"meter": "ingress_bytes", "limit": 1000}
        buckets = {name: {"bucket_id": remote, "meters": [cap]} for name, remote in ids.items()}
        (folder / "policy.json").write_text(json.dumps(policy_document(buckets, endpoint=node.url)), encoding="utf-8")
        self.settings: dict[str, Any] = {
            "poll": poll,
            "max_lag_s": LAG_S,
            "clock_ms": lambda: round(node.emulator.store.now().timestamp() * 1000),
            "alarm": lambda name, _: self.alarms.append(name),
        }
        self.transport = S3Transport(credentials=lambda _: (key["key"], key["secret"]))
        self.path, self.count = folder / "policy.json", 0
        self.router = self.started()

    def started(self) -> Router:
        return Router.from_file(self.path, self.transport, **self.settings)

    def put(self, size: int) -> str:
        self.count += 1
        return str(self.router.put(f"k{self.count}", bytes(size)).bucket)

    def pass_time(self, seconds: float) -> None:
        """And one poll after it."""
        self.node.advance(seconds)
        self.router.refresh(now=True)

    def written(self, bucket: str) -> int:
        found = self.other.list_objects_v2(Bucket=bucket).get("Contents", [])
        return sum(row["Size"] for row in found)


@pytest.fixture(params=["httpx", "fbplan"])
def service(request: pytest.FixtureRequest, open_node: Callable[..., Node], tmp_path: Path) -> Any:
    node = open_node(bridge_stats_lag=LAG_S)
    session = Session(
        Settings("emulator:", 2), Identity(Secret("any")), app=node.emulator, sleep=lambda _: None, jitter=lambda: 0.5
    )
    polls = {
        "httpx": lambda path, params: node.api.get(path, params=params).raise_for_status().json(),
        "fbplan": session.read,
    }
    with session:
        made = Service(node, tmp_path, polls[request.param], "a", "b")
        yield made
        made.router.close()


def test_what_others_wrote_counts_when_the_statistics_know_it_and_no_cap_is_passed(service: Service) -> None:
    service.other.put_object(Bucket="a", Key="theirs", Body=bytes(600))
    assert service.put(100) == "a", "nobody has told it yet"

    service.pass_time(LAG_S + 61)
    went = [service.put(100) for _ in range(8)]
    assert went == ["b"] * 8, "700 are known of a, and 100 of them may be its own that are not"
    service.pass_time(1200)
    assert [service.put(100) for _ in range(5)] == ["a", "a", "a", "b", "b"]
    with pytest.raises(ReadOnly):
        service.put(100)
    assert (service.written("a"), service.written("b"), service.alarms) == (1000, 1000, [])


def test_an_outage_of_the_statistics_stops_no_write_and_a_restart_in_it_does(service: Service) -> None:
    service.other.put_object(Bucket="a", Key="theirs", Body=bytes(600))
    service.pass_time(LAG_S + 61)
    service.node.post("/_emulator/faults", MANAGED)

    service.pass_time(3600)
    assert [service.put(100) for _ in range(4)] == ["a", "a", "b", "b"]
    assert service.alarms == ["usage.unreadable"]
    with service.started() as restarted, pytest.raises(ReadOnly, match="no bucket takes"):
        restarted.put("k", b"x")
