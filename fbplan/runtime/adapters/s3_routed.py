"""A boto3 client whose buckets are repositories: the signatures and answers are boto3's, the choice is the policy's."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import IO, Any

from fbplan.runtime.adapters.landing import landing
from fbplan.runtime.adapters.passing import PassingThrough, client_error, response_metadata
from fbplan.runtime.adapters.routers import Routers, delete_everywhere, refusals
from fbplan.runtime.adapters.s3_pages import enough_for, page_of

_CHUNK = 1024 * 1024
Progress = Callable[[int], object]


class Routed(PassingThrough):
    """See `wrap`."""

    def __init__(self, client: Any, routers: Routers, *, overwrite: bool) -> None:
        super().__init__(client, client.meta.endpoint_url)
        self._routers = routers
        self._overwrite = overwrite

    def put_object(self, *, Bucket: str, Key: str, Body: Any = b"", **options: Any) -> dict[str, Any]:
        content = Body.encode() if isinstance(Body, str) else Body
        router, size = self._routers.of(Bucket), options.pop("ContentLength", None)
        with self._refusals("PutObject", Bucket, Key):
            placed = router.put(Key, content, size=size, overwrite=self._overwrite, options=options)
        answer = dict(placed.answer or {"ETag": placed.reference.etag, "ResponseMetadata": response_metadata(200)})
        return {**answer, "FbplanReference": str(placed.reference)}

    def upload_fileobj(
        self,
        Fileobj: IO[bytes],
        Bucket: str,
        Key: str,
        ExtraArgs: Mapping[str, Any] | None = None,
        Callback: Progress | None = None,
        Config: Any = None,  # noqa: ARG002 -- boto3's, about parts: here an upload is one request
    ) -> dict[str, Any]:
        begins = Fileobj.tell() if Callback is not None and Fileobj.seekable() else 0
        answer = self.put_object(Bucket=Bucket, Key=Key, Body=Fileobj, **(ExtraArgs or {}))
        if Callback is not None and Fileobj.seekable():
            Callback(Fileobj.tell() - begins)
        return answer

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
        if operation_name == "list_objects_v2":
            paginator._method = self.list_objects_v2  # noqa: SLF001 -- what botocore's own constructor does with it
        return paginator

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

    def _refusals(self, operation: str, repository: str, key: str) -> AbstractContextManager[None]:
        """What a store says of the request itself, as boto3 says it."""

        def error(status: int, code: str, message: str) -> Exception:
            if (operation, status) != ("GetObject", 404):
                return client_error(operation, status, code, message)
            known = {"Error": {"Code": "NoSuchKey", "Message": message, "Key": key}}
            fault: Exception = self._client.exceptions.NoSuchKey(
                {**known, "ResponseMetadata": response_metadata(404)}, operation
            )
            return fault

        return refusals(error, f"{repository}/{key}")
