"""The body of a request: taken out of its framing, counted, checked, and written where it is wanted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from typing import IO

from fbplan.emulator.bridge.checksums import Checks
from fbplan.emulator.bridge.chunked import PIECE, Chunked, incomplete
from fbplan.emulator.bridge.node_request import NodeRequest
from fbplan.emulator.bridge.refusals import Refusal
from fbplan.emulator.bridge.sigv4 import UNSIGNED, Seal

LARGEST_DOCUMENT = 2 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Received:
    """What came in: its size, its MD5 in hex, and the checksum headers to keep with it."""

    size: int
    md5: str
    checksums: dict[str, str]


def receive(
    request: NodeRequest,
    payload: str,
    seal: Seal | None,
    into: IO[bytes],
    largest: int,
    digests: tuple[str, ...] = (),
) -> Received:
    """Stream the body into a file, and compute `digests` besides what the request names. Raises Refusal when it is too large, too short, or not what was signed."""
    announced = None if request.is_endless else request.length
    if announced is not None and announced > largest:
        raise _too_large()
    checks = Checks(request, payload, digests)
    framed = _framed(request, payload, seal)
    size = 0
    for piece in framed if framed is not None else _plain(request.body, announced):
        size += len(piece)
        if announced is not None and size > announced:
            break
        if size > largest:
            raise _too_large()
        checks.update(piece)
        into.write(piece)
    if announced is not None and size != announced:
        raise incomplete()
    kept = checks.settle(framed.trailers if framed is not None else {})
    return Received(size, checks.md5, kept)


def _too_large() -> Refusal:
    return Refusal("EntityTooLarge", "Your proposed upload exceeds the maximum allowed size")


def read_document(request: NodeRequest, payload: str, seal: Seal | None) -> bytes:
    """A small XML or JSON body, checked like any other. Raises Refusal."""
    if request.length > LARGEST_DOCUMENT:
        raise _too_large()
    into = BytesIO()
    receive(request, payload, seal, into, LARGEST_DOCUMENT)
    return into.getvalue()


def _framed(request: NodeRequest, payload: str, seal: Seal | None) -> Chunked | None:
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


def _plain(body: IO[bytes], length: int | None) -> Iterator[bytes]:
    left = length
    while left != 0 and (piece := body.read(PIECE if left is None else min(PIECE, left))):
        left = None if left is None else left - len(piece)
        yield piece
