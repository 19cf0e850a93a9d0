"""Where a policy is published: a file, or an object that every reader can poll."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from typing_extensions import override

from fbplan.errors import FbplanError
from fbplan.kinds.base import Json
from fbplan.policy.published import Published, publish, read_published, read_trusted, require_publishable, text_of
from fbplan.policy.reading import read_bytes
from fbplan.storage import is_url, open_document
from fbplan.storage.document import Document

DEFAULT = "routing-policy.json"


class Place(ABC):
    """One policy's home. Opening it asks nothing."""

    label: str
    """The path or URL, for people."""

    @abstractmethod
    def content(self) -> bytes | None:
        """What stands there, None for nothing. Raises OSError and NotAPolicy for a file, FbplanError for an object."""

    @abstractmethod
    def read(self) -> Published:
        """The published document, nothing, or a problem with it.

        Raises FbplanError when an object store does not say which: unlike a file that cannot be read, that passes.
        """

    @abstractmethod
    def require_publishable(self) -> None:
        """Find out as far as possible whether `publish` could, and change nothing. Raises FbplanError."""

    @abstractmethod
    def publish(self, document: Mapping[str, Json]) -> None:
        """Make `document` the published policy; after a failure the old one stands. Raises FbplanError."""


def place_of(location: str, folder: Path) -> Place:
    """The home that the spec names; relative paths count from `folder`. Raises UsageFault for a URL of no use."""
    if is_url(location):
        return ObjectPlace(open_document(location, "the policy's URL cannot be used", "policy.path"))
    return FilePlace(folder / location)


@dataclass(frozen=True, slots=True)
class FilePlace(Place):
    path: Path

    @property
    def label(self) -> str:  # type: ignore[override]  # read only
        return str(self.path)

    @override
    def content(self) -> bytes | None:
        return read_bytes(self.path)

    @override
    def read(self) -> Published:
        return read_published(self.path)

    @override
    def require_publishable(self) -> None:
        require_publishable(self.path)

    @override
    def publish(self, document: Mapping[str, Json]) -> None:
        publish(self.path, document)


@dataclass(frozen=True, slots=True)
class ObjectPlace(Place):
    document: Document

    @property
    def label(self) -> str:  # type: ignore[override]  # read only
        return self.document.label

    @override
    def content(self) -> bytes | None:
        found = self.document.read()
        return None if found is None else found.content

    @override
    def read(self) -> Published:
        content = self.content()
        return Published(None, None) if content is None else read_trusted(content)

    @override
    def require_publishable(self) -> None:
        try:
            self.document.require_writable()
        except FbplanError as fault:
            raise type(fault)(
                "the routing policy could not be published, so nothing was begun",
                fault.where,
                f"{fault.what}: {fault.why}",
                fault.next,
            ) from fault

    @override
    def publish(self, document: Mapping[str, Json]) -> None:
        before = self.document.read()
        written = self.document.write(text_of(document).encode(), None if before is None else before.tag)
        if written is None:
            raise FbplanError(
                "the routing policy was not published; what stands there is somebody else's",
                self.label,
                "it was written since this apply looked",
                "see what else publishes there, then run: fbplan plan",
            )
        found = self.read()
        if found.document != document:
            raise FbplanError(
                "the routing policy was published, but may not last",
                self.label,
                f"what was written reads back differently: {found.problem or 'another document'}",
                "see what else writes there, then run: fbplan plan",
            )
