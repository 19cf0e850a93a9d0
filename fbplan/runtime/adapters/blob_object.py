"""One object of a repository, as azure-storage-blob has it."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import IO, Any

from fbplan.runtime.adapters.passing import PassingThrough
from fbplan.runtime.adapters.routers import delete_everywhere, ours_alone, refusals
from fbplan.runtime.core import Content
from fbplan.runtime.faults import NotFound
from fbplan.runtime.reference import NotAReference, Reference
from fbplan.runtime.router import Router

_OURS = frozenset({"timeout", "connection_timeout", "read_timeout", "retry_total"})
"""What the policy says instead of the caller."""


class RoutedBlob(PassingThrough):
    """A `BlobClient` whose blob goes where the policy wants; `fbplan_reference` says where that is, once it is written."""

    def __init__(self, blob: Any, router: Callable[[], Router], where: str, *, overwrite: bool) -> None:
        """`where`: a name or a reference."""
        super().__init__(blob, where)
        self._router = router
        self._overwrite = overwrite
        self.fbplan_reference: str | None = None

    @property
    def blob_name(self) -> str:
        try:
            return Reference.parse(self._where).key
        except NotAReference:
            return self._where

    def upload_blob(
        self,
        data: bytes | str | IO[bytes] | Iterable[bytes],
        blob_type: Any = None,
        length: int | None = None,
        metadata: Mapping[str, str] | None = None,
        *,
        overwrite: bool | None = None,
        encoding: str = "UTF-8",
        **stated: Any,
    ) -> dict[str, Any]:
        """`overwrite`: None is what `wrap` was told."""
        overwrites = self._overwrite if overwrite is None else overwrite
        said = {"blob_type": blob_type, "metadata": metadata}
        options = {**stated, **{name: value for name, value in said.items() if value is not None}}
        with refusals(blob_error, self._where):
            placed = self._router().put(
                self.blob_name, _content(data, encoding), size=length, overwrite=overwrites, options=options
            )
        self.fbplan_reference = self._where = str(placed.reference)
        return {**(placed.answer or {"etag": placed.reference.etag}), "fbplan_reference": self.fbplan_reference}

    def download_blob(self, offset: int | None = None, length: int | None = None, **asked: Any) -> Any:
        part = {name: value for name, value in (("offset", offset), ("length", length)) if value is not None}
        with refusals(blob_error, self._where):
            return self._router().get(self._where, options={**asked, **part}).content

    def get_blob_properties(self, **how: Any) -> Any:
        ours_alone(how, _OURS)
        with refusals(blob_error, self._where):
            return self._router().locate(self._where).head.answer

    def exists(self, **how: Any) -> bool:
        ours_alone(how, _OURS)
        with refusals(blob_error, self._where):
            try:
                self._router().locate(self._where)
            except NotFound:
                return False
        return True

    def delete_blob(self, **how: Any) -> None:
        """From every container; that there was none is no error."""
        ours_alone(how, _OURS)
        with refusals(blob_error, self._where):
            delete_everywhere(self._router(), self._where)


class _Iterated(io.RawIOBase):
    """What an iterable of bytes gives, as a stream that comes once."""

    def __init__(self, parts: Iterator[bytes]) -> None:
        super().__init__()
        self._parts = parts
        self._begun = b""

    def readable(self) -> bool:
        return True

    def readinto(self, into: memoryview) -> int:  # type: ignore[override]  # the stubs want a private Buffer type
        while not self._begun:
            part = next(self._parts, None)
            if part is None:
                return 0
            self._begun = part
        size = min(len(into), len(self._begun))
        into[:size], self._begun = self._begun[:size], self._begun[size:]
        return size


def _content(given: bytes | str | IO[bytes] | Iterable[bytes], encoding: str) -> Content:
    if isinstance(given, str):
        return given.encode(encoding)
    if isinstance(given, bytes | bytearray | memoryview) or hasattr(given, "read"):
        return given  # type: ignore[return-value]  # what can be read is a stream
    return io.BufferedReader(_Iterated(iter(given)))


def blob_error(status: int, code: str, message: str) -> Exception:
    from azure.core import exceptions

    kinds = {
        401: exceptions.ClientAuthenticationError,
        403: exceptions.ClientAuthenticationError,
        404: exceptions.ResourceNotFoundError,
        409: exceptions.ResourceExistsError,
        412: exceptions.ResourceModifiedError,
    }
    fault = kinds.get(status, exceptions.HttpResponseError)(message)
    fault.status_code = status
    fault.error_code = code  # type: ignore[attr-defined]  # the storage SDK sets it so
    return fault
