"""A multipart/related body: a document, then media that is as long as what stands before the last boundary."""

from __future__ import annotations

from email.message import Message
from typing import IO

from fbplan.emulator.bridge.refusals import Refusal

LONGEST_LINE = 16 * 1024
LARGEST_DOCUMENT = 1024 * 1024


class Media:
    """The second part of the body; its end shows when the closing boundary does."""

    def __init__(self, body: IO[bytes], closing: bytes) -> None:
        self._body, self._closing = body, closing
        self._held = b""
        self._is_whole = False

    def read(self, size: int) -> bytes:
        most = len(self._closing) + 2  # a line may end after the closing boundary
        while not self._is_whole and len(self._held) < size + most:
            piece = self._body.read(size + most - len(self._held))
            self._held += piece
            if not piece:
                self._is_whole = True
                self._held = self._ended()
        given = self._held[:size] if self._is_whole else self._held[: max(0, len(self._held) - most)]
        self._held = self._held[len(given) :]
        return given

    def _ended(self) -> bytes:
        for end in (self._closing, self._closing + b"\r\n"):
            if self._held.endswith(end):
                return self._held[: -len(end)]
        raise malformed()


def open_related(kind: str, body: IO[bytes], length: int) -> tuple[bytes, str, Media, int]:
    """The document, the type of the media, the media, and how long it is at least. Raises Refusal."""
    parsed = Message()
    parsed["content-type"] = kind
    boundary = parsed.get_boundary()
    if parsed.get_content_type() != "multipart/related" or not boundary:
        raise malformed()
    mark = b"--" + boundary.encode()
    lines = _Lines(body)
    if lines.next() != mark:
        raise malformed()
    lines.headers()
    document = b""
    while (line := lines.next()) != mark:
        document += line + b"\n"
        if len(document) > LARGEST_DOCUMENT:
            raise malformed()
    media_kind = lines.headers().get("content-type", "")
    closing = b"\r\n" + mark + b"--"
    return document, media_kind, Media(body, closing), max(0, length - lines.taken - len(closing) - 2)


class _Lines:
    """The lines at the beginning of a body, without their ends."""

    def __init__(self, body: IO[bytes]) -> None:
        self._body = body
        self.taken = 0

    def next(self) -> bytes:
        line = self._body.readline(LONGEST_LINE)
        if not line.endswith(b"\n"):
            raise malformed()
        self.taken += len(line)
        return line.rstrip(b"\r\n")

    def headers(self) -> dict[str, str]:
        found = {}
        while line := self.next().decode("latin-1"):
            name, _, value = line.partition(":")
            found[name.strip().lower()] = value.strip()
        return found


def malformed() -> Refusal:
    return Refusal("InvalidRequest", "Malformed multipart body.")
