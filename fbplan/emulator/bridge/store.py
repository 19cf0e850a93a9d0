"""What the Bridge Node keeps in the emulator's folder: an index in SQLite, and one file per object beside it."""

from __future__ import annotations

import hashlib
import secrets
import shutil
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.resources import files
from pathlib import Path
from typing import IO

from fbplan.errors import FbplanError

TABLES = ("object", "upload", "part", "traffic", "tally", "credit")


class Incoming:
    """A file that is being written. It is removed at the end unless `keep` gave it its name."""

    def __init__(self, folder: Path) -> None:
        self.name = secrets.token_hex(16)
        self._final = folder / self.name[:2] / self.name
        self._path = folder / "incoming" / self.name
        self.file: IO[bytes] = self._path.open("xb")

    def keep(self) -> str:
        """Move the file to where objects are; returns the name that the index holds."""
        self.file.close()
        self._final.parent.mkdir(mode=0o700, exist_ok=True)
        self._path.rename(self._final)
        return self.name

    def close(self) -> None:
        self.file.close()
        self._path.unlink(missing_ok=True)


class Store:
    """The index and the files. One connection; `writing` and `reading` hold its lock."""

    def __init__(self, folder: Path, owner: str) -> None:
        self._files = folder / "objects"
        self._lock = threading.RLock()
        try:
            for made in (folder, self._files, self._files / "incoming"):
                made.mkdir(mode=0o700, exist_ok=True)
            self._db = self._opened(folder / "bridge.sqlite3")
            digest = hashlib.sha256(owner.encode()).hexdigest()
            row = self._db.execute("SELECT value FROM meta WHERE name = 'owner'").fetchone()
            if row is None or row[0] != digest:  # the organisation was begun anew without this node
                self.wipe(owner)
        except (OSError, sqlite3.Error) as fault:
            raise FbplanError(
                what="the Bridge Node's data cannot be opened",
                where=str(folder),
                why=str(fault),
                next="remove the folder to begin with empty buckets",
            ) from fault

    def _opened(self, path: Path) -> sqlite3.Connection:
        path.touch(mode=0o600)
        db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        db.row_factory = sqlite3.Row
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = NORMAL")
        if not db.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]:
            db.executescript(f"BEGIN IMMEDIATE;\n{files(__package__).joinpath('schema.sql').read_text()}\nCOMMIT;")
        return db

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """The index, while nobody changes it."""
        with self._lock:
            yield self._db

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """One transaction, rolled back on any exception."""
        with self._lock:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self._db
                self._db.execute("COMMIT")
            except BaseException:
                self._db.execute("ROLLBACK")
                raise

    @contextmanager
    def incoming(self) -> Iterator[Incoming]:
        """A new file, gone at the end of the block unless it was kept."""
        coming = Incoming(self._files)
        try:
            yield coming
        finally:
            coming.close()

    def open(self, name: str) -> IO[bytes]:
        """A kept file. Raises FileNotFoundError when it was dropped meanwhile."""
        return (self._files / name[:2] / name).open("rb", buffering=0)

    def drop(self, *names: str) -> None:
        """Remove files that the index no longer holds; whoever reads one goes on reading it."""
        for name in names:
            with suppress(FileNotFoundError):
                (self._files / name[:2] / name).unlink()

    def wipe(self, owner: str) -> None:
        """Empty buckets, no credit limits, nothing counted."""
        with self._lock:
            with self.writing() as db:
                for table in TABLES:
                    db.execute(f"DELETE FROM {table}")  # noqa: S608 -- a constant of this module
                digest = hashlib.sha256(owner.encode()).hexdigest()
                db.execute("INSERT OR REPLACE INTO meta VALUES ('owner', ?)", (digest,))
            shutil.rmtree(self._files)
            for made in (self._files, self._files / "incoming"):
                made.mkdir(mode=0o700)

    def close(self) -> None:
        with self._lock:
            self._db.close()
