"""The script of faults: which request goes wrong, in what way, and whether its write has been committed by then."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from enum import Enum, auto
from fnmatch import fnmatchcase
from typing import NoReturn

from werkzeug.http import http_date

from fbplan.emulator import disguises
from fbplan.emulator.answers import Answer, Rejected

HTTP_DATE = "http-date"
LONGEST_DELAY = 3600
GATEWAY_PAGE = b"<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>\n"


@dataclass(frozen=True, slots=True)
class Fault:
    """One line of the script: the `nth` matching request since it was installed goes wrong, for `times` requests."""

    fault: str
    method: str = "*"
    path: str = "*"
    nth: int = 1
    times: int = 1
    retry_after: int | str | None = None
    seconds: float = 1.0

    def matches(self, method: str, path: str) -> bool:
        return fnmatchcase(method.upper(), self.method.upper()) and fnmatchcase(path, self.path)


class Run(Enum):
    """What happens to the operation itself when its request is struck."""

    NOT = auto()  # nothing is read or written
    DONE = auto()  # carried out and committed before anything goes wrong
    STALE = auto()  # carried out on the state before the last write


Sleep = Callable[[float], None]
Reply = Callable[[Fault, Answer | None, datetime, Sleep], Answer | None]


@dataclass(frozen=True, slots=True)
class Kind:
    """A way to go wrong. `reply` turns the operation's answer (None when it did not run) into what the client gets."""

    run: Run
    help: str
    reply: Reply


def _cut(_fault: Fault, _answer: Answer | None, _now: datetime, _sleep: Sleep) -> NoReturn:
    # An OSError, as a real socket raises: in process a transport error, over HTTP a closed connection.
    raise ConnectionResetError("the emulator cut the connection")


def _always(answer: Answer) -> Reply:
    return lambda _fault, _answer, _now, _sleep: answer


def _changed(change: Callable[[object], object]) -> Reply:
    def reply(_fault: Fault, answer: Answer | None, _now: datetime, _sleep: Sleep) -> Answer | None:
        return None if answer is None else Answer(change(answer.body), answer.status, answer.headers)

    return reply


