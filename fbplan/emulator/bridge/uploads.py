"""Uploads of several requests in the index: begun, their parts, and what they come to."""

from __future__ import annotations

import hashlib
import json
import secrets
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from fbplan.emulator.bridge.refusals import Refusal

SMALLEST_PART = 5 * 1024 * 1024  # of all but the last


@dataclass(frozen=True, slots=True)
class Piece:
    """A part that is on disk."""

    number: int
    file: str
    size: int
    etag: str
    modified: float


def begin(db: sqlite3.Connection, container: str, key: str, headers: Mapping[str, str], now: float) -> str:
    upload_id = secrets.token_hex(16)
    db.execute("INSERT INTO upload VALUES (?, ?, ?, ?, ?)", (upload_id, container, key, json.dumps(dict(headers)), now))
    return upload_id


def begin_as(db: sqlite3.Connection, upload_id: str, container: str, key: str, now: float) -> None:
    """Begin an upload whose id the protocol makes, unless it is under way."""
    db.execute("INSERT OR IGNORE INTO upload VALUES (?, ?, ?, '{}', ?)", (upload_id, container, key, now))


def headers_of(db: sqlite3.Connection, upload_id: str, container: str, key: str) -> dict[str, str]:
    """The headers that an upload began with. Raises Refusal when it is not under way for this key."""
    row = db.execute(
        "SELECT headers FROM upload WHERE id = ? AND container = ? AND key = ?", (upload_id, container, key)
    ).fetchone()
    if row is None:
        raise Refusal("NoSuchUpload", "The specified multipart upload does not exist.")
    headers: dict[str, str] = json.loads(row[0])
    return headers


def add(db: sqlite3.Connection, upload_id: str, piece: Piece) -> tuple[str, ...]:
    """Note a part; returns the files it replaces."""
    before = db.execute(
        "SELECT file FROM part WHERE upload_id = ? AND number = ?", (upload_id, piece.number)
    ).fetchall()
    db.execute(
        "INSERT OR REPLACE INTO part VALUES (?, ?, ?, ?, ?, ?)",
        (upload_id, piece.number, piece.file, piece.size, piece.etag, piece.modified),
    )
    return tuple(row["file"] for row in before)


def pieces(db: sqlite3.Connection, upload_id: str) -> tuple[Piece, ...]:
    rows = db.execute("SELECT * FROM part WHERE upload_id = ? ORDER BY number", (upload_id,)).fetchall()
    return tuple(Piece(row["number"], row["file"], row["size"], row["etag"], row["modified"]) for row in rows)


def end(db: sqlite3.Connection, upload_id: str) -> tuple[str, ...]:
    """Forget an upload; returns the files of its parts."""
    files = tuple(piece.file for piece in pieces(db, upload_id))
    db.execute("DELETE FROM part WHERE upload_id = ?", (upload_id,))
    db.execute("DELETE FROM upload WHERE id = ?", (upload_id,))
    return files


def chosen(known: Sequence[Piece], wanted: Sequence[tuple[int, str]]) -> tuple[Piece, ...]:
    """The parts that a completion names, in its order. Raises Refusal."""
    numbers = [number for number, _ in wanted]
    if numbers != sorted(set(numbers)):
        raise Refusal("InvalidPartOrder", "The list of parts was not in ascending order.")
    by_number = {piece.number: piece for piece in known}
    found = tuple(
        by_number[number] for number, etag in wanted if number in by_number and by_number[number].etag == etag
    )
    if not wanted or len(found) != len(wanted):
        raise Refusal("InvalidPart", "One or more of the specified parts could not be found.")
    if any(piece.size < SMALLEST_PART for piece in found[:-1]):
        raise Refusal("EntityTooSmall", "Your proposed upload is smaller than the minimum allowed object size.")
    return found


def joined_etag(parts: Sequence[Piece]) -> str:
    """The ETag of a multipart object, as S3 makes it: the MD5 of the parts' MD5s, and their number."""
    digests = b"".join(bytes.fromhex(piece.etag) for piece in parts)
    return f"{hashlib.md5(digests, usedforsecurity=False).hexdigest()}-{len(parts)}"
