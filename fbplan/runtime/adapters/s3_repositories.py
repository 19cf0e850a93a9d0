"""A boto3 client for which `Bucket=` names a repository: whose routers it has, and what it cannot do with them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from functools import wraps
from typing import Any

from fbplan.runtime.adapters.passing import PassingThrough, client_error, response_metadata
from fbplan.runtime.adapters.routers import Routers, refusals
from fbplan.runtime.faults import RoutingError

_POSSIBLE = (
    "put_object, get_object, head_object, delete_object, list_objects_v2, upload_file, upload_fileobj, download_file, "
    "download_fileobj, and create_multipart_upload with upload_part, complete_multipart_upload, abort_multipart_upload, "
    "list_parts"
)
_OWN = frozenset({"meta", "exceptions", "waiter_names", "can_paginate", "close"})


class OfRepositories(PassingThrough):
    """Calls that are not routed reach the client as they are, unless they name a repository: no store knows it."""

    def __init__(self, client: Any, routers: Routers, *, overwrite: bool) -> None:
        super().__init__(client, client.meta.endpoint_url)
        self._routers = routers
        self._overwrite = overwrite
        self._others: set[str] = set()

    def __getattr__(self, name: str) -> Any:
        found = super().__getattr__(name)
        return found if name.startswith("_") or name in _OWN or not callable(found) else self._checked(name, found)

    def _checked(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        """The client's own method, which refuses what would be told as NoSuchBucket, or not at all."""

        @wraps(call)
        def checked(*positional: Any, **named: Any) -> Any:
            for bucket in _buckets_in(positional, named):
                if self._is_repository(bucket):
                    raise RoutingError(
                        f"{name}: '{bucket}' is a repository, and this call cannot be routed. With a repository as "
                        f"Bucket= these can: {_POSSIBLE}. For a bucket itself use the client that was wrapped"
                    )
            return call(*positional, **named)

        return checked

    def _is_repository(self, name: str) -> bool:
        if name not in self._others:
            try:
                # a bucket of that name is as good
                return name not in self._routers.of(name).addresses
            except RoutingError:
                self._others.add(name)
        return False

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


def _buckets_in(positional: tuple[Any, ...], named: Mapping[str, Any]) -> Iterator[str]:
    """The buckets that a call of boto3 names: as itself, as the source of a copy, as what a URL is made for."""
    # `copy` and `generate_presigned_post` take it without its name, before the key
    yield from [value for value in positional if isinstance(value, str)][:1]
    for stated in (named, *(value for value in (*positional, *named.values()) if isinstance(value, Mapping))):
        source = stated.get("CopySource")
        for bucket in (stated.get("Bucket"), source.partition("/")[0] if isinstance(source, str) else None):
            if isinstance(bucket, str):
                yield bucket
