"""CRC-32C, which Google's clients compare and the standard library lacks."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fbplan.emulator.bridge.checksums import Digest

POLYNOMIAL = 0x82F63B78
FULL = 0xFFFFFFFF


def crc32c() -> Digest:
    """A fresh digest: google-cloud-storage's own where that is installed, else one of some 15 MB a second."""
    try:
        import google_crc32c
    except ImportError:
        return Slow()
    fast: Digest = google_crc32c.Checksum()  # type: ignore[no-untyped-call]  # it ships half of its types
    return fast


class Slow:
    """CRC-32C a byte at a time."""

    def __init__(self) -> None:
        self._value = FULL

    def update(self, piece: bytes, /) -> None:
        table, value = _table(), self._value
        for byte in piece:
            value = table[(value ^ byte) & 0xFF] ^ (value >> 8)
        self._value = value

    def digest(self) -> bytes:
        return (self._value ^ FULL).to_bytes(4, "big")


@cache
def _table() -> tuple[int, ...]:
    table = []
    for byte in range(256):
        value = byte
        for _ in range(8):
            value = (value >> 1) ^ (POLYNOMIAL if value & 1 else 0)
        table.append(value)
    return tuple(table)
