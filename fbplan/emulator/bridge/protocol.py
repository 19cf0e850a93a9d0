"""What a protocol of the node is: how its requests are known, proved and read, and how it words a refusal."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from fbplan.emulator.bridge.access import Visitor
from fbplan.emulator.bridge.errand import Errand
from fbplan.emulator.bridge.node_request import NodeRequest
from fbplan.emulator.bridge.refusals import Refusal
from fbplan.emulator.bridge.replies import Reply
from fbplan.emulator.bridge.sigv4 import UNSIGNED, Seal

Visitors = Callable[[str], Visitor]
"""The holder of a key id. Raises Refusal for a key that never was, or is no more."""


@dataclass(frozen=True, slots=True)
class Admitted:
    """A visitor whose signature was proved, and what is signed of the body."""

    visitor: Visitor
    payload: str = UNSIGNED
    seal: Seal | None = None


@dataclass(frozen=True, slots=True)
class Operation:
    """What a request asks for, and whether it needs the right to write."""

    handler: Callable[[Errand], Reply]
    writes: bool = False


@dataclass(frozen=True, slots=True)
class Protocol:
    """One of the protocols that the node speaks on its one port."""

    speaks: Callable[[NodeRequest], bool]
    locate: Callable[[NodeRequest], NodeRequest]
    """The request with its bucket and key. Raises Refusal."""
    admit: Callable[[NodeRequest, Visitors, float], Admitted]
    """Who asks, against the machine's clock. Raises Refusal."""
    operation_for: Callable[[NodeRequest], Operation]
    refused: Callable[[Refusal, str, str], Reply]
    """A refusal of a path, and the id of the request."""
    id_header: str
