"""The chooser: which bucket takes the next write. Standard library only; imports nothing else of fbplan.

router = Router.from_file("routing-policy.json", transport)
placed = router.put("hello.txt", b"hi")     # the bucket that the policy wants
router.get(str(placed.reference))           # one request, wherever it went
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fbplan.runtime.core import Placement
from fbplan.runtime.faults import (
    AlreadyExists,
    CredentialsRefused,
    NoPolicy,
    NotFound,
    NotStored,
    ReadOnly,
    Refused,
    RoutingError,
    Unavailable,
    WriteFailed,
)
from fbplan.runtime.reference import NotAReference, Reference
from fbplan.runtime.router import Router
from fbplan.runtime.transport import AsyncTransport, Entry, Got, Head, Place, Stored, Transport, TransportFailure
from fbplan.runtime.words import why

if TYPE_CHECKING:
    from fbplan.runtime.aio import AsyncRouter

__all__ = [
    "AlreadyExists",
    "AsyncRouter",
    "AsyncTransport",
    "CredentialsRefused",
    "Entry",
    "Got",
    "Head",
    "NoPolicy",
    "NotAReference",
    "NotFound",
    "NotStored",
    "Place",
    "Placement",
    "ReadOnly",
    "Reference",
    "Refused",
    "Router",
    "RoutingError",
    "Stored",
    "Transport",
    "TransportFailure",
    "Unavailable",
    "WriteFailed",
    "why",
]


def __getattr__(name: str) -> Any:
    # asyncio is half of the start-up budget, and most services have no event loop
    if name == "AsyncRouter":
        from fbplan.runtime.aio import AsyncRouter

        return AsyncRouter
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
