"""Multipart uploads through boto3: one request for each call."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import IO, Any, TypeVar

from fbplan.runtime.parts import Begun
from fbplan.runtime.transport import Place, Stored

_T = TypeVar("_T")


class S3Parts:
    """The half of `S3Transport` that is a `PartsTransport`."""

    def begin_upload(
        self, place: Place, key: str, *, metadata: Mapping[str, str], timeout_ms: int, options: Mapping[str, Any]
    ) -> Begun:
        wanted = {
            **options,
            "Bucket": place.address,
            "Key": key,
            "Metadata": {**options.get("Metadata", {}), **metadata},
        }
        answer = self._ask(
            place, timeout_ms, lambda client: client.create_multipart_upload(**wanted), is_repeatable=False
        )
        return Begun(answer["UploadId"], answer)

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
    ) -> Stored:
        sent, signs_body = sendable(body, size)
        wanted = {**_named(place, key, upload, options), "PartNumber": number, "Body": sent, "ContentLength": size}
        answer = self._ask(
            place,
            timeout_ms,
            lambda client: client.upload_part(**wanted),
            signs_body=signs_body,
            is_repeatable=False,
        )
        return Stored(answer.get("ETag"), answer)

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
    ) -> Stored:
        wanted = {**_named(place, key, upload, options), "MultipartUpload": {"Parts": list(parts)}}
        if write_once:
            wanted["IfNoneMatch"] = "*"
        answer = self._ask(
            place, timeout_ms, lambda client: client.complete_multipart_upload(**wanted), is_repeatable=False
        )
        return Stored(answer.get("ETag"), answer)

    def abort_upload(self, place: Place, key: str, *, upload: str, timeout_ms: int) -> None:
        wanted = _named(place, key, upload)
        self._ask(place, timeout_ms, lambda client: client.abort_multipart_upload(**wanted))

    def list_parts(
        self, place: Place, key: str, *, upload: str, timeout_ms: int, options: Mapping[str, Any]
    ) -> Mapping[str, Any]:
        wanted = _named(place, key, upload, options)
        answer: Mapping[str, Any] = self._ask(place, timeout_ms, lambda client: client.list_parts(**wanted))
        return answer

    @abstractmethod
    def _ask(
        self,
        place: Place,
        timeout_ms: int,
        call: Callable[[Any], _T],
        *,
        signs_body: bool = ...,
        is_repeatable: bool = ...,
    ) -> _T: ...


def _named(place: Place, key: str, upload: str, options: Mapping[str, Any] | None = None) -> dict[str, Any]:
    return {**(options or {}), "Bucket": place.address, "Key": key, "UploadId": upload}


def sendable(body: bytes | IO[bytes], size: int) -> tuple[bytes | IO[bytes] | _Once, bool]:
    """A body as the SDK may have it, and whether it can be signed."""
    if isinstance(body, bytes) or body.seekable():
        return body, True
    return _Once(body, size), False


class _Once:
    """A stream that the SDK must not try to rewind, and whose length it may know."""

    def __init__(self, stream: IO[bytes], size: int) -> None:
        self._stream = stream
        self._size = size

    def __len__(self) -> int:
        return self._size

    def read(self, size: int = -1) -> bytes:
        return self._stream.read(size)
