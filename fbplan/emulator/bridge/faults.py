"""The ways in which a scripted fault of the data plane goes wrong. The script itself is the management API's."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import IO

from werkzeug.http import http_date

from fbplan.emulator.bridge.refusals import Refusal
from fbplan.emulator.bridge.replies import Reply
from fbplan.emulator.faults import Fault, Run


@dataclass(frozen=True, slots=True)
class Kind:
    """A way to go wrong. `refusal` is what the client gets; without one it gets the operation's own answer, or a cut."""

    run: Run
    help: str
    refusal: Callable[[Fault, datetime], Refusal] | None = None
    is_cut: bool = False
    is_delay: bool = False
    is_bare: bool = False
    halves_body: bool = False


def _always(code: str, message: str, status: int | None = None) -> Callable[[Fault, datetime], Refusal]:
    return lambda _fault, _now: Refusal(code, message, status)


def _slow_down(status: int) -> Callable[[Fault, datetime], Refusal]:
    def refusal(fault: Fault, now: datetime) -> Refusal:
        match fault.retry_after:
            case None:
                headers: tuple[tuple[str, str], ...] = ()
            case str():
                headers = (("Retry-After", http_date(now + timedelta(seconds=fault.seconds))),)
            case wait:
                headers = (("Retry-After", str(wait)),)
        return Refusal("SlowDown", "Please reduce your request rate.", status, headers)

    return refusal


_ERROR = _always("InternalError", "We encountered an internal error. Please try again.")
_DENIED = _always("AccessDenied", "")

KINDS: Mapping[str, Kind] = {
    "slowdown-503": Kind(Run.NOT, "SlowDown as 503, with Retry-After as `retry_after` says", _slow_down(503)),
    "slowdown-429": Kind(Run.NOT, "SlowDown as 429, with Retry-After as `retry_after` says", _slow_down(429)),
    "500-before": Kind(Run.NOT, "InternalError; nothing was written", _ERROR),
    "500-after": Kind(Run.DONE, "InternalError after the write took effect", _ERROR),
    "cut-before": Kind(Run.NOT, "the connection closes without an answer; nothing was written", is_cut=True),
    "cut-after": Kind(Run.DONE, "the connection closes without an answer after the write took effect", is_cut=True),
    "delay": Kind(Run.NOT, "`seconds` of waiting, then the request as usual", is_delay=True),
    "delay-after": Kind(Run.DONE, "the write takes effect, then `seconds` of waiting", is_delay=True),
    "403": Kind(Run.NOT, "403 without a body or a code", _DENIED, is_bare=True),
    "quota-403": Kind(Run.NOT, "QUOTA_EXCEEDED as 403", _always("QUOTA_EXCEEDED", "Credit quota exceeded")),
    "quota-429": Kind(Run.NOT, "QUOTA_EXCEEDED as 429", _always("QUOTA_EXCEEDED", "Credit quota exceeded", 429)),
    "507": Kind(Run.NOT, "InsufficientStorage", _always("InsufficientStorage", "The bucket has no storage left")),
    "truncated-upload": Kind(
        Run.NOT, "half of the body arrives, then the connection closes; nothing was written", halves_body=True
    ),
}


def struck(
    fault: Fault, operate: Callable[[], Reply], now: Callable[[], datetime], sleep: Callable[[float], None]
) -> Reply:
    """What the client of a struck request gets. Raises Refusal, or ConnectionResetError for a cut."""
    kind = KINDS[fault.fault]
    if kind.run is Run.NOT and kind.is_delay:
        sleep(fault.seconds)
        return operate()
    before = operate() if kind.run is Run.DONE or kind.halves_body else None
    if kind.is_delay and before is not None:
        sleep(fault.seconds)
        return before
    if before is not None:
        before.close()
    if kind.is_bare:
        return Reply(403)
    if kind.refusal is not None:
        raise kind.refusal(fault, now())
    raise ConnectionResetError("the emulator cut the connection")


class Half:
    """A body whose connection breaks after `length` bytes."""

    def __init__(self, body: IO[bytes], length: int) -> None:
        self._body, self._left = body, length

    def read(self, size: int = -1) -> bytes:
        return self._taken(self._body.read(min(size, self._left) if size >= 0 else self._left))

    def readline(self, size: int = -1) -> bytes:
        return self._taken(self._body.readline(min(size, self._left) if size >= 0 else self._left))

    def _taken(self, piece: bytes) -> bytes:
        if not piece:
            raise ConnectionResetError("the emulator cut the connection")
        self._left -= len(piece)
        return piece
