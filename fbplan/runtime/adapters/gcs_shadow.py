"""A google-cloud-storage client that does what it is told, and tells what the policy would have done."""

from __future__ import annotations

from pathlib import Path
from typing import IO, Any

from fbplan.runtime.adapters.passing import PassingThrough, SettingThrough
from fbplan.runtime.adapters.rehearsal import Rehearsal, size_of
from fbplan.runtime.router import Router


class GcsShadow(PassingThrough):
    """The caller's client, and beside it what the policy would have done."""

    def __init__(self, client: Any, router: Router) -> None:
        super().__init__(client, client.api_endpoint)
        self._rehearsal = Rehearsal(router)

    def bucket(self, *named: Any, **stated: Any) -> _Bucket:
        return _Bucket(self._client.bucket(*named, **stated), self._rehearsal)

    def get_bucket(self, *named: Any, **stated: Any) -> _Bucket:
        return _Bucket(self._client.get_bucket(*named, **stated), self._rehearsal)


class _Bucket(SettingThrough):
    def __init__(self, bucket: Any, rehearsal: Rehearsal) -> None:
        super().__init__(bucket, bucket.name)
        self._rehearsal = rehearsal

    def blob(self, *named: Any, **stated: Any) -> _Blob:
        return _Blob(self._client.blob(*named, **stated), self._where, self._rehearsal)


class _Blob(SettingThrough):
    def __init__(self, blob: Any, bucket: str, rehearsal: Rehearsal) -> None:
        super().__init__(blob, bucket)
        self._rehearsal = rehearsal

    def upload_from_file(
        self, file_obj: IO[bytes], rewind: bool = False, size: int | None = None, **stated: Any
    ) -> Any:
        if rewind:
            file_obj.seek(0)
        self._rehearsal.tell(self._where, size_of(file_obj, size))
        return self._client.upload_from_file(file_obj, size=size, **stated)

    def upload_from_filename(self, filename: str | Path, *rest: Any, **stated: Any) -> Any:
        path = Path(filename)
        self._rehearsal.tell(self._where, path.stat().st_size if path.is_file() else 0)
        return self._client.upload_from_filename(str(filename), *rest, **stated)

    def upload_from_string(self, data: str | bytes, *rest: Any, **stated: Any) -> Any:
        self._rehearsal.tell(self._where, size_of(data))
        return self._client.upload_from_string(data, *rest, **stated)
