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

    def write(self, content: bytes, tag: str | None) -> str | None:
        """Replace it if it is still the one with `tag` (None: if there is none); None when it is not.

        Raises FbplanError; then what stood there still stands.
        """
        return self.calls.put(self.key, content, tag)
