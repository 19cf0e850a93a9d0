"""An object store: documents by conditional writes, logs as numbered objects, the right to apply by a lease.

ledger.json                       the ledger
ledger.journal.RUN/00000000       who made the log, read by nobody
ledger.journal.RUN/00000001 …     one object per sync
ledger.receipts.jsonl/00000001 …  one object per receipt
ledger.lock                       the lease
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Lock

from typing_extensions import override

from fbplan.errors import FbplanError
from fbplan.storage.base import LEDGER, LOCK, Blob, Clock, Conflict, Holder, Lease, Log, Storage
from fbplan.storage.object_calls import Calls
from fbplan.storage.object_lease import Locker

_READERS = 8
_MOVES = {
    "s3": "aws s3 mv --recursive {0}/ {0}.damaged/",
    "gs": "gcloud storage mv {0} {0}.damaged",
    "az": "copy every blob under {0}/ to {0}.damaged/, and delete it where it was",  # Azure has no move
}


class Objects(Storage):
    """The objects beside one ledger. `lock_calls` may be less patient than `calls`: a heartbeat cannot wait."""

    is_local = False

    def __init__(
        self,
        calls: Calls,
        label: str,
        key: str,
        *,
        seconds: float,
        lock_calls: Calls | None = None,
        clock: Clock | None = None,
    ) -> None:
        self._calls, self.label, self._key = calls, label, key
        self._locker = Locker(lock_calls or calls, label, self.key(LOCK), seconds, clock or Clock())

    def key(self, name: str) -> str:
        return self._key if name == LEDGER else f"{self._key.removesuffix('.json')}.{name}"

    @override
    def read(self, name: str) -> Blob | None:
        return self._calls.get(self.key(name))

    @override
    def write(self, name: str, content: bytes, tag: str | None) -> str:
        written = self._calls.put(self.key(name), content, tag)
        if written is None:
            raise Conflict(
                f"the {name} was written by somebody else meanwhile",
                self.label,
                "the lock did not keep two applies apart",
                "run the same command again: it goes on from what stands there now",
            )
        return written

    @override
    def remove(self, name: str) -> None:
        key = self.key(name)
        # a log from its end: what a crash leaves of it is still a log from its beginning
        self._calls.delete([*sorted(self._calls.keys(key), reverse=True), key])

    @override
    def names(self, prefix: str) -> list[str]:
        start = self.key("")
        folder = start.rpartition("/")[0]
        return sorted({k.removeprefix(start) for k in self._calls.children(folder) if k.startswith(start + prefix)})

    @override
    def aside(self, name: str) -> str:
        there = f"{self.label.removesuffix(self._key)}{self.key(name)}"
        return _MOVES[self.label.partition("://")[0]].format(there)

    @override
    def open_log(self, name: str) -> Log:
        log = _Segments(self._calls, f"{self.label}: {name}", self.key(name), self.given)
        log.claim()
        return log

    @override
    def read_log(self, name: str) -> bytes:
        return b"".join(self._segments(self.key(name)))

    @override
    def add_record(self, name: str, make: Callable[[bytes], bytes]) -> None:
        key = self.key(name)
        number = self._last(key)
        while True:
            number, before = self._on_from(key, number)
            if self._calls.put(_segment(key, number + 1), make(before.rstrip(b"\n")) + b"\n", None) is not None:
                return

    @override
    def lease(self, holder: Holder, wait: float, told: Callable[[str], None]) -> Lease:
        return self._locker.take(holder, wait, told, given=self.given)

    @override
    def holder(self) -> Holder | None:
        return self._locker.present_holder()

    @override
    def break_lease(self, lease_id: str) -> None:
        self._locker.break_lease(lease_id, self.given)

    def _last(self, key: str) -> int:
        """The highest number that the listing knows; it may lag."""
        return max((_number(k) for k in self._calls.keys(key)), default=0)

    def _on_from(self, key: str, number: int) -> tuple[int, bytes]:
        """The number and the content of the last segment, asked for one by one beyond the listing."""
        content = b""
        if number:
            found = self._calls.get(_segment(key, number))
            if found is None:
                raise _hole(self.label, _segment(key, number))
            content = found.content
        while (following := self._calls.get(_segment(key, number + 1))) is not None:
            number, content = number + 1, following.content
        return number, content

    def _segments(self, key: str) -> list[bytes]:
        known = self._last(key)
        found: list[bytes] = []
        if known:
            with ThreadPoolExecutor(_READERS) as readers:
                for number, blob in enumerate(
                    readers.map(self._calls.get, (_segment(key, n + 1) for n in range(known)))
                ):
                    if blob is None:
                        raise _hole(self.label, _segment(key, number + 1))
                    found.append(blob.content)
        while (blob := self._calls.get(_segment(key, len(found) + 1))) is not None:
            found.append(blob.content)
        return found


class _Segments(Log):
    """What was appended since the last sync, and the number under which it will be kept."""

    def __init__(self, calls: Calls, label: str, key: str, given: str) -> None:
        self._calls, self._label, self._key, self._given = calls, label, key, given
        self._number, self._buffer = 0, bytearray()
        self._adding = Lock()
        self._sending: bytes | None = None

    def claim(self) -> None:
        """A segment before the first: from here on the name is taken."""
        self._sending = os.urandom(16).hex().encode()
        self._send()

    @override
    def append(self, content: bytes) -> None:
        with self._adding:
            self._buffer += content

    @override
    def sync(self) -> None:
        self._send()  # first what an earlier sync could not bring home: the same bytes, since it may stand there already
        with self._adding:
            self._sending, self._buffer = bytes(self._buffer) or None, bytearray()
        self._send()

    @override
    def close(self) -> None:
        with self._adding:
            self._buffer.clear()

    def _send(self) -> None:
        if self._sending is None:
            return
        if self._calls.put(_segment(self._key, self._number), self._sending, None) is None:
            raise Conflict(
                "somebody else writes the same log",
                self._label,
                f"its part {self._number} is there already",
                f"fbplan journal show{self._given}",
            )
        self._number, self._sending = self._number + 1, None


def _segment(key: str, number: int) -> str:
    return f"{key}/{number:08d}"


def _number(key: str) -> int:
    text = key.rpartition("/")[2]
    return int(text) if text.isdecimal() and len(text) == 8 else 0


def _hole(label: str, key: str) -> FbplanError:
    return FbplanError(
        "a log has a hole",
        label,
        f"the object {key} is gone, and later ones are there",
        "restore it from the bucket's versions; nothing was changed",
    )
