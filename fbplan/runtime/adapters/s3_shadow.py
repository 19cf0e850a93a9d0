"""A boto3 client that does what it is told, and tells what the policy would have done."""

from __future__ import annotations

from pathlib import Path
from typing import IO, Any

from fbplan.runtime.adapters.passing import PassingThrough
from fbplan.runtime.adapters.rehearsal import Rehearsal, size_of
from fbplan.runtime.router import Router


class Shadow(PassingThrough):
    """The caller's client, and beside it what the policy would have done."""

    def __init__(self, client: Any, router: Router) -> None:
        super().__init__(client, client.meta.endpoint_url)
        self._rehearsal = Rehearsal(router)

    def put_object(self, *, Bucket: str, **parameters: Any) -> Any:
        size = size_of(parameters.get("Body", b""), parameters.get("ContentLength"))
        self._rehearsal.tell(Bucket, size)
        return self._client.put_object(Bucket=Bucket, **parameters)

    def upload_fileobj(self, Fileobj: IO[bytes], Bucket: str, Key: str, *rest: Any, **named: Any) -> Any:
        self._rehearsal.tell(Bucket, size_of(Fileobj))
        return self._client.upload_fileobj(Fileobj, Bucket, Key, *rest, **named)

    def upload_file(self, Filename: str | Path, Bucket: str, Key: str, *rest: Any, **named: Any) -> Any:
        path = Path(Filename)
        self._rehearsal.tell(Bucket, path.stat().st_size if path.is_file() else 0)
        return self._client.upload_file(str(Filename), Bucket, Key, *rest, **named)
