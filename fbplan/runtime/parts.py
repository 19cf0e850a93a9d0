"""Objects in parts: what a transport needs beside `Transport` to send them, and how a body is cut."""

from collections.abc import Iterator, Mapping, Sequence
from typing import IO, Any, NamedTuple, Protocol

from fbplan.runtime.transport import Place, Stored

MOST = 10_000
"""How many parts an object may have: S3's number."""


class Begun(NamedTuple):
    """An upload that a store began: its id there, and the SDK's own answer."""

    id: str
    answer: Any = None


class PartsTransport(Protocol):
    """One request each, and TransportFailure for everything that is no success, as in `Transport`.

    `upload` is the store's own id. A part may be sent again under its number. `write_once` asks the store to refuse a
    key that is there when the parts are joined.
    """

    def begin_upload(
        self, place: Place, key: str, *, metadata: Mapping[str, str], timeout_ms: int, options: Mapping[str, Any]
    ) -> Begun: ...

    def put_part(
        self,
        place: Place,
        key: str,
        body: bytes | IO[bytes],
        *,
        upload: str,
        number: int,
        size: int,
        timeout_ms: int,
        options: Mapping[str, Any],
    ) -> Stored: ...

    def complete_upload(
        self,
        place: Place,
        key: str,
        *,
        upload: str,
        parts: Sequence[Mapping[str, Any]],
        write_once: bool,
        timeout_ms: int,
        options: Mapping[str, Any],
    ) -> Stored: ...

    def abort_upload(self, place: Place, key: str, *, upload: str, timeout_ms: int) -> None: ...

    def list_parts(
        self, place: Place, key: str, *, upload: str, timeout_ms: int, options: Mapping[str, Any]
    ) -> Mapping[str, Any]: ...


def sliced(content: bytes | IO[bytes], part_size: int) -> Iterator[bytes]:
    """The content in pieces of that size; at least one, the last may be shorter."""
    if isinstance(content, bytes):
        yield from (content[at : at + part_size] for at in range(0, max(1, len(content)), part_size))
        return
    piece = read_up_to(content, part_size)
    yield piece
    while len(piece) == part_size:
        piece = read_up_to(content, part_size)
        if piece:
            yield piece


def read_up_to(stream: IO[bytes], size: int) -> bytes:
    """So many bytes, fewer only at the end: a raw stream may give less than it is asked for."""
    pieces, left = [], size
    while left:
        piece = stream.read(left)
        if not piece:
            break
        if not isinstance(piece, bytes):
            raise TypeError("the body is text; open the file in binary mode")
        pieces.append(piece)
        left -= len(piece)
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)
