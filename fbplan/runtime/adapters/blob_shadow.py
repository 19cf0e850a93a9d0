"""An azure-storage-blob client that does what it is told, and tells what the policy would have done."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fbplan.runtime.adapters.blob import endpoint_of
from fbplan.runtime.adapters.passing import PassingThrough
from fbplan.runtime.adapters.rehearsal import Rehearsal, size_of
from fbplan.runtime.router import Router


class BlobShadow(PassingThrough):
    """The caller's client, and beside it what the policy would have done."""

    def __init__(self, client: Any, router: Router) -> None:
        super().__init__(client, endpoint_of(client))
        self._rehearsal = Rehearsal(router)

    def get_container_client(self, *named: Any, **stated: Any) -> _Container:
        return _Container(self._client.get_container_client(*named, **stated), self._rehearsal)

    def get_blob_client(self, *named: Any, **stated: Any) -> _Blob:
        return _Blob(self._client.get_blob_client(*named, **stated), self._rehearsal)


class _Container(PassingThrough):
    def __init__(self, container: Any, rehearsal: Rehearsal) -> None:
        super().__init__(container, container.container_name)
        self._rehearsal = rehearsal

    def get_blob_client(self, *named: Any, **stated: Any) -> _Blob:
        return _Blob(self._client.get_blob_client(*named, **stated), self._rehearsal)

    def upload_blob(self, name: str, data: Any, *rest: Any, **stated: Any) -> Any:
        self._rehearsal.tell(self._where, size_of(data, _length(rest, stated)))
        return self._client.upload_blob(name, data, *rest, **stated)


class _Blob(PassingThrough):
    def __init__(self, blob: Any, rehearsal: Rehearsal) -> None:
        super().__init__(blob, blob.container_name)
        self._rehearsal = rehearsal

    def upload_blob(self, data: Any, *rest: Any, **stated: Any) -> Any:
        self._rehearsal.tell(self._where, size_of(data, _length(rest, stated)))
        return self._client.upload_blob(data, *rest, **stated)


def _length(rest: Sequence[Any], stated: Mapping[str, Any]) -> int | None:
    """The third of upload_blob's parameters, however it was given."""
    given: int | None = rest[1] if len(rest) > 1 else stated.get("length")
    return given
