"""Objects of a container in the index: found, put, taken out, listed in the order of their bytes."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

PAGE = 500
LAST = "\U0010ffff"


@dataclass(frozen=True, slots=True)
class Stored:
    """An object. `headers` are those to give back: its type, its metadata. `etag` is without quotes."""

    file: str
    size: int
    etag: str
    modified: float
    headers: Mapping[str, str]
    checksums: Mapping[str, str]

    @property
    def version(self) -> int:
        """A number of this write alone: two writes of the same bytes differ. Versions have no order."""
        return int(self.file[:15], 16)


def find(db: sqlite3.Connection, container: str, key: str) -> Stored | None:
    row = db.execute("SELECT * FROM object WHERE container = ? AND key = ?", (container, key)).fetchone()
    return None if row is None else _stored(row)


def _stored(row: sqlite3.Row) -> Stored:
    return Stored(
        row["file"],
        row["size"],
        row["etag"],
        row["modified"],
        json.loads(row["headers"]),
        json.loads(row["checksums"]),
    )


def put(db: sqlite3.Connection, container: str, key: str, stored: Stored) -> None:
    db.execute(
        "INSERT OR REPLACE INTO object VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (container, key, stored.file, stored.size, stored.etag, stored.modified,
         json.dumps(dict(stored.headers)), json.dumps(dict(stored.checksums))),
    )  # fmt: skip


def remove(db: sqlite3.Connection, container: str, key: str) -> None:
    db.execute("DELETE FROM object WHERE container = ? AND key = ?", (container, key))


def walk(
    db: sqlite3.Connection, container: str, prefix: str, after: str, delimiter: str
) -> Iterator[tuple[str, Stored | None]]:
    """Keys under `prefix` that come after `after`; with a delimiter, a common prefix stands once, with None.

    A common prefix costs one step however many objects are below it.
    """
    while True:
        rows = db.execute(
            "SELECT * FROM object WHERE container = ? AND key >= ? AND key > ? ORDER BY key LIMIT ?",
            (container, prefix, after, PAGE),
        ).fetchall()
        for row in rows:
            key = row["key"]
            if not key.startswith(prefix):
                return
            cut = key.find(delimiter, len(prefix)) if delimiter else -1
            if cut >= 0:
                common = key[: cut + len(delimiter)]
                yield common, None
                after = common + LAST
                break
            yield key, _stored(row)
            after = key
        else:
            if len(rows) < PAGE:
                return
