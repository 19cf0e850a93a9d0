"""What a request does to the outside, step by step: generators yield it, a thread or an event loop does it.

A generator yields a `Call`, a `Reload` or a `Pause`, and is sent a `Came`: so both faces of the router run the same
code, and neither can forget a rule.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from fbplan.runtime.transport import Place, TransportFailure


@dataclass(frozen=True, slots=True)
class Call:
    """One method of the transport."""

    method: str
    place: Place
    name: str
    """The key, or the prefix of a listing."""
    arguments: Mapping[str, Any]
    positional: tuple[Any, ...] = ()


@dataclass(frozen=True, slots=True)
class Pause:
    ms: int


@dataclass(frozen=True, slots=True)
class Reload:
    pass


@dataclass(frozen=True, slots=True)
class Came:
    """What a call gave; `failure` is None when it succeeded."""

    value: Any = None
    failure: TransportFailure | None = None


_T = TypeVar("_T")
Do = Call | Pause | Reload
Script = Generator[Do, Came, _T]
