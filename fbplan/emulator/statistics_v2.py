"""The V2 statistics: a window back from now, byte counts as JSON numbers (api/README.md §7)."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass

from fbplan.emulator.answers import Answer, Form, Rejected
from fbplan.emulator.call import Call, Operation
from fbplan.emulator.dates import DAY
from fbplan.emulator.statistics import LATENCY_MS, SUMS, id_list, summed

WINDOWS: Mapping[str, tuple[int, int, str]] = {  # seconds back, seconds per point, name of the step
    "24h": (DAY, 600, "10m"),
    "7d": (7 * DAY, 3600, "1h"),
    "30d": (30 * DAY, 6 * 3600, "6h"),
    "90d": (90 * DAY, 12 * 3600, "12h"),
    "180d": (180 * DAY, DAY, "1d"),
    "365d": (365 * DAY, DAY, "1d"),
}
SCOPES = {
    "org": "TRUE",
    "workspace": "bucket_id IN (SELECT id FROM bucket WHERE workspace_id = ?)",
    "repo": "repo_id = ?",
}
ENTITIES = {  # what a breakdown groups by, and where the name of a group is kept
    "buckets": ("bucket_id", "SELECT id, name FROM bucket"),
    "repos": ("repo_id", "SELECT id, name FROM repository"),
    "nodes": ("host", "SELECT DISTINCT host, host FROM usage"),
    "workspaces": (
        "(SELECT workspace_id FROM bucket WHERE bucket.id = usage.bucket_id)",
        "SELECT id, name FROM workspace",
    ),
    "providers": (
        "(SELECT storage_type FROM bucket WHERE bucket.id = usage.bucket_id)",
        "SELECT DISTINCT storage_type, storage_type FROM bucket",
    ),
}
FACTS = f"sum(requests) AS requests, {SUMS}"


@dataclass(frozen=True, slots=True)
class _Selection:
    """The rows that a query asks about."""

    scope: str
    scope_id: str
    window: str
    start: int
    end: int
    step: int
    where: str
    values: tuple[object, ...]


def _selection(call: Call) -> _Selection:
    scope, window, scope_id = call.filter("scope") or "org", call.filter("window") or "", call.filter("id")
    if scope not in SCOPES or window not in WINDOWS:
        raise Rejected(400, "scope and window are required", "INVALID_PARAMETERS")
    if scope != "org" and scope_id is None:
        raise Rejected(400, "id is required for this scope", "INVALID_PARAMETERS")
    back, step, _ = WINDOWS[window]
    end = int(call.now.timestamp())
    ids = id_list(call.filters("bucketId", "unitId"))
    visible, values = call.visible("workspace_id")
    where = (
        f"at > ? AND at <= ? AND {SCOPES[scope]} AND (? IS NULL OR bucket_id IN (SELECT value FROM json_each(?)))"  # noqa: S608
        f" AND bucket_id IN (SELECT id FROM bucket WHERE {visible})"
    )
    scoped = () if scope == "org" else (scope_id,)
    org_or_id = call.store.meta("org_id") if scope_id is None else scope_id
    return _Selection(
        scope, org_or_id, window, end - back, end, step, where, (end - back, end, *scoped, ids, ids, *values)
    )


def _counts(row: sqlite3.Row) -> dict[str, object]:
    return {
        "uplBytes": summed(row, "upl_bytes"),
        "dwlBytes": summed(row, "dwl_bytes"),
        "sizeChange": summed(row, "size_change"),
        "latencyMs": LATENCY_MS,
        "requests": row["requests"],
    }


def _series(call: Call, chosen: _Selection, extra: str = "TRUE", *values: object) -> list[dict[str, object]]:
    rows = call.rows(
        f"SELECT at / {chosen.step} * {chosen.step} AS ts, {FACTS} FROM usage"  # noqa: S608
        f" WHERE {chosen.where} AND {extra} GROUP BY ts ORDER BY ts",
        *chosen.values, *values,
    )  # fmt: skip
    return [{"ts": row["ts"], **_counts(row)} for row in rows]


def time_series(call: Call) -> Answer:
    chosen = _selection(call)
    series = _series(call, chosen)
    uploads = sorted(int(str(point["uplBytes"])) for point in series) or [0]
    average = sum(uploads) / len(uploads)
    summary = {
        "total": sum(uploads),
        "avg": average,
        "stdDev": (sum((value - average) ** 2 for value in uploads) / len(uploads)) ** 0.5,
        "min": uploads[0],
        "max": uploads[-1],
        **{f"p{share}": uploads[(len(uploads) - 1) * share // 100] for share in (10, 50, 90)},
    }
    meta = {
        "start": chosen.start,
        "end": chosen.end,
        "scope": chosen.scope,
        "scopeId": chosen.scope_id,
        "window": chosen.window,
        "timeBucketSize": WINDOWS[chosen.window][2],
    }
    return Answer({"success": True, "meta": meta, "summary": summary, "series": series})


def breakdown(call: Call, by: str) -> Answer:
    chosen = _selection(call)
    if by not in ENTITIES:
        raise Rejected(404, "No such breakdown", "NOT_FOUND")
    column, named = ENTITIES[by]
    limit, offset = _page(call, "limit", 50), _page(call, "offset", 0)
    names = dict(call.db.execute(named).fetchall())
    rows = call.rows(
        f"SELECT {column} AS entity, {FACTS} FROM usage WHERE {chosen.where} AND {column} IS NOT NULL"  # noqa: S608
        " GROUP BY entity ORDER BY entity",
        *chosen.values,
    )
    has_series = call.filter("includeSeries") == "true"
    entities = []
    for row in rows[offset : offset + limit]:
        entity: dict[str, object] = {
            "entityId": row["entity"],
            "entityName": names.get(row["entity"], ""),
            "totals": _counts(row),
        }
        if has_series:
            entity["series"] = _series(call, chosen, f"{column} = ?", row["entity"])
        entities.append(entity)
    meta = {
        "start": chosen.start,
        "end": chosen.end,
        "scope": chosen.scope,
        "scopeId": chosen.scope_id,
        "breakdownBy": by,
        "includesSeries": has_series,
        "limit": limit,
        "offset": offset,
        "totalEntities": len(rows),
    }
    total = sum(summed(row, "upl_bytes") for row in rows)
    return Answer({"success": True, "meta": meta, "summary": {"total": total}, "entities": entities})


def _page(call: Call, name: str, default: int) -> int:
    text = call.filter(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise Rejected(400, f"{name} must be a whole number", "INVALID_PARAMETERS")
    return int(text)


OPERATIONS = (
    Operation("GET", "/v2/stats/storage", time_series, Form.CODED),
    Operation("GET", "/v2/stats/storage/breakdown/<by>", breakdown, Form.CODED),
)
