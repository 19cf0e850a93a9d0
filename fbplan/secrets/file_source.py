"""The source {file: PATH}."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from pydantic import Field
from typing_extensions import override

from fbplan.secrets.base import PathText, Source, placed
from fbplan.secrets.value import LIMIT, Secret, Unusable, received, without_final_newline


class FileSource(Source):
    """The secret is the content of a file, less one trailing newline."""

    key: ClassVar[str] = "file"

    file: PathText = Field(
        description="The path; relative ones count from the spec's folder, `~` is the home folder.",
        examples=["/run/secrets/gcp.pem"],
    )

    @override
    def read(self, folder: Path, environ: Mapping[str, str]) -> Secret:
        path = placed(self.file, folder)
        fix = f"check the file: ls -l '{path}'"
        try:
            content = _content(path)
        except OSError as error:
            raise self.unavailable(f"'{path}' cannot be read: {error.strerror}", fix) from error
        match content:
            case Secret():
                return content
            case Unusable(reason):
                raise self.unavailable(f"'{path}' {reason}", fix)

    @override
    def describe(self) -> str:
        return f"file {self.file}"


def _content(path: Path) -> Secret | Unusable:
    with path.open("rb") as file:
        # three more than the limit: one too many is left after a two-byte newline is dropped
        return received(without_final_newline(file.read(LIMIT + 3)))
