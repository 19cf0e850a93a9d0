"""POST /_emulator/usage: traffic without a data plane, or from before there was one."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping

from fbplan.emulator.answers import Rejected
from fbplan.emulator.dates import moment
from fbplan.emulator.documents import mapping
from fbplan.emulator.store import Store

DEFAULT_HOST = "us-east-1-aws.flashback.tech"
MOST = 2**63


def record_usage(store: Store, document: object) -> int:
    """Write the rows of `document` and say how many. Raises Rejected that names the row."""
    rows = mapping(document).get("rows")
    if not isinstance(rows, list):
        raise Rejected(400, "rows must be a list")
    for place, row in enumerate(rows):
        try:
            _record(store.db, mapping(row), store)
        except Rejected as rejection:
            raise Rejected(400, f"rows[{place}]: {rejection.message}") from None
    return len(rows)


def _record(db: sqlite3.Connection, row: Mapping[str, object], store: Store) -> None:
    bucket_id = find_live(db, "bucket", row.get("bucketId", row.get("bucket")))
    repo = row.get("repoId", row.get("repository"))
    repo_id = None if repo is None else find_live(db, "repository", repo)
    host = row.get("host", DEFAULT_HOST)
    if not isinstance(host, str):
        raise Rejected(400, "host must be text")
    uploaded = _number(row, "upl_bytes", 0)
    db.execute(
        "INSERT INTO usage (at, bucket_id, repo_id, host, requests, upl_bytes, dwl_bytes, size_change)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (_when(row, store), bucket_id, repo_id, host, _number(row, "requests", 1), uploaded,
         _number(row, "dwl_bytes", 0),
         _number(row, "size_change", uploaded)),
    )  # fmt: skip


def find_live(db: sqlite3.Connection, table: str, name: object) -> str:
    """The id of a live bucket or repository, given by id or by name. Raises Rejected."""
    row = None
    if isinstance(name, str):
        row = db.execute(
            f"SELECT id FROM {table} WHERE deleted_at IS NULL AND (id = ? OR name = ?) ORDER BY id = ? DESC",  # noqa: S608
            (name, name, name),
        ).fetchone()
    if row is None:
        raise Rejected(400, f"no such {table}: {name!r}")
    return str(row[0])


def _number(row: Mapping[str, object], name: str, default: int) -> int:
    value = row.get(name, default)
    if not isinstance(value, int) or isinstance(value, bool) or not -MOST <= value < MOST:
        raise Rejected(400, f"{name} must be a whole number of 64 bits")
    return value


def _when(row: Mapping[str, object], store: Store) -> int:
    text = row.get("day", row.get("minute"))
    try:
        at = store.now() if text is None else moment(str(text))
    except ValueError:
        raise Rejected(400, f"day must be an ISO 8601 date, not {text!r}") from None
    if at.timestamp() < 0:
        raise Rejected(400, "day must not be before 1970")
    return int(at.timestamp())


def set_state(store: Store, document: object) -> None:
    """Set the `status` of a bucket or `disabled` on a repository, as the platform does by itself. Raises Rejected."""
    body = mapping(document)
    status, disabled = body.get("status"), body.get("disabled")
    match body:
        case {"bucket": name} if isinstance(status, str):
            store.db.execute("UPDATE bucket SET status = ? WHERE id = ?", (status, find_live(store.db, "bucket", name)))
        case {"repository": name} if isinstance(disabled, bool):
            found = find_live(store.db, "repository", name)
            store.db.execute("UPDATE repository SET disabled = ? WHERE id = ?", (disabled, found))
        case _:
            raise Rejected(400, "send {bucket, status} or {repository, disabled}")
