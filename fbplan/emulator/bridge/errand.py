"""One request that may be carried out: who asks, on what, with which body."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import IO

from fbplan.emulator.bridge.access import Place, Visitor
from fbplan.emulator.bridge.payload import Received, read_document, receive
from fbplan.emulator.bridge.s3_request import S3Request
from fbplan.emulator.bridge.sigv4 import Seal
from fbplan.emulator.bridge.store import Store


@dataclass(frozen=True, slots=True)
class Errand:
    """Everything an operation may look at. `now` is the emulator's clock."""

    request: S3Request
    visitor: Visitor
    payload: str
    seal: Seal
    store: Store
    largest: int
    now: datetime

    @property
    def place(self) -> Place:
        """The attached bucket that the request names. Raises Refusal."""
        return self.visitor.place(self.request.bucket)

    @property
    def key(self) -> str:
        """The object's key in the container, below the attachment's folder."""
        return self.place.prefix + self.request.key

    def receive(self, into: IO[bytes]) -> Received:
        return receive(self.request, self.payload, self.seal, into, self.largest)

    def read_document(self) -> bytes:
        return read_document(self.request, self.payload, self.seal)
