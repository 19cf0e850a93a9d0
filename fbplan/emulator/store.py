"""The organisation in SQLite: one writer connection, and read snapshots that show what the lists said before."""

from __future__ import annotations

import hashlib
import secrets
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from pathlib import Path

from fbplan.emulator.lock import FolderLock
from fbplan.emulator.snapshots import Snapshots
from fbplan.errors import FbplanError

SCHEMA_VERSION = 1
CHECKPOINT_EVERY = 500
TABLES = (
    "meta", "account", "refresh_token", "workspace", "member", "credential", "bucket", "repository", "attachment",
    "repo_key", "usage", "event",
)  # fmt: skip


class Store:
    """Rows, ids and the clock of one data folder. Not thread-safe: the emulator holds its lock around every use."""

    def __init__(self, folder: Path, id_seed: str | None) -> None:
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._lock = FolderLock(folder)
        except OSError as fault:
            raise FbplanError(
                what="the emulator's data folder cannot be used", where=str(folder), why=str(fault)
            ) from fault
        self.path = folder / "emulator.sqlite3"
        self._id_seed = id_seed
        self._snapshots = Snapshots(self.path)
        self._writes = 0
        self._meta: dict[str, str] = {}
        try:
            self.db = self._connect()
            self.is_fresh = self._prepare()
        except sqlite3.Error as fault:
            self._lock.release()
            raise FbplanError(
                what="the emulator's database cannot be read",
                where=str(self.path),
                why=str(fault),
                next="remove the folder to begin anew",
            ) from fault
        self._offset = timedelta(
            seconds=float(self.db.execute("SELECT value FROM meta WHERE name = 'clock_offset'").fetchone()[0])
        )

    def _connect(self) -> sqlite3.Connection:
        self.path.touch(mode=0o600)  # it holds what signs tokens and the secrets of keys
        self.path.chmod(0o600)
        db = sqlite3.connect(self.path, isolation_level=None, check_same_thread=False)
        db.row_factory = sqlite3.Row
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = NORMAL")
        db.execute("PRAGMA wal_autocheckpoint = 0")
        return db

    def _prepare(self) -> bool:
        version = self.db.execute("PRAGMA user_version").fetchone()[0]
        if version == SCHEMA_VERSION:
            self._widen()
            return False
        if version:
            raise sqlite3.DatabaseError(f"schema {version}, expected {SCHEMA_VERSION}")
        # One transaction, so that a kill in the middle leaves an empty database and not half of one.
        self.db.executescript(f"BEGIN IMMEDIATE;\n{files(__package__).joinpath('schema.sql').read_text()}")
        self._found_organisation()
        self.db.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
        self.db.execute("COMMIT")
        return True

    def _widen(self) -> None:
        # A column that older folders of this schema lack, and older versions do not look at.
        if all(row["name"] != "public_key" for row in self.db.execute("PRAGMA table_info(repo_key)")):
            self.db.execute("ALTER TABLE repo_key ADD COLUMN public_key TEXT")

    def _found_organisation(self) -> None:
        seed = secrets.token_hex(16) if self._id_seed is None else self._id_seed
        # The seed makes the ids; the signing key of tokens must not follow from it.
        values = {"seed": seed, "counter": 0, "clock_offset": 0.0, "signing_key": secrets.token_hex(32)}
        self.db.executemany("INSERT INTO meta VALUES (?, ?)", values.items())
        created = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
        org_id, user_id, workspace_id = self.next_id(), self.next_id(), self.next_id()
        self.db.executemany("INSERT INTO meta VALUES (?, ?)", {"org_id": org_id, "owner_id": user_id}.items())
        self.db.execute(
            "INSERT INTO account (id, email, name, last_name, org_role)"
            " VALUES (?, 'owner@example.org', 'Owner', 'Example', 255)",
            (user_id,),
        )
        self.db.execute(
            "INSERT INTO workspace (id, name, created_at) VALUES (?, 'Production', ?)", (workspace_id, created)
        )
        self.db.execute("INSERT INTO member VALUES (?, ?, 'ADMIN')", (workspace_id, user_id))

    def meta(self, name: str) -> str:
        """A fact of the folder that never changes: seed, signing_key, org_id, owner_id."""
        if name not in self._meta:
            self._meta[name] = str(self.db.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()[0])
        return self._meta[name]

    def next_id(self) -> str:
        """A UUID-shaped id that follows from the folder's seed and the number of ids given before."""
        row = self.db.execute("UPDATE meta SET value = value + 1 WHERE name = 'counter' RETURNING value").fetchone()
        digest = bytearray(hashlib.sha256(f"{self.meta('seed')}:{row[0]}".encode()).digest()[:16])
        digest[6] = digest[6] & 0x0F | 0x40
        digest[8] = digest[8] & 0x3F | 0x80
        text = digest.hex()
        return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"

    def now(self) -> datetime:
        """The emulator's clock: the machine's, moved by what POST /_emulator/clock asked for."""
        return datetime.now(UTC) + self._offset

    def move_clock(self, seconds: float) -> None:
        """Move the clock, for as long as the folder lives. Raises OverflowError outside of the calendar."""
        offset = self._offset + timedelta(seconds=seconds)
        _ = datetime.now(UTC) + offset
        self.db.execute("UPDATE meta SET value = ? WHERE name = 'clock_offset'", (offset.total_seconds(),))
        self._offset = offset

    @contextmanager
    def writing(self, keep: timedelta) -> Iterator[None]:
        """One transaction, committed at the end of the block and rolled back on any exception.

        The state before it stays readable (`as_of`, `before_last_write`) for `keep`, at least until the next write.
        """
        if self._writes >= CHECKPOINT_EVERY and not keep:
            self._snapshots.drop()
            self.db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            self._writes = 0
        before = self._snapshots.take()
        try:
            self.db.execute("BEGIN IMMEDIATE")
            yield
            self.db.execute("COMMIT")
        except BaseException:
            if self.db.in_transaction:
                self.db.execute("ROLLBACK")
            self._snapshots.give_back(before)
            raise
        self._writes += 1
        self._snapshots.keep(before, self.now(), keep)

    def before_last_write(self) -> sqlite3.Connection:
        """The state before the newest write of this process; the present one when there was none."""
        return self._snapshots.newest() or self.db

    def as_of(self, moment: datetime) -> sqlite3.Connection:
        """The state at `moment`, as far back as `writing` was asked to keep."""
        return self._snapshots.as_of(moment) or self.db

    def settle(self) -> None:
        """Let everything written so far be seen at once, whatever the switches say about delays."""
        self._snapshots.drop()

    def wipe(self) -> None:
        """Back to a fresh folder, with the same seed when one was asked for."""
        self._snapshots.drop()
        self._meta.clear()
        self.db.execute("BEGIN IMMEDIATE")
        for table in TABLES:
            self.db.execute(f"DELETE FROM {table}")  # noqa: S608 -- a constant of this module
        self._found_organisation()
        self.db.execute("COMMIT")
        self._offset = timedelta()

    def discard(self) -> None:
        """Close, and remove a database that never came to hold what it should."""
        self._snapshots.close()
        self.db.close()
        self.path.unlink()
        self._lock.release()

    def close(self) -> None:
        self._snapshots.close()
        self.db.close()
        self._lock.release()
