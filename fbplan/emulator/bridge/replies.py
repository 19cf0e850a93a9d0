"""What goes back to an S3 client."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from http import HTTPStatus
from typing import IO

PIECE = 256 * 1024


class Part:
    """A stretch of a file, in pieces, as WSGI sends them; the file closes with the answer."""

    def __init__(self, file: IO[bytes], start: int, length: int) -> None:
        self._file, self._left = file, length
        file.seek(start)

    def __iter__(self) -> Iterator[bytes]:
        while self._left and (piece := self._file.read(min(PIECE, self._left))):
            self._left -= len(piece)
            yield piece

    def close(self) -> None:
        self._file.close()


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer whose body is bytes or a stretch of a file. `length` speaks of a body that HEAD does not send."""

    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes | Part = b""
    length: int | None = None

    @property
    def line(self) -> str:
        return f"{self.status} {HTTPStatus(self.status).phrase}"

    @property
    def content_length(self) -> int:
        return self.length if self.length is not None else len(self.body) if isinstance(self.body, bytes) else 0

    def close(self) -> None:
        """Let go of the file of a body that will not be sent."""
        if isinstance(self.body, Part):
            self.body.close()
