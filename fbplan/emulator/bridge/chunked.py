"""The aws-chunked framing that SDKs stream bodies in: `size[;chunk-signature=…]`, the bytes, and trailers at the end."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import IO

from fbplan.emulator.bridge.refusals import Refusal
from fbplan.emulator.bridge.sigv4 import Seal

PIECE = 256 * 1024
LONGEST_LINE = 16 * 1024
LARGEST_CHUNK = 2**40
NOTHING = hashlib.sha256(b"").hexdigest()


class Chunked:
    """The bytes of a framed body, in pieces; `trailers` is filled when the last piece was taken.

    With a `seal` every chunk carries a signature over itself and the signature before it.
    """

    def __init__(self, body: IO[bytes], seal: Seal | None, *, has_trailers: bool) -> None:
        self._body, self._seal, self._has_trailers = body, seal, has_trailers
        self._before = seal.seed if seal else ""
        self.trailers: dict[str, str] = {}

    def __iter__(self) -> Iterator[bytes]:
        while True:
            size, signature = self._head()
            digest = hashlib.sha256()
            left = size
            while left:
                piece = self._body.read(min(PIECE, left))
                if not piece:
                    raise incomplete()
                left -= len(piece)
                if self._seal:
                    digest.update(piece)
                yield piece
            self._check(signature, "PAYLOAD", NOTHING, digest.hexdigest())
            if size == 0:
                break
            if self._line():
                raise _malformed()
        if self._has_trailers:
            self._read_trailers()

    def _head(self) -> tuple[int, str]:
        size, _, extension = self._line().partition(";")
        try:
            length = int(size, 16)
        except ValueError:
            raise _malformed() from None
        if not 0 <= length < LARGEST_CHUNK:
            raise _malformed()
        return length, extension.removeprefix("chunk-signature=")

    def _line(self) -> str:
        line = self._body.readline(LONGEST_LINE)
        if not line.endswith(b"\n"):
            raise incomplete()
        return line.strip().decode("latin-1")

    def _read_trailers(self) -> None:
        signed = ""
        signature = ""
        while line := self._body.readline(LONGEST_LINE).strip().decode("latin-1"):
            name, _, value = line.partition(":")
            if name.lower() == "x-amz-trailer-signature":
                signature = value.strip()
            else:
                self.trailers[name.lower()] = value.strip()
                signed += f"{name.lower()}:{value.strip()}\n"
        self._check(signature, "TRAILER", hashlib.sha256(signed.encode()).hexdigest())

    def _check(self, signature: str, kind: str, *digests: str) -> None:
        if self._seal is None:
            return
        if self._seal.sign(kind, self._before, *digests) != signature:
            raise Refusal("SignatureDoesNotMatch", "The signature of a chunk does not match.")
        self._before = signature


def incomplete() -> Refusal:
    """The refusal of a body that ends early."""
    return Refusal(
        "IncompleteBody", "You did not provide the number of bytes specified by the Content-Length HTTP header"
    )


def _malformed() -> Refusal:
    return Refusal("InvalidRequest", "The aws-chunked body is malformed.")
