"""Earlier states that stay readable, so that a list can truthfully answer as of before a write."""

from __future__ import annotations

import sqlite3
from collections import deque
from datetime import datetime, timedelta
from pathlib import Path

STEPS = 16  # how finely a kept period is divided: it bounds the number of open snapshots


class Snapshots:
    """Read transactions of SQLite, each begun just before a write: they go on seeing what was there then."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._kept: deque[tuple[datetime, sqlite3.Connection]] = deque()
        self._spare: list[sqlite3.Connection] = []

    def take(self) -> sqlite3.Connection:
        """A connection that from now on sees the present state."""
        snapshot = self._spare.pop() if self._spare else self._connect()
        snapshot.execute("BEGIN")
        snapshot.execute("SELECT 1 FROM meta").fetchone()  # a read transaction begins at its first read
        return snapshot

    def _connect(self) -> sqlite3.Connection:
        snapshot = sqlite3.connect(self._path, isolation_level=None, check_same_thread=False)
        snapshot.row_factory = sqlite3.Row
        return snapshot

    def give_back(self, snapshot: sqlite3.Connection) -> None:
        """Let go of a snapshot that nobody will read."""
        snapshot.execute("COMMIT")
        self._spare.append(snapshot)

    def keep(self, snapshot: sqlite3.Connection, written: datetime, period: timedelta) -> None:
        """Hold the state before the write made at `written`, and earlier ones for `period`."""
        if self._kept and written - self._kept[-1][0] < period / STEPS:
            self.give_back(snapshot)
            return
        self._kept.append((written, snapshot))
        while len(self._kept) > 1 and self._kept[0][0] + period <= written:
            self.give_back(self._kept.popleft()[1])

    def newest(self) -> sqlite3.Connection | None:
        """The state before the last write, or None when there was none."""
        return self._kept[-1][1] if self._kept else None

    def as_of(self, moment: datetime) -> sqlite3.Connection | None:
        """The state at `moment`, or None when nothing was written since."""
        return next((snapshot for written, snapshot in self._kept if written > moment), None)

    def drop(self) -> None:
        """Let go of every snapshot; until then SQLite cannot shorten its write-ahead log."""
        while self._kept:
            self.give_back(self._kept.pop()[1])

    def close(self) -> None:
        self.drop()
        while self._spare:
            self._spare.pop().close()
