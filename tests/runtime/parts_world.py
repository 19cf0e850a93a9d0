"""Uploads in parts over a store in memory, with a clock that only tests move."""

# ruff: noqa: ARG002 -- the protocol names what a store in memory has no use for

from __future__ import annotations

import threading

from memory_store import MemoryStore
from runtime_world import T0, policy_document, raw

from fbplan.runtime import Manner, Router, TransportFailure
from fbplan.runtime.parts import Begun
from fbplan.runtime.transport import Stored

CAP = 1_000


class PartsStore(MemoryStore):
    """Counts every byte that came, whatever became of its upload. `meanwhile` is called before each part."""

    def __init__(self):
        super().__init__()
        self.uploads: dict[str, dict[int, bytes]] = {}
        self.came: dict[str, int] = {}
        self.meanwhile = lambda: None
        self.lock = threading.Lock()

    def put(self, place, key, body, **stated):
        stored = super().put(place, key, body, **stated)
        self.came[place.bucket] = self.came.get(place.bucket, 0) + stated["size"]
        return stored

    def begin_upload(self, place, key, *, metadata, timeout_ms, options):
        self._failing(place, "begin")
        upload = f"{len(self.calls)}/ä"
        self.uploads[upload] = {}
        self.metadata = metadata
        return Begun(upload)

    def put_part(self, place, key, body, *, upload, number, size, timeout_ms, options):
        with self.lock:
            self.meanwhile()
            self._failing(place, "part")
            self.came[place.bucket] = self.came.get(place.bucket, 0) + size
        self.uploads[upload][number] = body if isinstance(body, bytes) else body.read()
        return Stored(f"e{number}")

    def complete_upload(self, place, key, *, upload, parts, write_once, timeout_ms, options):
        failure = self._called(place, "complete")
        if failure is not None and not getattr(failure, "is_stored", False):
            raise failure
        if upload not in self.uploads:
            raise TransportFailure(404, "NoSuchUpload")
        held = self.uploads.pop(upload)
        content = b"".join(held[part["PartNumber"]] for part in parts)
        self.buckets.setdefault(place.bucket, {})[key] = (content, dict(self.metadata))
        if failure is not None:
            raise failure
        return Stored("e")

    def abort_upload(self, place, key, *, upload, timeout_ms):
        self.uploads.pop(upload, None)

    def _failing(self, place, method):
        failure = self._called(place, method)
        if failure is not None:
            raise failure


class World:
    def __init__(self, folder):
        self.now, self.store, self.records = T0, PartsStore(), []
        self.folder = folder
        (folder / "p.json").write_bytes(raw(policy_document()))
        self.router = Router.from_file(folder / "p.json", self.store, **self.settings())

    def settings(self, **changes):
        return {
            "clock_ms": lambda: self.now,
            "sleep": self.sleep,
            "dice": lambda: 7,
            "on_record": self.records.append,
            **changes,
        }

    def sleep(self, seconds):
        self.now += round(seconds * 1000)

    def send(self, key, body, part_size=100, together=1):
        return self.router.uploads.put(key, body, manner=Manner(part_size, together))

    def counted(self):
        """Bytes that the router holds for written, by bucket."""
        state = self.router._core._state
        return {bucket: sum(count for _, count in state.local(bucket).totals) for bucket in "abc"}
