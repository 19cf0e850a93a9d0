"""A write as a script: its course, with what it asks of the transport. And what a put is in it."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, Protocol

from fbplan.runtime.body import Body
from fbplan.runtime.course import Step, proceed, settled, told
from fbplan.runtime.flight import Answer, Flight
from fbplan.runtime.script import Call, Came, Pause, Reload, Script
from fbplan.runtime.state import State
from fbplan.runtime.transport import Head, Place, Stored, TransportFailure


class Desk(Protocol):
    """What a script needs of its router: the state under its lock, the time and chance."""

    def now_ms(self) -> int: ...

    def dice(self) -> int: ...

    def step(self, change: Callable[[State], Step]) -> Flight: ...

    def place(self, flight: Flight, bucket: str) -> Place: ...


class Write(NamedTuple):
    key: str
    body: Body
    metadata: Mapping[str, str]
    write_once: bool
    options: Mapping[str, Any]


class Landed(NamedTuple):
    """How a write ended; what it was stored as counts only if it was."""

    flight: Flight
    stored: Stored


Trying = Callable[[Place, int], Script[Came]]
"""One try at a place within so many milliseconds; what came is a `Stored`, or the failure."""
Looking = Callable[[Place, int], Script[tuple[str, Stored]]]
"""What is there after a try whose outcome is not known: `equal`, `absent`, `different` or `unknown`, and as what."""


def writing(desk: Desk, flight: Flight, write: Write) -> Script[Landed]:
    """A put, from the first action to the last."""

    def looking(place: Place, timeout_ms: int) -> Script[tuple[str, Stored]]:
        came = yield Call("head", place, write.key, {"timeout_ms": timeout_ms})
        return _compared(came, write), Stored(came.value.etag if isinstance(came.value, Head) else None)

    return (yield from driving(desk, flight, lambda place, ms: _putting(place, ms, write), looking))


def driving(desk: Desk, flight: Flight, trying: Trying, looking: Looking) -> Script[Landed]:
    """A flight from the action it is at to its end."""
    stored = Stored()
    while not flight.action.is_end:
        action = flight.action
        match action.do:
            case "try":
                came = yield from trying(desk.place(flight, action.bucket or ""), action.ms)
                stored = came.value or Stored()
                flight = _told(desk, flight, _answer(came, desk.dice()))
            case "head":
                found, stored = yield from looking(desk.place(flight, action.bucket or ""), action.ms)
                flight = _settled(desk, flight, found)
            case _:
                yield Reload() if action.do == "reload" else Pause(action.ms)
                flight = _proceeded(desk, flight)
    return Landed(flight, stored)


def _told(desk: Desk, flight: Flight, answer: Answer) -> Flight:
    return desk.step(lambda state: told(state, flight, desk.now_ms(), answer))


def _settled(desk: Desk, flight: Flight, found: str) -> Flight:
    return desk.step(lambda state: settled(state, flight, desk.now_ms(), found))


def _proceeded(desk: Desk, flight: Flight) -> Flight:
    return desk.step(lambda state: proceed(state, flight, desk.now_ms()))


def _putting(place: Place, timeout_ms: int, write: Write) -> Script[Came]:
    arguments = {
        "size": write.body.size,
        "metadata": write.metadata,
        "write_once": write.write_once,
        "timeout_ms": timeout_ms,
        "options": write.options,
    }
    return (yield Call("put", place, write.key, arguments, (write.body.opened(),)))


def _answer(came: Came, dice: int) -> Answer:
    failure = came.failure
    if failure is None:
        return Answer(200)
    return Answer(failure.status, failure.code, failure.retry_after_ms, failure.was_sent, dice)


def _compared(came: Came, write: Write) -> str:
    """What a HEAD says of a write whose outcome is not known."""
    if came.failure is not None:
        return "absent" if is_absent(came.failure) else "unknown"
    head = came.value
    if head is None:
        return "absent"
    # what an overwrite finds there is what stood there before
    other = "different" if write.write_once else "absent"
    if head.size != write.body.size:
        return other
    if head.metadata.get("fbseq") == write.metadata["fbseq"]:
        return "equal"
    known = head.metadata.get("fbsha256")
    if known is not None and write.body.sha256 is not None:
        return "equal" if known == write.body.sha256 else other
    # a store that drops metadata may still name the MD5
    content = write.body.content
    is_same = isinstance(content, bytes) and (head.etag or "").strip('"') == _md5(content)
    return "equal" if is_same else other


def _md5(content: bytes) -> str:
    import hashlib

    return hashlib.md5(content, usedforsecurity=False).hexdigest()


def is_absent(failure: TransportFailure) -> bool:
    return failure.status == 404
