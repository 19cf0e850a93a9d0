"""Every switch of the data plane, in each of its positions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError
from bridge_rig import Node, refusal

from fbplan.emulator import switches


def _addresses(node: Node) -> object:
    bucket = node.bucket("reg", bucket="acme-container")
    s3 = node.s3(node.key(node.repository("r", (bucket, "/sub/"))))
    (listed,) = s3.list_buckets()["Buckets"]
    s3.put_object(Bucket=listed["Name"], Key="k", Body=b"x")
    return listed["Name"]


def _shown(node: Node) -> object:
    node.writer("a").put_object(Bucket="a", Key="k", Body=b"x")
    return len(node.daily())


def _state(node: Node) -> object:
    s3 = node.writer("a")
    told = [node.api.get("/node").json()["data"], node.api.get("/stats/nodes/minute").json()["data"]]
    states = told[0][0]["status"], told[1][0]["nodeStatus"], told[0][1]["status"]
    try:
        s3.list_objects_v2(Bucket="a")
    except ClientError as fault:
        return refusal(fault)[0], *states
    return 200, *states


def _waits(node: Node) -> object:
    node.writer("a").list_objects_v2(Bucket="a")
    (told, *_) = node.api.get("/node").json()["data"]
    return node.slept, told["latencyMs"]


def _largest(node: Node) -> object:
    s3 = node.writer("a")
    try:
        s3.put_object(Bucket="a", Key="k", Body=b"xx")
    except ClientError as fault:
        return refusal(fault)[1]
    return 200


POSITIONS: dict[str, tuple[Callable[[Node], object], dict[object, object]]] = {
    "bridge_address": (_addresses, {"name": "reg", "container": "acme-container", "folder": "sub"}),
    "bridge_stats_lag": (_shown, {0.0: 1, 60.0: 0}),
    "bridge_status": (
        _state,
        {"ONLINE": (200, "ONLINE", "ONLINE", "ONLINE"), "OFFLINE": (503, "OFFLINE", "OFFLINE", "ONLINE")},
    ),
    "bridge_latency_ms": (_waits, {0: ([], 38), 250: ([0.25], 288)}),
    "bridge_max_object": (_largest, {2: 200, 1: "EntityTooLarge"}),
}
CASES = [
    (name, observe, position, seen) for name, (observe, table) in POSITIONS.items() for position, seen in table.items()
]


@pytest.mark.parametrize(("name", "observe", "position", "seen"), CASES)
def test_the_switch_decides(open_node: Any, name: str, observe: Any, position: object, seen: object) -> None:
    assert observe(open_node(**{name: position})) == seen


def test_every_switch_and_every_choice_of_the_data_plane_is_tested() -> None:
    ours = [switch for switch in switches() if switch.name.startswith("bridge_")]
    assert [switch.name for switch in ours] == list(POSITIONS)
    for switch in ours:
        assert set(switch.choices) <= set(POSITIONS[switch.name][1])
