"""Bytes that passed: counted at once for credit, shown in the statistics when their lag is over."""

from __future__ import annotations

import json
import sqlite3
from datetime import datetime

from fbplan.emulator.bridge.store import Store
from fbplan.emulator.dates import MINUTE
from fbplan.emulator.usage import DEFAULT_HOST

PUBLISHED = "bridge_published"


def note(
    db: sqlite3.Connection, now: datetime, bucket_id: str, repo_id: str, *, up: int = 0, down: int = 0, size: int = 0
) -> None:
    """Count one request, inside the transaction that makes it true."""
    db.execute(
        "INSERT INTO traffic (at, bucket_id, repo_id, upl_bytes, dwl_bytes, size_change) VALUES (?, ?, ?, ?, ?, ?)",
        (now.timestamp(), bucket_id, repo_id, up, down, size),
    )
    if up or size:
        db.execute(
            "INSERT INTO tally VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET"
            " upl_bytes = upl_bytes + excluded.upl_bytes, size_change = size_change + excluded.size_change",
            (bucket_id, month_of(now), up, size),
        )


def month_of(now: datetime) -> str:
    return now.strftime("%Y-%m")


def is_due(store: Store, until: float) -> bool:
    """Whether anything that passed until a moment is not in the statistics yet."""
    with store.reading() as db:
        return db.execute("SELECT 1 FROM traffic WHERE at <= ? LIMIT 1", (until,)).fetchone() is not None


def publish(store: Store, statistics: sqlite3.Connection, until: float) -> None:
    """Move what passed until a moment into the statistics, inside a transaction on them.

    The two databases cannot commit at once, so the statistics remember which rows they took: a crash between the two
    commits neither loses nor doubles a byte.
    """
    with store.writing() as db:
        _forget(db, statistics)
        due = db.execute("SELECT * FROM traffic WHERE at <= ? ORDER BY at", (until,)).fetchall()
        slots: dict[tuple[int, str, str], list[int]] = {}
        for row in due:
            slot = slots.setdefault((int(row["at"]) // MINUTE, row["bucket_id"], row["repo_id"]), [0, 0, 0, 0, 0])
            counted = (1, row["upl_bytes"], row["dwl_bytes"], row["size_change"])
            slot[:] = int(row["at"]), *(before + more for before, more in zip(slot[1:], counted, strict=True))
        statistics.executemany(
            "INSERT INTO usage (at, bucket_id, repo_id, host, requests, upl_bytes, dwl_bytes, size_change)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            [(at, bucket, repo, DEFAULT_HOST, *sums) for (_, bucket, repo), (at, *sums) in slots.items()],
        )
        taken = json.dumps([row["id"] for row in due])
        statistics.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (PUBLISHED, taken))


def _forget(db: sqlite3.Connection, statistics: sqlite3.Connection) -> None:
    """Drop the rows that the statistics say they have."""
    row = statistics.execute("SELECT value FROM meta WHERE name = ?", (PUBLISHED,)).fetchone()
    if row is not None:
        db.execute("DELETE FROM traffic WHERE id IN (SELECT value FROM json_each(?))", (row[0],))


def settle(store: Store, statistics: sqlite3.Connection) -> None:
    """Drop what is published, once the statistics are committed."""
    with store.writing() as db:
        _forget(db, statistics)
