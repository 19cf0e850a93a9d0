"""The body of a request: taken out of its framing, counted, checked, and written where it is wanted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from typing import IO

from fbplan.emulator.bridge.checksums import Checks
from fbplan.emulator.bridge.chunked import PIECE, Chunked, incomplete
from fbplan.emulator.bridge.refusals import Refusal
from fbplan.emulator.bridge.s3_request import S3Request
from fbplan.emulator.bridge.sigv4 import UNSIGNED, Seal

LARGEST_DOCUMENT = 2 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Received:
    """What came in: its size, its MD5 in hex, and the checksum headers to keep with it."""

    size: int
    md5: str
    checksums: dict[str, str]


def receive(request: S3Request, payload: str, seal: Seal, into: IO[bytes], largest: int) -> Received:
    """Stream the body into a file. Raises Refusal when it is too large, too short, or not what was signed."""
    announced = request.length
    if announced > largest:
        raise Refusal("EntityTooLarge", "Your proposed upload exceeds the maximum allowed size")
    checks = Checks(request, payload)
    framed = _framed(request, payload, seal)
    size = 0
    for piece in framed if framed is not None else _plain(request.body, announced):
        size += len(piece)
        if size > announced:
            break
        checks.update(piece)
        into.write(piece)
    if size != announced:
        raise incomplete()
    kept = checks.settle(framed.trailers if framed is not None else {})
    return Received(size, checks.md5, kept)


def read_document(request: S3Request, payload: str, seal: Seal) -> bytes:
    """A small XML body, checked like any other. Raises Refusal."""
    into = BytesIO()
    receive(request, payload, seal, into, LARGEST_DOCUMENT)
    return into.getvalue()


def _framed(request: S3Request, payload: str, seal: Seal) -> Chunked | None:
    match payload:
        case "STREAMING-AWS4-HMAC-SHA256-PAYLOAD":
            return Chunked(request.body, seal, has_trailers=False)
        case "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER":
            return Chunked(request.body, seal, has_trailers=True)
        case "STREAMING-UNSIGNED-PAYLOAD-TRAILER":
            return Chunked(request.body, None, has_trailers=True)
        case _ if payload == UNSIGNED or len(payload) == 64:
            return None
        case _:
            raise Refusal(
                "InvalidArgument", "x-amz-content-sha256 must be UNSIGNED-PAYLOAD, a STREAMING- form or a SHA-256."
            )


def _plain(body: IO[bytes], length: int) -> Iterator[bytes]:
    left = length
    while left and (piece := body.read(min(PIECE, left))):
        left -= len(piece)
        yield piece
