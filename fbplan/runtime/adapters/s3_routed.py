"""A boto3 client whose buckets are repositories: the signatures and answers are boto3's, the choice is the policy's."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

from fbplan.runtime.adapters.landing import landing
from fbplan.runtime.adapters.passing import response_metadata
from fbplan.runtime.adapters.routers import delete_everywhere
from fbplan.runtime.adapters.s3_pages import enough_for, page_of
from fbplan.runtime.adapters.s3_uploads import Progress, RoutedUploads, answer_of

_CHUNK = 1024 * 1024


class Routed(RoutedUploads):
    """See `wrap`."""

    def put_object(self, *, Bucket: str, Key: str, Body: Any = b"", **options: Any) -> dict[str, Any]:
        content = Body.encode() if isinstance(Body, str) else Body
        router, size = self._routers.of(Bucket), options.pop("ContentLength", None)
        with self._refusals("PutObject", Bucket, Key):
            placed = router.put(Key, content, size=size, overwrite=self._overwrite, options=options)
        return answer_of(placed)

    def get_object(self, *, Bucket: str, Key: str, **options: Any) -> dict[str, Any]:
        with self._refusals("GetObject", Bucket, Key):
            return dict(self._routers.of(Bucket).get(Key, options=options).head.answer)

    def head_object(self, *, Bucket: str, Key: str, **options: Any) -> dict[str, Any]:
        if options:
            # a HEAD with conditions is for one object that is known to be there
            return self._head_with(Bucket, Key, options)
        with self._refusals("HeadObject", Bucket, Key):
            return dict(self._routers.of(Bucket).locate(Key).head.answer)

    def delete_object(self, *, Bucket: str, Key: str) -> dict[str, Any]:
        with self._refusals("DeleteObject", Bucket, Key):
            delete_everywhere(self._routers.of(Bucket), Key)
        return {"ResponseMetadata": response_metadata(204)}

    def list_objects_v2(self, *, Bucket: str, Prefix: str = "", **options: Any) -> dict[str, Any]:
        with self._refusals("ListObjectsV2", Bucket, Prefix):
            listing = self._routers.of(Bucket).list(Prefix, options=enough_for(options))
        page = page_of(listing, Bucket, Prefix, options)
        return {**page, "ResponseMetadata": response_metadata(200)}

    def get_paginator(self, operation_name: str) -> Any:
        """boto3's paginator; that of list_objects_v2 goes over every bucket of the repository."""
        paginator = self._client.get_paginator(operation_name)
        paginator._method = getattr(self, operation_name)  # noqa: SLF001 -- what botocore's own constructor does with it
        return paginator

    def get_waiter(self, waiter_name: str) -> Any:
        """boto3's waiter, which asks this client: an object may come to be in any bucket."""
        return type(self._client).get_waiter(self, waiter_name)

    def download_fileobj(
        self,
        Bucket: str,
        Key: str,
        Fileobj: IO[bytes],
        ExtraArgs: Mapping[str, Any] | None = None,
        Callback: Progress | None = None,
        Config: Any = None,  # noqa: ARG002 -- see upload_fileobj
    ) -> None:
        body = self.get_object(Bucket=Bucket, Key=Key, **(ExtraArgs or {}))["Body"]
        for chunk in body.iter_chunks(_CHUNK):
            Fileobj.write(chunk)
            if Callback is not None:
                Callback(len(chunk))

    def download_file(
        self,
        Bucket: str,
        Key: str,
        Filename: str | Path,
        ExtraArgs: Mapping[str, Any] | None = None,
        Callback: Progress | None = None,
        Config: Any = None,
    ) -> None:
        with landing(Path(Filename)) as file:
            self.download_fileobj(Bucket, Key, file, ExtraArgs, Callback, Config)

    def _head_with(self, repository: str, key: str, options: dict[str, Any]) -> dict[str, Any]:
        with self._refusals("HeadObject", repository, key):
            got = self._routers.of(repository).get(key, options=options)
        answer = dict(got.head.answer)
        answer.pop("Body").close()
        return answer
