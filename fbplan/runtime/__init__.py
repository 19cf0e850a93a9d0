"""The chooser: which bucket takes the next write. Standard library only; imports nothing else of fbplan.

router = Router.from_file("routing-policy.json")
placed = router.put("hello.txt", b"hi")     # the bucket that the policy wants
router.get(str(placed.reference))           # one request, wherever it went

Only `adapters` knows an SDK, and imports it when a request is made through it.

Its records are named tuples: forty frozen dataclasses cost more than the start-up budget, and a decision makes many.
Modules that hold some evaluate their annotations: as text, each of two hundred fields would be compiled once more.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fbplan.runtime.adapters.wrapping import wrap
    from fbplan.runtime.aio import AsyncRouter
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
    from fbplan.runtime.upload import NotAnUpload, Upload
    from fbplan.runtime.whole import Manner
    from fbplan.runtime.words import why

__all__ = [
    "AlreadyExists",
    "AsyncRouter",
    "AsyncTransport",
    "CredentialsRefused",
    "Entry",
    "Got",
    "Head",
    "Manner",
    "NoPolicy",
    "NotAReference",
    "NotAnUpload",
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
    "Upload",
    "WriteFailed",
    "why",
    "wrap",
]

_HOMES = {
    "adapters.wrapping": ("wrap",),
    "aio": ("AsyncRouter",),
    "core": ("Placement",),
    "faults": (
        "AlreadyExists",
        "CredentialsRefused",
        "NoPolicy",
        "NotFound",
        "NotStored",
        "ReadOnly",
        "Refused",
        "RoutingError",
        "Unavailable",
        "WriteFailed",
    ),
    "reference": ("NotAReference", "Reference"),
    "router": ("Router",),
    "transport": ("AsyncTransport", "Entry", "Got", "Head", "Place", "Stored", "Transport", "TransportFailure"),
    "upload": ("NotAnUpload", "Upload"),
    "whole": ("Manner",),
    "words": ("why",),
}
"""Module → what it gives; a module is loaded when the first of its names is asked for."""


def __getattr__(name: str) -> Any:
    # whoever polls, explains or reads a policy needs no router, and whoever has no event loop no asyncio
    for home, given in _HOMES.items():
        if name in given:
            value = globals()[name] = getattr(import_module(f"{__name__}.{home}"), name)
            return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
