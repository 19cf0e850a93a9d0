"""Uploads of a routed boto3 client: files of any size, and multipart uploads step by step."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, Any

from fbplan.runtime.adapters.passing import response_metadata
from fbplan.runtime.adapters.s3_repositories import OfRepositories
from fbplan.runtime.body import Chained
from fbplan.runtime.core import Placement
from fbplan.runtime.faults import RoutingError
from fbplan.runtime.parts import read_up_to
from fbplan.runtime.upload import NotAnUpload, Upload
from fbplan.runtime.whole import PART_SIZE, Manner

Progress = Callable[[int], object]
_LONGEST_PUT = 5 * 1024**3
"""S3's limit for one request."""
_SMALLEST_PART = 5 * 1024**2
"""S3's limit for every part but the last."""
_CONNECTIONS = 10
_ENCRYPTED = frozenset({"SSECustomerKey", "SSECustomerAlgorithm", "SSECustomerKeyMD5"})
_EVERYWHERE = _ENCRYPTED | {"RequestPayer", "ExpectedBucketOwner"}
_WITH_PART = _EVERYWHERE | {"ChecksumAlgorithm"}
_ONLY_AT_END = frozenset({"MpuObjectSize", "IfNoneMatch", "IfMatch"})
_AT_END = _EVERYWHERE | _ONLY_AT_END | {"ChecksumType"}
_SUM = "Checksum"
_NO_SUMS = frozenset({"ChecksumAlgorithm", "ChecksumType"})


class RoutedUploads(OfRepositories):
    """What boto3 calls managed transfers, and the calls of which it makes them."""

    def upload_fileobj(
        self,
        Fileobj: IO[bytes],
        Bucket: str,
        Key: str,
        ExtraArgs: Mapping[str, Any] | None = None,
        Callback: Progress | None = None,
        Config: Any = None,
    ) -> dict[str, Any]:
        """From `multipart_threshold` of the Config on (8 MB) in parts, with its chunk size and concurrency."""
        router, options = self._routers.of(Bucket), dict(ExtraArgs or {})
        content, length = _measured(Fileobj, min(getattr(Config, "multipart_threshold", PART_SIZE), _LONGEST_PUT))
        progress: Progress = Callback if Callback is not None else lambda _sent: None
        with self._refusals("PutObject", Bucket, Key):
            if length is None:
                placed = router.uploads.put(Key, content, manner=self._manner(Config, options, progress))
            else:
                placed = router.put(Key, content, overwrite=self._overwrite, options=options)
                progress(length)
        return answer_of(placed)

    def upload_file(
        self,
        Filename: str | Path,
        Bucket: str,
        Key: str,
        ExtraArgs: Mapping[str, Any] | None = None,
        Callback: Progress | None = None,
        Config: Any = None,
    ) -> dict[str, Any]:
        with Path(Filename).open("rb") as file:
            return self.upload_fileobj(file, Bucket, Key, ExtraArgs, Callback, Config)

    def create_multipart_upload(self, *, Bucket: str, Key: str, **options: Any) -> dict[str, Any]:
        """Any process can go on with the UploadId of the answer, which says where the upload is."""
        router = self._routers.of(Bucket)
        with self._refusals("CreateMultipartUpload", Bucket, Key):
            upload, answer = router.uploads.begin(Key, overwrite=self._overwrite, options=options)
        return {**answer, "Bucket": Bucket, "Key": Key, "UploadId": str(upload)}

    def upload_part(
        self, *, Bucket: str, Key: str, UploadId: str, PartNumber: int, Body: Any = b"", **options: Any
    ) -> dict[str, Any]:
        router, upload, size = self._routers.of(Bucket), _upload(UploadId), options.pop("ContentLength", None)
        content = Body.encode() if isinstance(Body, str) else Body
        with self._refusals("UploadPart", Bucket, Key):
            sent = router.uploads.part(upload, Key, PartNumber, content, size=size, options=options)
        return dict(sent.answer)

    def complete_multipart_upload(
        self, *, Bucket: str, Key: str, UploadId: str, MultipartUpload: Mapping[str, Any] | None = None, **options: Any
    ) -> dict[str, Any]:
        router, upload = self._routers.of(Bucket), _upload(UploadId)
        parts = (MultipartUpload or {}).get("Parts", [])
        with self._refusals("CompleteMultipartUpload", Bucket, Key):
            placed = router.uploads.complete(upload, Key, parts, overwrite=self._overwrite, options=options)
        return {**answer_of(placed), "Bucket": Bucket, "Key": Key}

    def abort_multipart_upload(self, *, Bucket: str, Key: str, UploadId: str) -> dict[str, Any]:
        router, upload = self._routers.of(Bucket), _upload(UploadId)
        with self._refusals("AbortMultipartUpload", Bucket, Key):
            router.uploads.abort(upload, Key)
        return {"ResponseMetadata": response_metadata(204)}

    def list_parts(self, *, Bucket: str, Key: str, UploadId: str, **options: Any) -> dict[str, Any]:
        router, upload = self._routers.of(Bucket), _upload(UploadId)
        with self._refusals("ListParts", Bucket, Key):
            answer = router.uploads.parts(upload, Key, options=options)
        return {**answer, "Bucket": Bucket, "Key": Key, "UploadId": UploadId}

    def _manner(self, config: Any, options: Mapping[str, Any], progress: Progress) -> Manner:
        """`ExtraArgs` sorted as boto3 sorts them: what goes with which call."""
        connections = getattr(config, "max_concurrency", _CONNECTIONS) if getattr(config, "use_threads", True) else 1
        whole_sums = {name for name in options if name.startswith(_SUM)} - _NO_SUMS
        begin = {name: value for name, value in options.items() if name not in whole_sums | _ONLY_AT_END}
        for name in whole_sums:
            begin |= {"ChecksumType": "FULL_OBJECT", "ChecksumAlgorithm": name.removeprefix(_SUM)}
        return Manner(
            part_size=max(getattr(config, "multipart_chunksize", PART_SIZE), _SMALLEST_PART),
            together=connections,
            overwrite=self._overwrite,
            options=begin,
            part_options={name: value for name, value in begin.items() if name in _WITH_PART},
            end_options={name: value for name, value in {**options, **begin}.items() if name in _AT_END | whole_sums},
            progress=progress,
        )


def _measured(stream: IO[bytes], threshold: int) -> tuple[bytes | IO[bytes], int | None]:
    """The content at its beginning, and its length; None when it has `threshold` bytes or more."""
    if stream.seekable():
        begins = stream.tell()
        length = stream.seek(0, os.SEEK_END) - begins
        stream.seek(begins)
        return stream, length if length < threshold else None
    held = read_up_to(stream, threshold)
    return (held, len(held)) if len(held) < threshold else (io.BufferedReader(Chained(held, stream)), None)


def _upload(upload_id: str) -> Upload:
    try:
        return Upload.parse(upload_id)
    except NotAnUpload as fault:
        raise RoutingError(f"{fault}; for an upload in a bucket itself use the client that was wrapped") from None


def answer_of(placed: Placement) -> dict[str, Any]:
    answer = placed.answer or {"ETag": placed.reference.etag, "ResponseMetadata": response_metadata(200)}
    return {**answer, "FbplanReference": str(placed.reference)}
