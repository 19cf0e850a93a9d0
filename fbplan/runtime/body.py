"""What is to be written, in a form that can be sent again, or that says that it cannot."""

import io
from collections.abc import Iterator
from typing import IO, NamedTuple

_CHUNK = 1024 * 1024


class Chained(io.RawIOBase):
    """What was read of a stream already, and then the rest of it. Cannot be rewound."""

    def __init__(self, begun: bytes, rest: IO[bytes]) -> None:
        super().__init__()
        self._begun = memoryview(begun)
        self._rest = rest

    def readable(self) -> bool:
        return True

    def readinto(self, into: memoryview) -> int:  # type: ignore[override]  # the stubs want a private Buffer type
        found = bytes(self._begun[: len(into)]) or self._rest.read(len(into)) or b""
        self._begun = self._begun[len(into) :]
        into[: len(found)] = found
        return len(found)


class Body(NamedTuple):
    """`sha256` None: it is not known before the body is sent."""

    content: bytes | IO[bytes]
    size: int
    is_repeatable: bool
    sha256: str | None
    starts: int = 0

    def opened(self) -> bytes | IO[bytes]:
        """The content at its beginning."""
        if not isinstance(self.content, bytes) and self.is_repeatable:
            self.content.seek(self.starts)
        return self.content


def body_of(content: bytes | bytearray | memoryview | IO[bytes], size: int | None, spool_limit: int) -> Body:
    """A body from bytes or from a stream of them.

    A stream that cannot seek is held in memory up to `spool_limit` bytes; a longer one is sent at most once, and its
    `size` must be given, because bytes are counted before they are sent. Raises ValueError.
    """
    import hashlib

    if isinstance(content, bytes | bytearray | memoryview):
        return _held(bytes(content), size)
    if content.seekable():
        starts = content.tell()
        length = content.seek(0, io.SEEK_END) - starts
        content.seek(starts)
        hashed = hashlib.sha256()
        for chunk in _chunks(content):
            hashed.update(chunk)
        return Body(content, _agreed(length, size), is_repeatable=True, sha256=hashed.hexdigest(), starts=starts)
    begun = b"".join(_chunks(content, spool_limit + 1))
    if len(begun) <= spool_limit:
        return _held(begun, size)
    if size is None:
        raise ValueError(f"a stream of more than {spool_limit} bytes that cannot seek needs its size")
    rest = io.BufferedReader(Chained(begun, content))
    return Body(rest, size, is_repeatable=False, sha256=None)


def _held(content: bytes, size: int | None) -> Body:
    import hashlib

    return Body(content, _agreed(len(content), size), is_repeatable=True, sha256=hashlib.sha256(content).hexdigest())


def _agreed(length: int, size: int | None) -> int:
    if size is not None and size != length:
        raise ValueError(f"the size is given as {size}, but the body has {length} bytes")
    return length


def _chunks(stream: IO[bytes], most: int | None = None) -> Iterator[bytes]:
    left = most
    while left is None or left > 0:
        chunk = stream.read(_CHUNK if left is None else min(left, _CHUNK))
        if not chunk:
            return
        if not isinstance(chunk, bytes):
            raise TypeError("the body is text; open the file in binary mode")
        left = None if left is None else left - len(chunk)
        yield chunk
