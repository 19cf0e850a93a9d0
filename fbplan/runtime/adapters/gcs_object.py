"""One object of a repository, as google-cloud-storage has it."""

from __future__ import annotations

import mimetypes
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, Any

from fbplan.runtime.adapters.gcs import PROPERTIES
from fbplan.runtime.adapters.landing import landing
from fbplan.runtime.adapters.passing import SettingThrough
from fbplan.runtime.adapters.routers import delete_everywhere, ours_alone, refusals
from fbplan.runtime.core import Content, Placement
from fbplan.runtime.faults import NotFound
from fbplan.runtime.reference import NotAReference, Reference
from fbplan.runtime.router import Router

_CHUNK = 1024 * 1024
OURS = frozenset({"client", "timeout", "retry"})
"""What the policy says instead of the caller."""


class RoutedGcsBlob(SettingThrough):
    """A `Blob` that goes where the policy wants. Once it is written, or was found, what passes through is about the
    object in its bucket; `fbplan_reference` says where that is.
    """

    def __init__(
        self, blob: Any, router: Callable[[], Router], where: str, reference: Reference | None, *, overwrite: bool
    ) -> None:
        """`where`: a key or a reference."""
        super().__init__(blob, where)
        self._router = router
        self._overwrite = overwrite
        self.fbplan_reference = None if reference is None else str(reference)

    @property
    def name(self) -> str:
        try:
            return Reference.parse(self._where).key
        except NotAReference:
            return self._where

    def upload_from_file(
        self,
        file_obj: IO[bytes],
        rewind: bool = False,
        size: int | None = None,
        content_type: str | None = None,
        **stated: Any,
    ) -> None:
        if rewind:
            file_obj.seek(0)
        self._put(file_obj, size, content_type, stated)

    def upload_from_filename(self, filename: str | Path, content_type: str | None = None, **stated: Any) -> None:
        guessed = content_type or self._client.content_type or mimetypes.guess_type(str(filename))[0]
        with Path(filename).open("rb") as file:
            self._put(file, None, guessed, stated)

    def upload_from_string(self, data: str | bytes, content_type: str | None = "text/plain", **stated: Any) -> None:
        self._put(data.encode() if isinstance(data, str) else data, None, content_type, stated)

    def download_to_file(self, file_obj: IO[bytes], **asked: Any) -> None:
        with refusals(gcs_error, self._where):
            content = self._router().get(self._where, options=_theirs(asked)).content
        with content:
            while chunk := content.read(_CHUNK):
                file_obj.write(chunk)

    def download_to_filename(self, filename: str | Path, **asked: Any) -> None:
        with landing(Path(filename)) as file:
            self.download_to_file(file, **asked)

    def download_as_bytes(self, **asked: Any) -> bytes:
        with refusals(gcs_error, self._where):
            content: bytes = self._router().get(self._where, options=_theirs(asked)).content.read()
        return content

    def download_as_text(self, *, encoding: str | None = None, **asked: Any) -> str:
        return self.download_as_bytes(**asked).decode(encoding or "utf-8")

    def exists(self, **how: Any) -> bool:
        ours_alone(how, OURS)
        with refusals(gcs_error, self._where):
            try:
                self._router().locate(self._where)
            except NotFound:
                return False
        return True

    def reload(self, **how: Any) -> None:
        ours_alone(how, OURS)
        with refusals(gcs_error, self._where):
            self._client = self._router().locate(self._where).head.answer

    def delete(self, **how: Any) -> None:
        """From every bucket; that there was none is no error."""
        ours_alone(how, OURS)
        with refusals(gcs_error, self._where):
            delete_everywhere(self._router(), self._where)

    def _put(self, content: Content, size: int | None, content_type: str | None, stated: Mapping[str, Any]) -> None:
        options = _theirs(stated)
        # 0 is what the policy means anyway, and another one is of the object that is to be replaced
        overwrites = bool(options["if_generation_match"]) if "if_generation_match" in options else self._overwrite
        if not overwrites:
            options.pop("if_generation_match", None)
        options["content_type"] = content_type or self._client.content_type
        properties = {name: getattr(self._client, name) for name in PROPERTIES}
        options |= {name: value for name, value in properties.items() if value is not None}
        # of what was here before
        options["metadata"] = {k: v for k, v in (self._client.metadata or {}).items() if k not in {"fbseq", "fbsha256"}}
        with refusals(gcs_error, self._where):
            placed = self._router().put(self.name, content, size=size, overwrite=overwrites, options=options)
        self._placed(placed)

    def _placed(self, placed: Placement) -> None:
        self.fbplan_reference = self._where = str(placed.reference)
        if placed.answer is not None:
            self._client = placed.answer


def gcs_error(status: int, code: str, message: str) -> Exception:
    from google.api_core.exceptions import from_http_status

    errors = [{"reason": code, "message": message}] if code else []
    fault: Exception = from_http_status(status, message, errors=errors)
    return fault


def _theirs(stated: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in stated.items() if name not in OURS and value is not None}
