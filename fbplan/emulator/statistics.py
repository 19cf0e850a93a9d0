"""Byte counters: lifetime totals as strings, and rows per day or minute (api/README.md §7)."""

from __future__ import annotations

import json
import sqlite3

from fbplan.emulator.answers import Answer, Rejected
from fbplan.emulator.call import Call, Operation
from fbplan.emulator.dates import DAY, MINUTE, moment

COUNTERS = ("upl_bytes", "dwl_bytes", "size_change")
# SQLite raises an error when a sum leaves 64 bits: halves are summed apart and joined in Python, exact at any size.
SUMS = ", ".join(f"sum({name} >> 32) AS {name}_high, sum({name} & 4294967295) AS {name}_low" for name in COUNTERS)
LATENCY_MS = 42


def summed(row: sqlite3.Row, name: str) -> int:
    """The exact sum of a counter, from a row selected with SUMS."""
    return (int(row[f"{name}_high"]) << 32) + int(row[f"{name}_low"])


def id_list(ids: frozenset[str] | None) -> str | None:
    """Ids as a JSON list for SQL, or None for no filter."""
    return None if ids is None else json.dumps(sorted(ids))


def _totals(call: Call, table: str, column: str, wire: str, wanted: frozenset[str] | None) -> list[dict[str, object]]:
    condition, values = call.visible("workspace_id")
    ids = id_list(wanted)
    used = {
        row["id"]: row
        for row in call.rows(
            f"SELECT {column} AS id, sum(requests) AS requests, {SUMS} FROM usage"  # noqa: S608
            f" WHERE {column} IS NOT NULL GROUP BY {column}"
        )
    }
    known = call.rows(
        f"SELECT id FROM {table} WHERE deleted_at IS NULL AND {condition}"  # noqa: S608
        " AND (? IS NULL OR id IN (SELECT value FROM json_each(?))) ORDER BY seq",
        *values, ids, ids,
    )  # fmt: skip
    totals = []
    for (known_id,) in known:
        row = used.get(known_id)
        total: dict[str, object] = {wire: known_id}
        if table == "bucket":
            total["totalCount"] = str(row["requests"] if row else 0)
        for name, counter in zip(("totalUploadBytes", "totalDownloadBytes", "totalSizeChange"), COUNTERS, strict=True):
            total[name] = str(summed(row, counter) if row else 0)
        totals.append(total)
    return totals


def bucket_totals(call: Call) -> Answer:
    stats = _totals(call, "bucket", "bucket_id", "bucketId", call.filters("bucketId", "unitId"))
    return Answer({"success": True, "stats": stats})


def repository_totals(call: Call) -> Answer:
    return Answer({"success": True, "stats": _totals(call, "repository", "repo_id", "repoId", call.filters("repoId"))})


def daily(call: Call) -> Answer:
    return _rows(call, DAY)


def per_minute(call: Call) -> Answer:
    return _rows(call, MINUTE)


def _rows(call: Call, period: int) -> Answer:
    start, end = _date(call, "startDate"), _date(call, "endDate")
    if start is not None and end is not None and start > end:
        raise Rejected(400, "startDate is after endDate")
    condition, values = call.visible("workspace_id")
    conditions = [f"bucket_id IN (SELECT id FROM bucket WHERE {condition})"]  # noqa: S608 -- made of placeholders
    parameters = list(values)
    for sql, value in (
        ("at >= ?", None if start is None else int(start // period * period)),
        ("at <= ?", None if end is None else int(end)),
        ("repo_id IN (SELECT value FROM json_each(?))", id_list(call.filters("repoId"))),
        ("bucket_id IN (SELECT value FROM json_each(?))", id_list(call.filters("bucketId", "unitId"))),
        ("host IN (SELECT value FROM json_each(?))", id_list(call.filters("hosts"))),
    ):
        if value is not None:
            conditions.append(sql)
            parameters.append(value)
    rows = call.rows(
        f"SELECT at / {period} * {period} AS slot, repo_id, bucket_id, host, {SUMS} FROM usage"  # noqa: S608
        f" WHERE {' AND '.join(conditions)} GROUP BY slot, repo_id, bucket_id, host"
        " ORDER BY slot, repo_id, bucket_id, host",
        *parameters,
    )
    return Answer({"success": True, "data": [_row(call, row) for row in rows]})


def _row(call: Call, row: sqlite3.Row) -> dict[str, object]:
    is_text = call.settings.interval_counters == "string"
    read: dict[str, object] = {
        "timestamp": row["slot"] * (1000 if call.settings.timestamp_unit == "milliseconds" else 1),
        call.settings.usage_id: row["bucket_id"],
        "latency_ms": LATENCY_MS,
        "host": row["host"],
    }
    for name in COUNTERS:
        total = summed(row, name)
        read[name] = str(total) if is_text else total
    if row["repo_id"] is not None:
        read["repoId"] = row["repo_id"]
    return read


def _date(call: Call, name: str) -> float | None:
    text = call.filter(name)
    if text is None:
        return None
    try:
        return moment(text).timestamp()
    except ValueError:
        raise Rejected(400, f"{name} is not an ISO 8601 date") from None


OPERATIONS = (
    Operation("GET", "/bucket/stats", bucket_totals),
    Operation("GET", "/repo/stats", repository_totals),
    Operation("GET", "/stats/daily", daily),
    Operation("GET", "/stats/minute", per_minute),
)