def _truncated(_fault: Fault, answer: Answer | None, _now: datetime, _sleep: Sleep) -> Answer | None:
    if answer is None:
        return None
    whole = answer.payload
    return Answer(None, answer.status, answer.headers, raw=whole[: len(whole) // 2])


def _delayed(fault: Fault, answer: Answer | None, _now: datetime, sleep: Sleep) -> Answer | None:
    sleep(fault.seconds)
    return answer


def _too_many(fault: Fault, _answer: Answer | None, now: datetime, _sleep: Sleep) -> Answer:
    match fault.retry_after:
        case None:
            headers: tuple[tuple[str, str], ...] = ()
        case str():
            headers = (("Retry-After", http_date(now + timedelta(seconds=fault.seconds))),)
        case wait:
            headers = (("Retry-After", str(wait)),)
    return Answer({"success": False, "message": "Too many requests"}, 429, headers)


def _as_it_is(_fault: Fault, answer: Answer | None, _now: datetime, _sleep: Sleep) -> Answer | None:
    return answer


_SERVER_ERROR = _always(Answer({"success": False, "message": "Internal server error"}, 500))
_BAD_GATEWAY = _always(Answer(None, 502, raw=GATEWAY_PAGE, content_type="text/html"))
_EXPIRED = _always(Answer({"success": False, "message": "Token expired"}, 401))
_FAILURE = _always(Answer({"success": False, "message": "Operation failed"}))

KINDS: Mapping[str, Kind] = {
    "500-before": Kind(Run.NOT, "a server error; nothing was written", _SERVER_ERROR),
    "500-after": Kind(Run.DONE, "a server error after the write took effect", _SERVER_ERROR),
    "502-html": Kind(Run.NOT, "a gateway's HTML page; nothing was written", _BAD_GATEWAY),
    "502-html-after": Kind(Run.DONE, "a gateway's HTML page after the write took effect", _BAD_GATEWAY),
    "cut-before": Kind(Run.NOT, "the connection closes without an answer; nothing was written", _cut),
    "cut-after": Kind(Run.DONE, "the connection closes without an answer after the write took effect", _cut),
    "429": Kind(Run.NOT, "the request limit, with Retry-After as `retry_after` says", _too_many),
    "delay": Kind(Run.NOT, "`seconds` of waiting, then the request as usual", _delayed),
    "delay-after": Kind(Run.DONE, "the write takes effect, then `seconds` of waiting before its answer", _delayed),
    "truncated-json": Kind(Run.DONE, "half of the answer's text, the write took effect", _truncated),
    "empty-list": Kind(Run.DONE, "every list of the answer is empty", _changed(disguises.with_empty_lists)),
    "stale-list": Kind(Run.STALE, "a read of the state before the last write", _as_it_is),
    "token-expired": Kind(Run.NOT, "401, as when the token ran out", _EXPIRED),
    "200-failure": Kind(Run.NOT, "HTTP 200 with success false; nothing was written", _FAILURE),
    "unknown-fields": Kind(
        Run.DONE, "fields and statuses that nobody has seen yet", _changed(disguises.with_unknown_fields)
    ),
    "unknown-values": Kind(
        Run.DONE, "unknown storageType, mode and accessType values", _changed(disguises.with_unknown_values)
    ),
    "nulls": Kind(Run.DONE, "null in every optional field", _changed(disguises.with_nulls)),
    "missing-fields": Kind(Run.DONE, "optional fields left out", _changed(disguises.without_optional_fields)),
}


def faults_in(document: object, kinds: Collection[str] = KINDS.keys()) -> list[Fault]:
    """The faults that a control request installs: one, a list, or {faults: [...]}. Raises Rejected."""
    listed = document.get("faults", [document]) if isinstance(document, dict) else document
    if not isinstance(listed, list):
        raise Rejected(400, "send a fault, a list of faults, or {faults: [...]}")
    try:
        return [fault_from(entry, kinds) for entry in listed]
    except ValueError as fault:
        raise Rejected(400, str(fault)) from fault


def fault_from(entry: object, kinds: Collection[str] = KINDS.keys()) -> Fault:
    """A fault as JSON or YAML describes it. Raises ValueError with a reason for people."""
    if not isinstance(entry, Mapping):
        raise ValueError(f"a fault is a mapping, not {entry!r}")  # noqa: TRY004 -- one type for every mistake
    known = {declared.name: declared.type for declared in fields(Fault)}
    unknown = sorted(str(name) for name in entry if name not in known)
    if unknown:
        raise ValueError(f"a fault has no {', '.join(unknown)}; it takes {', '.join(known)}")
    if str(entry.get("fault")) not in kinds:
        raise ValueError(f"no such fault: {entry.get('fault')!r}; there are {', '.join(kinds)}")
    for name, least, most in (
        ("nth", 1, 10**9),
        ("times", 1, 10**9),
        ("seconds", 0, LONGEST_DELAY),
        ("retry_after", 0, 10**9),
    ):
        value = entry.get(name, 1)
        is_word = name == "retry_after" and (value is None or value == HTTP_DATE)
        is_number = isinstance(value, int) or (name == "seconds" and isinstance(value, float))
        if not is_word and (not is_number or isinstance(value, bool) or not least <= value <= most):
            raise ValueError(f"{name} of a fault cannot be {value!r}")
    for name in ("method", "path"):
        if not isinstance(entry.get(name, ""), str):
            raise ValueError(f"{name} of a fault is text")  # noqa: TRY004 -- one type for every mistake
    return Fault(**{**entry, "fault": str(entry["fault"])})  # YAML reads a bare 429 as a number


class Script:
    """The installed faults, and how many requests each has seen."""

    def __init__(self, faults: Sequence[Fault] = ()) -> None:
        self._lock = threading.Lock()
        self._lines: list[_Line] = [_Line(fault) for fault in faults]

    def install(self, faults: Sequence[Fault]) -> None:
        with self._lock:
            self._lines.extend(_Line(fault) for fault in faults)

    def clear(self) -> None:
        with self._lock:
            self._lines.clear()

    def claim(self, method: str, path: str) -> Fault | None:
        """The fault that strikes this request, or None. Every matching line counts; the first that is due fires."""
        struck: Fault | None = None
        with self._lock:
            for line in self._lines:
                if line.fault.matches(method, path):
                    line.seen += 1
                    if struck is None and line.fault.nth <= line.seen < line.fault.nth + line.fault.times:
                        line.fired += 1
                        struck = line.fault
        return struck

    def read(self) -> list[dict[str, object]]:
        with self._lock:
            return [
                {declared.name: getattr(line.fault, declared.name) for declared in fields(Fault)}
                | {"seen": line.seen, "fired": line.fired}
                for line in self._lines
            ]


@dataclass(slots=True)
class _Line:
    fault: Fault
    seen: int = 0
    fired: int = 0
