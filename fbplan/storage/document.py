"""One object at a URL, read and replaced whole: what is published for others to read."""

from __future__ import annotations

from dataclasses import dataclass

from fbplan.storage.base import Blob
from fbplan.storage.object_calls import Calls


@dataclass(frozen=True, slots=True)
class Document:
    """An object in a bucket. Opening it asks nothing of the network."""

    calls: Calls
    label: str
    key: str

    def read(self) -> Blob | None:
        """The object; None when there is none. Raises FbplanError, also when there is no bucket."""
        return self.calls.get(self.key)

    def require_writable(self) -> None:
        """Find out whether `write` could, and change nothing. Raises FbplanError.

        It takes the rights that reading and writing this one object take, and no others: what stands there is sent
        under a condition that no object meets. An object of its own would need a right to remove it, and to write it
        anew would make a new version of it, an event, and every reader read it again.
        """
        stands = self.read()
        if not self.calls.would_write(self.key, b"{}" if stands is None else stands.content) and stands is None:
            self.calls.delete([self.key])  # the store ignores conditions

    def write(self, content: bytes, tag: str | None) -> str | None:
        """Replace it if it is still the one with `tag` (None: if there is none); None when it is not.

        Raises FbplanError; then what stood there still stands.
        """
        return self.calls.put(self.key, content, tag)
