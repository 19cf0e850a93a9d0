"""A router over buckets in memory, with a clock that only pauses move."""

from __future__ import annotations

from memory_store import MemoryStore
from runtime_world import T0, policy_document, raw

from fbplan.runtime import (
    Router,
    TransportFailure,
)

NO_ANSWER = TransportFailure(0)
UNAVAILABLE = TransportFailure(503, "ServiceUnavailable")


class World:
    """A folder with the files, a store, a clock that only pauses move."""

    def __init__(self, folder, policy=None, usage=None, **settings):
        self.folder, self.store, self.now, self.alarms, self.pauses = folder, MemoryStore(), T0, [], []
        (folder / "policy.json").write_bytes(raw(policy or policy_document()))
        if usage is not None:
            (folder / "usage.json").write_bytes(raw(usage))
            settings["usage"] = folder / "usage.json"
        self.settings = {
            "writer": "w1",
            "clock_ms": lambda: self.now,
            "dice": lambda: 7,
            "alarm": lambda name, _: self.alarms.append(name),
            **settings,
        }
        self.router = Router.from_file(folder / "policy.json", self.store, sleep=self.sleep, **self.settings)

    def sleep(self, seconds):
        self.pauses.append(seconds)
        self.now += round(seconds * 1000)

    def puts(self):
        return [bucket for method, bucket in self.store.calls if method == "put"]
