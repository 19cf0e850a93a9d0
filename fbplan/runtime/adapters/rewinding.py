"""A body for SDKs that read from it before they know whether anybody is there to take it."""

from __future__ import annotations

from typing import IO, Any


class Rewinding:
    """Gives the body where it begins, each time it is asked for; notices when that can be done no more."""

    def __init__(self, body: bytes | IO[bytes]) -> None:
        self._body: Any = body
        self._starts: int | None = None
        if not isinstance(body, bytes):
            if body.seekable():
                self._starts = body.tell()
            else:
                self._body = _Noticed(body)

    def opened(self) -> Any:
        if self._starts is not None:
            self._body.seek(self._starts)
        return self._body

    def is_spent(self) -> bool:
        """Whether something was taken from a body that cannot be rewound."""
        return isinstance(self._body, _Noticed) and self._body.was_read


class _Noticed:
    """A stream that comes once."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self.was_read = False

    def read(self, size: int = -1) -> bytes:
        self.was_read = True
        return self._stream.read(size)
