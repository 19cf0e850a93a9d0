"""Reads, deletes and listings as scripts: over every bucket in which an object may be."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

from fbplan.runtime.classes import classify
from fbplan.runtime.faults import NotFound, Unavailable
from fbplan.runtime.script import Call, Script
from fbplan.runtime.transport import Entry, Got, Head, Place
from fbplan.runtime.writing import is_absent

MOST_HEADS = 3
_NONE: Mapping[str, Any] = MappingProxyType({})
_NOT_ASKED = "not asked: at most 3 buckets are asked for a key without a reference"


class Located(NamedTuple):
    """Where a key was found."""

    place: Place
    head: Head


class Deleted(NamedTuple):
    """`failed` maps each bucket that did not answer to the reason; the key may still be there."""

    is_complete: bool
    failed: dict[str, str]


class Placed(NamedTuple):
    """One key of a listing, and the first bucket in the order that holds it."""

    bucket: str
    entry: Entry


class Listing(NamedTuple):
    """Keys of all buckets, each once, sorted; not complete when a bucket did not answer."""

    entries: tuple[Placed, ...]
    is_complete: bool
    failed: dict[str, str]


def locating(places: Sequence[Place], key: str, timeout_ms: int) -> Script[Located]:
    """The first place that holds the key. NotFound only if every place said so, else Unavailable."""
    failed: dict[str, str] = {}
    for place in places[:MOST_HEADS]:
        came = yield Call("head", place, key, {"timeout_ms": timeout_ms})
        if came.failure is None and came.value is not None:
            return Located(place, came.value)
        if came.failure is not None and not is_absent(came.failure):
            failed[place.bucket] = str(came.failure)
    failed |= {place.bucket: _NOT_ASKED for place in places[MOST_HEADS:]}
    if failed:
        raise Unavailable(f"'{key}' was not found, but not every bucket answered: {', '.join(sorted(failed))}", failed)
    raise NotFound(f"no bucket holds '{key}'")


def getting(places: Sequence[Place], key: str, timeout_ms: int, options: Mapping[str, Any] = _NONE) -> Script[Got]:
    """The object from the first place that has it: the one place that is known, and then its mirrors.

    With `options` of the caller, what a store refuses because of them (a range, a condition) is a TransportFailure.
    """
    arguments = _arguments(timeout_ms, options)
    failed: dict[str, str] = {}
    for place in places:
        came = yield Call("get", place, key, arguments)
        if came.failure is None:
            found: Got = came.value
            return found
        if options and not is_absent(came.failure) and classify(came.failure.status, came.failure.code) == "request":
            raise came.failure
        if not is_absent(came.failure):
            failed[place.bucket] = str(came.failure)
    if failed:
        raise Unavailable(f"'{key}' cannot be read: {', '.join(sorted(failed))}", failed)
    raise NotFound(f"no bucket holds '{key}'")


def deleting(places: Sequence[Place], key: str, timeout_ms: int) -> Script[Deleted]:
    """Delete the key wherever it is."""
    failed: dict[str, str] = {}
    for place in places:
        came = yield Call("delete", place, key, {"timeout_ms": timeout_ms})
        if came.failure is not None and not is_absent(came.failure):
            failed[place.bucket] = str(came.failure)
    return Deleted(not failed, failed)


def listing(
    places: Sequence[Place], prefix: str, timeout_ms: int, options: Mapping[str, Any] = _NONE
) -> Script[Listing]:
    """The keys of every bucket in one list."""
    arguments = _arguments(timeout_ms, options)
    found: dict[str, Placed] = {}
    failed: dict[str, str] = {}
    for place in places:
        came = yield Call("list", place, prefix, arguments)
        if came.failure is not None:
            failed[place.bucket] = str(came.failure)
            continue
        for entry in came.value:
            found.setdefault(entry.key, Placed(place.bucket, entry))
    return Listing(tuple(found[key] for key in sorted(found)), not failed, failed)


def _arguments(timeout_ms: int, options: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"timeout_ms": timeout_ms, "options": options} if options else {"timeout_ms": timeout_ms}
