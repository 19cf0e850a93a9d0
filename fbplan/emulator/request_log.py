"""What was asked of the emulator, without secrets: GET /_emulator/requests."""

from __future__ import annotations

import itertools
import threading
from collections import deque
from collections.abc import Mapping

from fbplan.emulator.answers import Rejected
from fbplan.emulator.documents import parse

LONGEST = 10_000
HIDDEN = "***"
SECRET_WORDS = ("secret", "password", "token")


def _is_secret(name: str) -> bool:
    folded = name.lower()
    return folded == "key" or any(word in folded for word in SECRET_WORDS)


def redacted(value: object) -> object:
    """A JSON value with everything under a secret's name replaced."""
    if isinstance(value, dict):
        return {name: HIDDEN if _is_secret(name) else redacted(member) for name, member in value.items()}
    if isinstance(value, list):
        return [redacted(member) for member in value]
    return value


def _readable(raw: bytes) -> object:
    try:
        return redacted(parse(raw))
    except (Rejected, RecursionError):
        return "(not JSON)"  # what cannot be read cannot be freed of secrets


class RequestLog:
    """The last requests, oldest first. The status is None while a request runs, and after its connection was cut."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._numbers = itertools.count(1)
        self._entries: deque[dict[str, object]] = deque(maxlen=LONGEST)

    def open(self, method: str, path: str, query: Mapping[str, str], raw: bytes) -> dict[str, object]:
        """Note the arrival of a request; the caller fills in `status` and `fault`."""
        entry: dict[str, object] = {
            "sequence": 0,
            "method": method,
            "path": path,
            "query": redacted(dict(query)),
            "body": _readable(raw),
            "status": None,
            "fault": None,
        }
        with self._lock:
            entry["sequence"] = next(self._numbers)
            self._entries.append(entry)
        return entry

    def read(self, after: int) -> list[dict[str, object]]:
        with self._lock:
            return [dict(entry) for entry in self._entries if int(str(entry["sequence"])) > after]

    def clear(self) -> None:
        with self._lock:
            self._entries.clear()
