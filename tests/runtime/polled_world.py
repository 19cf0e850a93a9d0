"""A router that polls statistics which a test makes up, with a clock that is moved by hand."""

from __future__ import annotations

import threading

from memory_store import MemoryStore
from runtime_world import T0, policy_document, raw

from fbplan.runtime import Router

DAY = T0 // 86_400_000 * 86_400


class Api:
    """The statistics, as somebody's client gives them: `used` is by remote id, `answers` goes before it, by path."""

    def __init__(self, **used: int) -> None:
        self.used, self.answers, self.asked = used, {}, []
        self.open = threading.Event()
        self.open.set()
        self.blocked = threading.Event()

    def __call__(self, path, parameters):
        self.asked.append((path, dict(parameters)))
        if not self.open.is_set():
            self.blocked.set()
            self.open.wait(20)
        found = self.answers.get(path)
        if isinstance(found, Exception):
            raise found
        if found is not None:
            return found
        wanted = parameters["bucketId"].split(",")
        known = {f"id-{name}": count for name, count in self.used.items() if f"id-{name}" in wanted}
        if path == "/stats/daily":
            return {"success": True, "data": [row(name, count) for name, count in known.items()]}
        totals = ("totalUploadBytes", "totalDownloadBytes", "totalSizeChange")
        return {"success": True, "stats": [{"bucketId": name, **dict.fromkeys(totals, "0")} for name in wanted]}


def row(bucket, used, **changes):
    return {
        "bucketId": bucket,
        "timestamp": DAY,
        "upl_bytes": str(used),
        "dwl_bytes": 0,
        "size_change": used,
        **changes,
    }


class World:
    """Buckets a, b, c with caps of 1000 bytes, a soft cap of 800, and a clock that is moved by hand."""

    def __init__(self, folder, api, policy=None, **settings):
        self.now, self.alarms, self.told, self.api = T0, [], [], api
        (folder / "policy.json").write_bytes(raw(policy or policy_document()))
        self.router = Router.from_file(
            folder / "policy.json",
            MemoryStore(),
            poll=api,
            clock_ms=lambda: self.now,
            alarm=self.alarm,
            **settings,
        )
        self.count = 0

    def alarm(self, name, told):
        self.alarms.append(name)
        self.told.append(told["why"])

    def put(self, size=10):
        self.count += 1
        return self.router.put(f"k{self.count}", bytes(size)).bucket

    def poll(self, seconds=60):
        self.now += seconds * 1000
        self.router.refresh(now=True)

    def seen(self, name="a"):
        """(used, own) of a bucket, as the next decision sees them."""
        found = next(c for c in self.router.choose(1).candidates if c.bucket == name)
        return found.used, found.own
