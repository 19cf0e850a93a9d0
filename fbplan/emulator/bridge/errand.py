"""One request that may be carried out: who asks, on what, with which body."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import IO

from fbplan.emulator.bridge.access import Place, Visitor
from fbplan.emulator.bridge.node_request import NodeRequest
from fbplan.emulator.bridge.payload import Received, read_document, receive
from fbplan.emulator.bridge.sigv4 import Seal
from fbplan.emulator.bridge.store import Store


@dataclass(frozen=True, slots=True)
class Errand:
    """Everything an operation may look at. `now` is the emulator's clock, `clock` the machine's."""

    request: NodeRequest
    visitor: Visitor
    payload: str
    seal: Seal | None
    store: Store
    largest: int
    now: datetime
    clock: float
    digests: tuple[str, ...] = ()
    """What the protocol wants computed of each object, besides its MD5."""

    @property
    def place(self) -> Place:
        """The attached bucket that the request names. Raises Refusal."""
        return self.visitor.place(self.request.bucket)

    @property
    def key(self) -> str:
        """The object's key in the container, below the attachment's folder."""
        return self.place.prefix + self.request.key

    def at(self, key: str) -> Errand:
        """The errand about an object whose name is not in the path. Raises Refusal."""
        return replace(self, request=self.request.at(self.request.bucket, key))

    def receive(self, into: IO[bytes]) -> Received:
        return receive(self.request, self.payload, self.seal, into, self.largest, self.digests)

    def read_document(self) -> bytes:
        return read_document(self.request, self.payload, self.seal)
