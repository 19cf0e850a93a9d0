"""Writing the journal of a running apply: an intent is durable before anything is sent."""

from __future__ import annotations

import threading

from fbplan.errors import FbplanError
from fbplan.journal.records import Record, line_of
from fbplan.storage.base import Log


class Journal:
    """The journal of a running apply. Safe across threads; one durable write serves all who wait for it."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._adding, self._syncing = threading.Lock(), threading.Lock()
        self._added = self._durable = 0
        self.fault: FbplanError | None = None
        """Why nothing can be recorded any more; then nothing may be sent either."""

    def intend(self, record: Record) -> None:
        """Return once the record is durable. Raises FbplanError: then nothing may be sent."""
        mine = self._add(record)
        with self._syncing:
            if self._durable >= mine:
                return  # somebody else's write took ours with it
            if self.fault is not None:
                raise self.fault  # after a failed sync a second one may lie
            upto = self._added
            try:
                self._log.sync()
            except FbplanError as fault:
                self.fault = fault
                raise
            self._durable = upto

    def note(self, record: Record) -> None:
        """Record what happened; it becomes durable with the next intent, and until then reading can find it out."""
        self._add(record)

    def flush(self) -> None:
        """Return once everything noted is durable, and can be read. Raises FbplanError."""
        with self._syncing:
            self._log.sync()

    def _add(self, record: Record) -> int:
        with self._adding:
            if self.fault is not None:
                raise self.fault
            try:
                self._log.append(line_of(record, self._added + 1))
            except FbplanError as fault:
                self.fault = fault
                raise
            self._added += 1
            return self._added

    def close(self) -> None:
        """No more records: a call that was given up and still ends must not write where something else is by then."""
        with self._adding:
            self.fault = self.fault or FbplanError("the journal is closed")
            self._log.close()
