"""Bridge Nodes: made-up, always there, so that a latency-aware reader has something to read (api/README.md §10)."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from fbplan.emulator.answers import Answer, Rejected
from fbplan.emulator.buckets import live_bucket
from fbplan.emulator.call import Call, Operation, iso
from fbplan.emulator.dates import day_of_number, moment, number_of_day
from fbplan.emulator.documents import texts
from fbplan.emulator.statistics import id_list
from fbplan.emulator.usage import DEFAULT_HOST

STORAGE = 1
VERSION = "2.4.1"
MOST_ROWS = 100_000


@dataclass(frozen=True, slots=True)
class Node:
    """A public node. Its address is one of those set aside for documentation."""

    id: str
    ip: str
    region: str
    provider: str
    latency_ms: int

    @property
    def host(self) -> str:
        return f"{self.region}-{self.provider}.flashback.tech"


NODES = (
    Node("n-1", "203.0.113.7", "us-east-1", "aws", 38),
    Node("n-2", "203.0.113.8", "us-east-1", "gcp", 44),
    Node("n-3", "203.0.113.9", "eu-central-1", "azure", 97),
)


def _state(call: Call, node: Node, otherwise: str = "ONLINE") -> str:
    """The state of a node. The one that the statistics count for is the emulated Bridge Node, and has a switch."""
    is_off = node.host == DEFAULT_HOST and call.settings.bridge_status == "OFFLINE"
    return "OFFLINE" if is_off else otherwise


def _latency(call: Call, node: Node) -> int:
    return node.latency_ms + (call.settings.bridge_latency_ms if node.host == DEFAULT_HOST else 0)


def list_nodes(call: Call) -> Answer:
    text = call.filter("nodeServices") or "0"
    if not (text.isascii() and text.isdigit() and len(text) <= 9):
        raise Rejected(400, "nodeServices must be a bit mask")
    wanted = int(text)
    nodes = [
        {
            "ip": node.ip,
            "region": node.region,
            "version": VERSION,
            "status": _state(call, node),
            "latencyMs": _latency(call, node),
            "lastUpdated": iso(call.now),
            "url": f"https://s3-{node.host}",
            "nodeServices": STORAGE,
        }
        for node in NODES
        if STORAGE & wanted == wanted
    ]
    return Answer({"success": True, "data": nodes, "total": len(nodes)})


def list_own_nodes(call: Call, org_id: str) -> Answer:
    if org_id != call.store.meta("org_id"):
        raise Rejected(403, "Access denied")
    return Answer({"success": True, "data": [], "total": 0})


def bucket_status(call: Call, bucket_id: str) -> Answer:
    row = live_bucket(call, bucket_id, "READ")
    statuses = [
        {
            "ip": node.ip,
            "region": node.region,
            "version": VERSION,
            "status": row["status"],
            call.settings.latency_name: node.latency_ms,
            "lastUpdated": iso(call.now),
        }
        for node in NODES
    ]
    return Answer({"bucketId": bucket_id, "nodeStatus": statuses})


def bucket_day(call: Call, bucket_id: str) -> Answer:
    row = live_bucket(call, bucket_id, "READ")
    try:
        day = moment(texts(call.document, required=("day",))["day"]).date()
        last = datetime.combine(day, time(23, 59), UTC)
    except ValueError:
        raise Rejected(400, "Invalid date format") from None
    stats = [
        {
            "ip": node.ip,
            "host": f"*-{node.host}",
            "perc_uptime": 99.8,
            "avg_latency_ms": node.latency_ms,
            "version": VERSION,
            "node_status": row["status"],
            "last_updated": iso(last),
            "last_latency_ms": node.latency_ms,
        }
        for node in NODES
    ]
    return Answer({"success": True, "nodeStats": stats})


def _buckets(call: Call) -> list[sqlite3.Row]:
    ids = id_list(call.filters("bucketId", "unitId"))
    condition, values = call.visible("workspace_id")
    return call.rows(
        f"SELECT id, status, storage_type FROM bucket WHERE deleted_at IS NULL AND {condition}"  # noqa: S608
        " AND (? IS NULL OR id IN (SELECT value FROM json_each(?))) ORDER BY seq",
        *values, ids, ids,
    )  # fmt: skip


def per_minute(call: Call) -> Answer:
    rows = [
        {
            "nodeId": node.id,
            "bucketId": bucket["id"],
            "nodeStatus": _state(call, node, bucket["status"]),
            "lastUpdated": iso(call.now),
            "latency_ms": _latency(call, node),
        }
        for bucket in _buckets(call)
        for node in NODES
    ]
    return Answer({"success": True, "data": rows})


def daily(call: Call) -> Answer:
    first, last = _day(call, "startDate"), _day(call, "endDate")
    buckets = _buckets(call)
    if (last - first).days * len(buckets) * len(NODES) > MOST_ROWS:
        raise Rejected(400, "The range is too long")
    days = [first + timedelta(days=offset) for offset in range((last - first).days + 1)] if buckets else []
    rows = [
        {
            "nodeId": node.id,
            "bucketId": bucket["id"],
            "day": _wire_day(call, day),
            "online": 99.7,
            "latency_ms": node.latency_ms,
            "endpoint": f"https://s3-{node.host}",
            "region": node.region,
            "storageType": bucket["storage_type"],
            "provider": node.provider.upper(),
            "status": bucket["status"],
            "version": VERSION,
        }
        for bucket in buckets
        for day in days
        for node in NODES
    ]
    return Answer({"success": True, "data": rows})


def _day(call: Call, name: str) -> date:
    text = call.filter(name)
    try:
        return call.now.date() if text is None else day_of_number(text)
    except ValueError:
        raise Rejected(400, f"{name} is not a ddmmyyyy number") from None


def _wire_day(call: Call, day: date) -> int:
    if call.settings.node_day == "ddmmyyyy":
        return number_of_day(day)
    return int(datetime.combine(day, time(), UTC).timestamp())


OPERATIONS = (
    Operation("GET", "/node", list_nodes),
    Operation("GET", "/organization/<org_id>/nodes", list_own_nodes),
    Operation("GET", "/bucket/<bucket_id>/status", bucket_status),
    Operation("POST", "/bucket/<bucket_id>/stats", bucket_day),
    Operation("GET", "/stats/nodes/minute", per_minute),
    Operation("GET", "/stats/nodes/daily", daily),
)
