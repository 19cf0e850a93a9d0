"""What is computed over a body while it streams by, and what the client said it should come to."""

from __future__ import annotations

import base64
import binascii
import hashlib
import zlib
from collections.abc import Mapping
from typing import Protocol

from fbplan.emulator.bridge.crc32c import crc32c
from fbplan.emulator.bridge.node_request import NodeRequest
from fbplan.emulator.bridge.refusals import Refusal

PREFIX = "x-amz-checksum-"
# Kept and given back, but not verified for S3: the standard library has no CRC-32C and no CRC-64/NVME.
UNVERIFIED = ("crc32c", "crc64nvme")


class Digest(Protocol):
    def update(self, piece: bytes, /) -> None: ...
    def digest(self) -> bytes: ...


class _Crc32:
    def __init__(self) -> None:
        self._value = 0

    def update(self, piece: bytes, /) -> None:
        self._value = zlib.crc32(piece, self._value)

    def digest(self) -> bytes:
        return self._value.to_bytes(4, "big")


def fresh(name: str) -> Digest:
    match name:
        case "crc32":
            return _Crc32()
        case "crc32c":
            return crc32c()
        case "md5":
            return hashlib.md5(usedforsecurity=False)
        case _:
            return hashlib.new(name, usedforsecurity=False)


class Checks:
    """The digests of one body: always MD5, which is the ETag, each that the request names, and `also` those named here."""

    def __init__(self, request: NodeRequest, payload: str, also: tuple[str, ...] = ()) -> None:
        self._also = also
        self._payload = payload if len(payload) == 64 else None
        self._content_md5 = request.header("content-md5")
        self._given = {n.removeprefix(PREFIX): v for n, v in request.headers.items() if _is_checksum(n)}
        trailer = request.header("x-amz-trailer").strip().lower()
        self._trailer = trailer if _is_checksum(trailer) else ""
        wanted = {"md5", *self._given, self._trailer.removeprefix(PREFIX), "sha256" if self._payload else ""}
        self._digests = {name: fresh(name) for name in sorted(wanted) if name and name not in UNVERIFIED}
        self._digests |= {name: fresh(name) for name in also}
        if self._content_md5 and len(_decoded(self._content_md5)) != 16:
            raise Refusal("InvalidDigest", "The Content-MD5 you specified is not valid.")

    def update(self, piece: bytes) -> None:
        for digest in self._digests.values():
            digest.update(piece)

    @property
    def md5(self) -> str:
        return self._digests["md5"].digest().hex()

    def settle(self, trailers: Mapping[str, str]) -> dict[str, str]:
        """The checksum headers to keep with the object, every one checked that can be. Raises Refusal."""
        if self._payload and self._digests["sha256"].digest().hex() != self._payload.lower():
            raise Refusal(
                "XAmzContentSHA256Mismatch",
                "The provided 'x-amz-content-sha256' header does not match what was computed.",
            )
        if self._content_md5 and _decoded(self._content_md5) != self._digests["md5"].digest():
            raise Refusal("BadDigest", "The Content-MD5 you specified did not match what we received.")
        given = dict(self._given)
        if self._trailer:
            if self._trailer not in trailers:
                raise Refusal("InvalidRequest", f"The trailer {self._trailer} was announced and did not come.")
            given[self._trailer.removeprefix(PREFIX)] = trailers[self._trailer]
        for name, value in given.items():
            if name in self._digests and _decoded(value) != self._digests[name].digest():
                raise Refusal("BadDigest", f"The {name.upper()} you specified did not match the calculated checksum.")
        given |= {name: encoded(self._digests[name]) for name in self._also}
        return {PREFIX + name: value for name, value in sorted(given.items())}


def encoded(digest: Digest) -> str:
    return base64.b64encode(digest.digest()).decode()


def _is_checksum(name: str) -> bool:
    return name.removeprefix(PREFIX) in {"crc32", "sha1", "sha256", *UNVERIFIED} and name.startswith(PREFIX)


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise Refusal("InvalidDigest", "A checksum of the request is not base64.") from None
