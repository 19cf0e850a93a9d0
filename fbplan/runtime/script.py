"""What a request does to the outside, step by step: generators yield it, a thread or an event loop does it.

A generator yields a `Call`, a `Reload`, a `Pause` or `Together`, and is sent a `Came`: so both faces of the router run
the same code, and neither can forget a rule. What ends the run (a bug, a stop by the user) is thrown into it, so that it
can put away what it began.
"""

from collections.abc import Generator, Mapping
from typing import Any, NamedTuple, TypeVar

from fbplan.runtime.transport import Place, TransportFailure


class Call(NamedTuple):
    """One method of the transport."""

    method: str
    place: Place
    name: str
    """The key, or the prefix of a listing."""
    arguments: Mapping[str, Any]
    positional: tuple[Any, ...] = ()


class Pause(NamedTuple):
    ms: int


class Reload(NamedTuple):
    pass


class Came(NamedTuple):
    """What a call gave; `failure` is None when it succeeded."""

    value: Any = None
    failure: TransportFailure | None = None


class Together(NamedTuple):
    """Scripts that run at the same time; what each gave comes as a list, in their order."""

    scripts: tuple[Generator[Any, Came, Any], ...]


_T = TypeVar("_T")
Do = Call | Pause | Reload | Together
Script = Generator[Do, Came, _T]
