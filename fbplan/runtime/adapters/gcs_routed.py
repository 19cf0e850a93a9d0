"""A google-cloud-storage client whose buckets are repositories: see `wrap`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fbplan.runtime.adapters.gcs_object import OURS, RoutedGcsBlob, gcs_error
from fbplan.runtime.adapters.listed import Listed, listed
from fbplan.runtime.adapters.passing import PassingThrough
from fbplan.runtime.adapters.routers import Routers, ours_alone, refusals
from fbplan.runtime.faults import NotFound
from fbplan.runtime.finding import Placed
from fbplan.runtime.reference import Reference
from fbplan.runtime.router import Router


class RoutedGcs(PassingThrough):
    """`bucket(REPOSITORY)` is routed. Everything else, and every other way to a bucket, is the client's own."""

    def __init__(self, client: Any, routers: Routers, *, overwrite: bool) -> None:
        super().__init__(client, client.api_endpoint)
        self._routers = routers
        self._overwrite = overwrite

    def bucket(self, bucket_name: str) -> RoutedGcsBucket:
        def router() -> Router:
            return self._routers.of(bucket_name)

        return RoutedGcsBucket(self._client.bucket(bucket_name), router, overwrite=self._overwrite)

    def get_bucket(self, bucket_or_name: Any, **_how: Any) -> RoutedGcsBucket:
        """Asks nobody: a repository is no bucket that could be there or not."""
        return self.bucket(getattr(bucket_or_name, "name", bucket_or_name))

    def list_blobs(self, bucket_or_name: Any, max_results: int | None = None, **asked: Any) -> Listed:
        return self.get_bucket(bucket_or_name).list_blobs(max_results, **asked)


class RoutedGcsBucket(PassingThrough):
    """A repository where the SDK has a bucket."""

    def __init__(self, bucket: Any, router: Callable[[], Router], *, overwrite: bool) -> None:
        super().__init__(bucket, bucket.name)
        self._router = router
        self._overwrite = overwrite

    def blob(self, blob_name: str, **stated: Any) -> RoutedGcsBlob:
        return self._routed(self._client.blob(blob_name, **stated), blob_name)

    def get_blob(self, blob_name: str, **how: Any) -> RoutedGcsBlob | None:
        ours_alone(how, OURS)
        with refusals(gcs_error, f"{self._client.name}/{blob_name}"):
            try:
                located = self._router().locate(blob_name)
            except NotFound:
                return None
        return self._routed(located.head.answer, blob_name)

    def delete_blob(self, blob_name: str, **how: Any) -> None:
        self.blob(blob_name).delete(**how)

    def list_blobs(
        self,
        max_results: int | None = None,
        *,
        prefix: str | None = None,
        delimiter: str | None = None,
        **asked: Any,
    ) -> Listed:
        """The blobs of every bucket, each with its reference; `prefixes` where there is a delimiter."""
        if asked.pop("page_token", None) is not None:
            raise TypeError("a listing over several buckets is one page and takes no page_token")
        name = self._client.name
        # of each bucket as many as of all, unless a group may stand for any number
        wanted = asked if delimiter else {**asked, "max_results": max_results}
        options = {key: value for key, value in wanted.items() if key not in OURS and value is not None}
        with refusals(gcs_error, f"{name}/{prefix or ''}"):
            listing = self._router().list(prefix or "", options=options)

        def shown(placed: Placed) -> RoutedGcsBlob:
            entry = placed.entry
            reference = Reference(name, placed.bucket, entry.key, entry.etag)
            return self._routed(entry.answer, str(reference), reference)

        return listed(listing, shown, prefix or "", delimiter or "", max_results)

    def _routed(self, blob: Any, where: str, reference: Reference | None = None) -> RoutedGcsBlob:
        return RoutedGcsBlob(blob, self._router, where, reference, overwrite=self._overwrite)
