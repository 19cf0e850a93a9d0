"""The body of an HTTP request as it comes from the socket."""

from __future__ import annotations

import io
from email.message import Message

from werkzeug.serving import DechunkedInput

PIECE = 256 * 1024
MOST_DRAINED = 64 * 1024 * 1024  # beyond it, closing the connection is cheaper for both sides


class Body:
    """A file over one body, of known length or chunked. Its first read tells a waiting client to go on."""

    def __init__(self, headers: Message, incoming: io.BufferedIOBase, outgoing: io.BufferedIOBase) -> None:
        self._incoming, self._outgoing = incoming, outgoing
        length = headers.get("content-length") or "0"
        self._is_broken = not (length.isascii() and length.isdigit())
        self._left = 0 if self._is_broken else int(length[:18])
        self._is_awaited = headers.get("expect", "").lower() == "100-continue"
        self._chunked: io.BufferedReader | None = None
        if headers.get("transfer-encoding", "").lower() == "chunked":
            self._chunked = io.BufferedReader(DechunkedInput(incoming))  # type: ignore[arg-type]  # its readinto names bytearray alone

    def read(self, size: int = -1) -> bytes:
        self._go_on()
        if self._chunked is not None:
            return self._chunked.read(size)
        return self._taken(self._incoming.read(self._most(size)))

    def readline(self, size: int = -1) -> bytes:
        self._go_on()
        if self._chunked is not None:
            return self._chunked.readline(size)
        return self._taken(self._incoming.readline(self._most(size)))

    def _go_on(self) -> None:
        if self._is_awaited:
            self._is_awaited = False
            self._outgoing.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def _most(self, size: int) -> int:
        return self._left if size < 0 else min(size, self._left)

    def _taken(self, piece: bytes) -> bytes:
        self._left -= len(piece)
        return piece

    def drained(self) -> bool:
        """Read what nobody read, so that the next request begins where it should; False when that cannot be."""
        if self._is_broken or (self._is_awaited and (self._left or self._chunked)):
            return False  # a client that was not told to go on may send its body or may not
        most = MOST_DRAINED
        try:
            while most > 0 and (piece := self.read(PIECE)):
                most -= len(piece)
        except OSError:  # a chunk that is none
            return False
        return most > 0 and (self._chunked is not None or self._left == 0)
