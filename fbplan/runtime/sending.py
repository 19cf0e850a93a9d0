"""An object in parts, as scripts: begin, part, complete. Each is a write to one bucket, by the rules of every write.

    begin ─→ first part ─→ parts, some at a time ─→ complete ─→ stored
      │ ↑        │                  │                   │
      └─┴────────┘ another bucket   └───────────────────┴─→ abort: no part stays

The bytes that are known when an upload begins are counted then, as for a put, so that the bucket has room for all. When
a part is sent, its bytes are counted anew, at that time and under the grants of that time, instead of those. So caps hold
however long an upload takes; what is never sent is released.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from fbplan.runtime.classes import classify
from fbplan.runtime.course import Step, begin
from fbplan.runtime.decision import decide
from fbplan.runtime.flight import Action, Attempt, Flight
from fbplan.runtime.script import Call, Came, Script
from fbplan.runtime.state import State, charged, released
from fbplan.runtime.transport import Head, Place, Stored, TransportFailure
from fbplan.runtime.upload import Upload
from fbplan.runtime.view import Request, View
from fbplan.runtime.writing import Desk, Landed, driving, is_absent

JOIN_MS = 60_000
"""How long a store may take to join the parts, when the limit of a try is shorter."""
_FOR_NEW_OBJECTS = frozenset({"3.breaker", "3.throttle", "3.node", "4.hold", "4.min", "4.ramp"})
"""Rules that send new objects elsewhere; an upload under way has no elsewhere, and its caps are rule 2."""


class Start(NamedTuple):
    """What an upload begins with. `first` None: only the upload is begun, its parts come in calls of their own."""

    key: str
    seq: str
    metadata: Mapping[str, str]
    write_once: bool
    options: Mapping[str, Any]
    part_options: Mapping[str, Any]
    first: bytes | None = None


class Part(NamedTuple):
    """One part. `body` gives its content at the beginning, each time it is asked."""

    key: str
    upload: Upload
    number: int
    size: int
    body: Any
    options: Mapping[str, Any]
    is_repeatable: bool = True


class End(NamedTuple):
    """What an upload ends with: the parts as the SDK names them."""

    key: str
    upload: Upload
    parts: Sequence[Mapping[str, Any]]
    write_once: bool
    options: Mapping[str, Any]


def beginning(desk: Desk, flight: Flight, start: Start) -> Script[Landed]:
    """The upload, begun where the policy wants it. The answer of what was stored is a pair: Upload, the first part.

    Until the first part is through nothing is lost by going to another bucket.
    """
    return (yield from driving(desk, flight, lambda place, ms: _begun(place, ms, start), _other))


def _begun(place: Place, timeout_ms: int, start: Start) -> Script[Came]:
    if start.write_once:
        # the store looks only when the parts are joined: that would be late
        there = yield Call("head", place, start.key, {"timeout_ms": timeout_ms})
        if isinstance(there.value, Head):
            return Came(failure=TransportFailure(412, "PreconditionFailed", was_sent=False))
    arguments = {"metadata": start.metadata, "timeout_ms": timeout_ms, "options": start.options}
    came = yield Call("begin_upload", place, start.key, arguments)
    if came.failure is not None:
        return _unsent(came.failure)
    upload = Upload(place.bucket, start.seq, came.value.id)
    if start.first is None:
        return Came(Stored(None, (upload, came.value)))
    first = Part(start.key, upload, 1, len(start.first), lambda: start.first, start.part_options)
    try:
        sent = yield from _put(place, timeout_ms, first)
    except BaseException:
        yield abort(place, start.key, upload, timeout_ms)
        raise
    if sent.failure is not None:
        yield abort(place, start.key, upload, timeout_ms)
        return sent
    return Came(Stored(None, (upload, sent.value)))


def sending(desk: Desk, flight: Flight, part: Part) -> Script[Landed]:
    """A part. Under its number it can be sent again, so that an answer that got lost leaves nothing open."""
    return (yield from driving(desk, flight, lambda place, ms: _put(place, ms, part), _nothing))


def _put(place: Place, timeout_ms: int, part: Part) -> Script[Came]:
    arguments = {
        "upload": part.upload.id,
        "number": part.number,
        "size": part.size,
        "timeout_ms": timeout_ms,
        "options": part.options,
    }
    came = yield Call("put_part", place, part.key, arguments, (part.body(),))
    return _unsent(came.failure) if came.failure is not None and part.is_repeatable else came


def completing(desk: Desk, flight: Flight, end: End) -> Script[Landed]:
    """The parts, joined. The flight is that of `ending`."""

    def looking(place: Place, timeout_ms: int) -> Script[tuple[str, Stored]]:
        came = yield Call("head", place, end.key, {"timeout_ms": timeout_ms})
        if came.failure is not None and not is_absent(came.failure):
            return "unknown", Stored()
        if not isinstance(came.value, Head) or came.value.metadata.get("fbseq") != end.upload.seq:
            # another object may stand there; this one does not
            return "absent", Stored()
        return "equal", Stored(came.value.etag)

    def trying(place: Place, timeout_ms: int) -> Script[Came]:
        came = yield _complete(place, timeout_ms, end)
        if end.write_once and came.failure is not None and came.failure.status == 501:
            # a store without conditions on this call: look, and then without
            found, _ = yield from looking(place, timeout_ms)
            return (yield _complete(place, timeout_ms, end._replace(write_once=False))) if found == "absent" else came
        if not _is_open(came):
            return came
        # it needs no room and no other bucket, so it is tried again here, whatever the caps say meanwhile
        found, stored = yield from looking(place, timeout_ms)
        if found != "equal":
            came = yield _complete(place, timeout_ms, end)
            if came.failure is not None and came.failure.code == "NoSuchUpload":
                found, stored = yield from looking(place, timeout_ms)
        return Came(stored) if found == "equal" else came

    return (yield from driving(desk, flight, trying, looking))


def _complete(place: Place, timeout_ms: int, end: End) -> Call:
    arguments = {
        "upload": end.upload.id,
        "parts": end.parts,
        "write_once": end.write_once,
        "timeout_ms": max(timeout_ms, JOIN_MS),
        "options": end.options,
    }
    return Call("complete_upload", place, end.key, arguments)


def abort(place: Place, key: str, upload: Upload, timeout_ms: int) -> Call:
    return Call("abort_upload", place, key, {"upload": upload.id, "timeout_ms": timeout_ms})


def _at_try(view: View, state: State, now_ms: int, request: Request, charge: int) -> Flight:
    """A flight at its first try in the bucket to which it is bound, open or not."""
    bucket = request.only or ""
    decision = decide(view, state, now_ms, request)._replace(bucket=bucket, rule="1.pinned")
    flight = Flight(view, request, now_ms, (decision,), (Attempt(0, bucket, now_ms, charge),))
    return flight._replace(action=Action("try", bucket, view.repository.per_try_ms))


class Account(NamedTuple):
    """Bytes that were counted for an upload when it began and that are not sent yet: by which view, and when."""

    view: View
    bucket: str
    at_ms: int
    left: int


def admitted(view: View, now_ms: int, part: Part, account: Account | None) -> Callable[[State], Step]:
    """A part before it is sent: counted now instead of when the upload began, if it was counted then.

    So it stands under the grant that is alive when its bytes start, and a cap that took the whole takes each part.
    """
    request = Request(part.size, only=part.upload.bucket)

    def change(state: State) -> Step:
        if account is None:
            return begin(view, state, now_ms, request)
        freed = released(state, account.view, account.at_ms, account.bucket, part.size)
        flight = _at_try(view, freed, now_ms, request, part.size)
        found = next(c for c in flight.decisions[0].candidates if c.bucket == account.bucket)
        if found.tier == "closed" and found.rule in _FOR_NEW_OBJECTS:
            state = charged(freed, view, now_ms, account.bucket, part.size)
        else:
            state, flight = begin(view, freed, now_ms, request)
        is_moved = view.simple or view.seq == account.view.seq
        return state, flight._replace(
            attempts=tuple(a._replace(charge=0) for a in flight.attempts)
        ) if is_moved else flight

    return change


def ending(view: View, now_ms: int, upload: Upload) -> Callable[[State], Step]:
    """The flight of a completion, which sends no bytes."""
    return lambda state: (state, _at_try(view, state, now_ms, Request(0, only=upload.bucket), 0))


def batches(pieces: Iterator[bytes], most: int) -> Iterator[list[tuple[int, bytes]]]:
    """The parts after the first with their numbers, so many at a time."""
    number, batch = 2, []
    for piece in pieces:
        batch.append((number, piece))
        number += 1
        if len(batch) == most:
            yield batch
            batch = []
    if batch:
        yield batch


def _other(_place: Place, _timeout_ms: int) -> Script[tuple[str, Stored]]:
    """What stands under the key is not this object: its parts were never joined."""
    return "different", Stored()
    yield  # a script, though it asks nothing


def _nothing(_place: Place, _timeout_ms: int) -> Script[tuple[str, Stored]]:
    """A part cannot be looked at; one that cannot be sent again either has failed."""
    return "unknown", Stored()
    yield


def _unsent(failure: TransportFailure) -> Came:
    """Parts are no object yet, so a failure leaves nothing to look for."""
    told = TransportFailure(failure.status, failure.code, retry_after_ms=failure.retry_after_ms, was_sent=False)
    told.__cause__ = failure
    return Came(failure=told)


def _is_open(came: Came) -> bool:
    failure = came.failure
    return failure is not None and classify(failure.status, failure.code) == "transient"
