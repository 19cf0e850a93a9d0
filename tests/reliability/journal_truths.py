"""What must be true of the books at the moment a write reaches the API, looked at from outside."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rig import Rig
from volatile import Volatile

from fbplan.journal.records import Ended, Intent

VERBS = {"POST": {"create", "issue"}, "PUT": {"update"}, "DELETE": {"delete", "issue"}}


class IntentWatcher:
    """L4: whatever is sent stands in the books first, so firmly that a power cut leaves it there."""

    def __init__(self, rig: Rig, storage: Volatile) -> None:
        self._rig, self._storage = rig, storage
        self.writes = 0

    def __call__(self, method: str, path: str, body: Any) -> None:
        if path == "/user/login":
            return
        self.writes += 1
        records = self._storage.durable_records()
        ended = {r.step for r in records if isinstance(r, Ended)}
        intents = [r for r in records if isinstance(r, Intent) and r.verb in VERBS[method]]
        meant = [r for r in intents if _covers(r, method, path, body or {})]
        assert meant, f"no durable intent for {method} {path}"
        assert any(r.step not in ended for r in meant), f"{method} {path} is in the books as over before it is sent"


def _covers(intent: Intent, method: str, path: str, body: Mapping[str, Any]) -> bool:
    if method == "POST":
        name = str(body.get("name") or body.get("description"))
        return intent.pending is not None and intent.pending.name in {name, name.removeprefix("[fbplan:").rstrip("]")}
    return intent.verb == "issue" or intent.was == path.rsplit("/", 1)[-1]
