"""Credit limits per bucket: what a provider's free credit allows, enforced on writes as Flashback's users see it."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from datetime import datetime

from fbplan.emulator.answers import Rejected
from fbplan.emulator.bridge.refusals import Refusal
from fbplan.emulator.bridge.traffic import month_of
from fbplan.emulator.documents import mapping

METERS = {"ingress_bytes": "upl_bytes", "stored_bytes": "size_change"}
PERIODS = ("month", "none")
STATUSES = (403, 429, 507)
MOST = 2**53 - 1


def charge(db: sqlite3.Connection, bucket_id: str, now: datetime, *, up: int, growth: int) -> None:
    """Raise the Refusal of a write that would pass a limit of its bucket. Writes that reach it exactly are allowed."""
    for row in db.execute("SELECT * FROM credit WHERE bucket_id = ?", (bucket_id,)).fetchall():
        more = growth if row["meter"] == "stored_bytes" else up
        if more > 0 and used(db, row, now) + more > row["most"]:
            if row["status"] == 507:
                raise Refusal("InsufficientStorage", "The bucket has no storage left")
            raise Refusal("QUOTA_EXCEEDED", "Credit quota exceeded for this bucket", row["status"])


def used(db: sqlite3.Connection, row: sqlite3.Row, now: datetime) -> int:
    """The use that a limit is measured by: in this month of the emulator's clock, or in all time."""
    column = METERS[row["meter"]]
    # What is stored does not begin anew with a month.
    is_monthly = row["period"] == "month" and row["meter"] != "stored_bytes"
    (total,) = db.execute(
        f"SELECT coalesce(sum({column}), 0) FROM tally WHERE bucket_id = ? AND (? IS NULL OR month = ?)",  # noqa: S608
        (row["bucket_id"], *((month_of(now),) * 2 if is_monthly else (None, None))),
    ).fetchone()
    return int(total)


def set_limit(db: sqlite3.Connection, bucket_id: str, document: object) -> None:
    """Set or, with a limit of null, remove a limit. Raises Rejected."""
    body = mapping(document)
    unknown = sorted(set(body) - {"bucket", "bucketId", "meter", "limit", "status", "period"})
    if unknown:
        raise Rejected(400, f"a credit limit has no {', '.join(unknown)}")
    meter = _one_of(body, "meter", tuple(METERS), "ingress_bytes")
    limit = body.get("limit", ...)
    if limit is None:
        db.execute("DELETE FROM credit WHERE bucket_id = ? AND meter = ?", (bucket_id, meter))
        return
    if not isinstance(limit, int) or isinstance(limit, bool) or not 0 <= limit <= MOST:
        raise Rejected(400, "limit must be a number of bytes, or null for none")
    values = (
        bucket_id,
        meter,
        limit,
        _one_of(body, "status", STATUSES, 403),
        _one_of(body, "period", PERIODS, "month"),
    )
    db.execute("INSERT OR REPLACE INTO credit VALUES (?, ?, ?, ?, ?)", values)


def _one_of(body: Mapping[str, object], name: str, allowed: tuple[object, ...], default: object) -> object:
    value = body.get(name, default)
    if value not in allowed or isinstance(value, bool):
        raise Rejected(400, f"{name} must be one of {', '.join(map(str, allowed))}")
    return value


def read_limits(db: sqlite3.Connection, now: datetime) -> list[dict[str, object]]:
    """Every limit, and what is used of it."""
    rows = db.execute("SELECT * FROM credit ORDER BY bucket_id, meter").fetchall()
    return [
        {
            "bucketId": row["bucket_id"],
            "meter": row["meter"],
            "limit": row["most"],
            "used": used(db, row, now),
            "status": row["status"],
            "period": row["period"],
        }
        for row in rows
    ]
