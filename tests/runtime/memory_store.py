"""Buckets in memory behind the transport protocol, with faults in a script; and its twin for an event loop."""

# ruff: noqa: ARG002 -- the protocol names what a store in memory has no use for

from __future__ import annotations

import hashlib

from fbplan.runtime import Entry, Got, Head, Stored, TransportFailure


class MemoryStore:
    """`faults` maps (bucket, method) to failures that are raised one after another; None lets the call through.

    A failure with `is_stored` set raises after the put took effect: an answer that got lost.
    """

    def __init__(self) -> None:
        self.buckets: dict[str, dict[str, tuple[bytes, dict[str, str]]]] = {}
        self.faults: dict[tuple[str, str], list[TransportFailure | None]] = {}
        self.calls: list[tuple[str, str]] = []
        self.reloads = 0

    def fail(self, bucket: str, method: str, *failures: TransportFailure | None) -> None:
        self.faults.setdefault((bucket, method), []).extend(failures)

    def _called(self, place, method):
        self.calls.append((method, place.bucket))
        waiting = self.faults.get((place.bucket, method), [])
        return waiting.pop(0) if waiting else None

    def put(self, place, key, body, *, size, metadata, write_once, timeout_ms, options):
        failure = self._called(place, "put")
        if failure is not None and not getattr(failure, "is_stored", False):
            if not isinstance(body, bytes) and failure.was_sent:
                body.read(3)
            raise failure
        content = body if isinstance(body, bytes) else body.read()
        assert len(content) == size
        held = self.buckets.setdefault(place.bucket, {})
        if write_once and key in held:
            raise TransportFailure(412, "PreconditionFailed")
        held[key] = (content, dict(metadata))
        if failure is not None:
            raise failure
        return Stored(_etag(content), options.get("echo"))

    def head(self, place, key, *, timeout_ms):
        failure = self._called(place, "head")
        if failure is not None:
            raise failure
        if key not in self.buckets.get(place.bucket, {}):
            return None
        content, metadata = self.buckets[place.bucket][key]
        return Head(len(content), _etag(content), metadata)

    def get(self, place, key, *, timeout_ms):
        failure = self._called(place, "get")
        if failure is not None:
            raise failure
        if key not in self.buckets.get(place.bucket, {}):
            raise TransportFailure(404, "NoSuchKey")
        content, metadata = self.buckets[place.bucket][key]
        return Got(Head(len(content), _etag(content), metadata), content)

    def delete(self, place, key, *, timeout_ms):
        failure = self._called(place, "delete")
        if failure is not None:
            raise failure
        self.buckets.get(place.bucket, {}).pop(key, None)

    def list(self, place, prefix, *, timeout_ms):
        failure = self._called(place, "list")
        if failure is not None:
            raise failure
        held = self.buckets.get(place.bucket, {})
        return [Entry(key, len(held[key][0])) for key in held if key.startswith(prefix)]

    def reload(self):
        self.reloads += 1


def _etag(content: bytes) -> str:
    return '"' + hashlib.md5(content, usedforsecurity=False).hexdigest() + '"'


def lost(status: int = 0, code: str = "") -> TransportFailure:
    """The put took effect, its answer did not come."""
    failure = TransportFailure(status, code)
    failure.is_stored = True
    return failure


class AsyncMemoryStore:
    """The same calls to await."""

    def __init__(self, store: MemoryStore) -> None:
        self.store = store

    def __getattr__(self, name):
        async def call(*positional, **named):
            return getattr(self.store, name)(*positional, **named)

        return call
