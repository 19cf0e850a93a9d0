"""A whole object in parts, as a script: from its beginning to one record, whatever happened on the way."""

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import IO, Any, NamedTuple

from fbplan.runtime import sending
from fbplan.runtime.body import body_of
from fbplan.runtime.core import Content, Core, Placement
from fbplan.runtime.flight import Flight
from fbplan.runtime.parts import MOST, sliced
from fbplan.runtime.record import write_record
from fbplan.runtime.script import Script, Together
from fbplan.runtime.transport import Stored
from fbplan.runtime.upload import Upload
from fbplan.runtime.view import Request
from fbplan.runtime.writing import Landed

_NONE: Mapping[str, Any] = MappingProxyType({})
PART_SIZE = 8 * 1024 * 1024


def _silent(_sent: int) -> None:
    pass


class Manner(NamedTuple):
    """How a whole object goes up.

    `part_size`: in bytes, as the store allows; larger where an object would have too many parts. `together`: parts in
    flight at a time, each held in memory. The options reach the adapter with the call that begins, with each part, and
    with the call that completes. `progress` is told the bytes of each part that is through.
    """

    part_size: int = PART_SIZE
    together: int = 1
    overwrite: bool = False
    options: Mapping[str, Any] = _NONE
    part_options: Mapping[str, Any] = _NONE
    end_options: Mapping[str, Any] = _NONE
    progress: Callable[[int], object] = _silent


class _UnderWay:
    """An upload after its first part: what is there, and what was counted for it and is not sent yet."""

    def __init__(self, upload: Upload, sent: Stored, size: int, account: sending.Account) -> None:
        self.upload = upload
        self.parts = [_named(1, sent)]
        self.size = size
        self.account = account

    def taken(self, size: int) -> sending.Account | None:
        """The account of a part, if it was counted when the upload began."""
        if size > self.account.left:
            return None
        self.account = self.account._replace(left=self.account.left - size)
        return self.account


def whole(core: Core, key: str, content: Content, size: int | None, manner: Manner) -> Script[Placement]:
    """A put in parts. What is known of the size is counted at the beginning, as for any put."""
    stream, size, sha256 = _opened(content, size)
    pieces = sliced(stream, max(manner.part_size, -(-(size or 0) // MOST)))
    first = next(pieces)
    known = len(first) if size is None else size
    only = (yield from core.holder(key)) if manner.overwrite else None
    seq = str(core.next_seq())
    metadata = {"fbseq": seq} if sha256 is None else {"fbseq": seq, "fbsha256": sha256}
    start = sending.Start(key, seq, metadata, not manner.overwrite, manner.options, manner.part_options, first)
    flight, begun = yield from sending.beginning(core, core.begin(Request(known, only=only)), start)
    for attempt in flight.attempts:
        if attempt.kind is not None:
            # where it did not begin, the first part is all that may have been sent
            left = attempt.charge - len(first)
            core.release(flight.view, attempt.bucket, attempt.at_ms, left)
    if flight.action.do != "stored":
        return core.placed(key, Stored(), {**write_record(flight), "upload": "whole"})
    upload, sent = begun.answer
    account = sending.Account(flight.view, upload.bucket, flight.attempts[-1].at_ms, known - len(first))
    going = _UnderWay(upload, sent, len(first), account)
    is_done = False
    try:
        last, stored = yield from _finished(core, key, going, pieces, size, manner)
        is_done = last.action.do == "stored"
    finally:
        if not is_done:
            core.release(*going.account)
            place, timeout_ms = core.place(flight, upload.bucket), flight.view.repository.per_try_ms
            yield sending.abort(place, key, upload, timeout_ms)
    flight = _ended(core, flight, going.size) if is_done else _given_up(core, flight, last)
    return core.placed(key, stored, {**write_record(flight), "upload": "whole"})


def _opened(content: Content, size: int | None) -> tuple[bytes | IO[bytes], int | None, str | None]:
    """Content, size and hash as far as they are known before anything is sent."""
    if isinstance(content, bytes | bytearray | memoryview) or content.seekable():
        body = body_of(content, size, 0)
        return body.opened(), body.size, body.sha256
    return content, size, None


def _finished(
    core: Core, key: str, going: _UnderWay, pieces: Iterator[bytes], size: int | None, manner: Manner
) -> Script[tuple[Flight, Stored]]:
    """The other parts and the end: the flight that was the last, and what it stored."""
    manner.progress(going.size)
    for batch in sending.batches(pieces, manner.together):
        core.refresh()
        scripts = []
        for number, piece in batch:
            part = sending.Part(key, going.upload, number, len(piece), _held(piece), manner.part_options)
            scripts.append(_sent(core, part, going.taken(len(piece))))
        came = yield Together(tuple(scripts))
        landed: list[Landed] = came.value
        failed = [one.flight for one in landed if one.flight.action.do != "stored"]
        for flight in failed[1:]:
            core.report({**write_record(flight), "upload": "part"})
        if failed:
            return failed[0], Stored()
        for (number, piece), one in zip(batch, landed, strict=True):
            going.parts.append(_named(number, one.stored))
            going.size += len(piece)
            manner.progress(len(piece))
    if size is not None and going.size != size:
        raise ValueError(f"the size is given as {size}, but the body has {going.size} bytes")
    flight = core.step(sending.ending(core.view(), core.now_ms(), going.upload))
    end = sending.End(key, going.upload, going.parts, not manner.overwrite, manner.end_options)
    return (yield from sending.completing(core, flight, end))


def _held(piece: bytes) -> Callable[[], bytes]:
    return lambda: piece


def _named(number: int, sent: Stored) -> Mapping[str, Any]:
    answer = sent.answer if isinstance(sent.answer, Mapping) else {}
    sums = {name: value for name, value in answer.items() if name.startswith("Checksum") and name != "ChecksumType"}
    return {"PartNumber": number, "ETag": sent.etag, **sums}


def _sent(core: Core, part: sending.Part, account: sending.Account | None) -> Script[Landed]:
    """One part; what was counted for it alone is told in a record of its own."""
    flight = core.step(sending.admitted(core.view(), core.now_ms(), part, account))
    landed = yield from sending.sending(core, flight, part)
    if landed.flight.action.do == "stored" and any(attempt.charge for attempt in landed.flight.attempts):
        core.report({**write_record(landed.flight), "upload": "part"})
    return landed


def _ended(core: Core, flight: Flight, size: int) -> Flight:
    last = flight.attempts[-1]._replace(end_ms=core.now_ms())
    return flight._replace(request=flight.request._replace(size=size), attempts=(*flight.attempts[:-1], last))


def _given_up(core: Core, flight: Flight, last: Flight) -> Flight:
    """The write as it ended: what it came to where it began, and then what stopped it."""
    shift = len(flight.decisions)
    begun = flight.attempts[-1]._replace(then="begun")
    after = (attempt._replace(decision=attempt.decision + shift) for attempt in last.attempts)
    stop = last.decisions[-1]
    if last.action.do == "read_only":
        # the whole may go to another bucket: it is not bound to this one, as the part was
        again = core.choose(flight.request.size)
        stop = stop._replace(retry_at_ms=again.retry_at_ms if again.bucket is None else core.now_ms())
    return flight._replace(
        decisions=(*flight.decisions, *last.decisions[:-1], stop),
        attempts=(*flight.attempts[:-1], begun, *after),
        alarms=tuple(sorted({*flight.alarms, *last.alarms})),
        action=last.action,
        rule=last.rule,
    )
