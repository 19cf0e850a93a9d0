"""The sink {file: PATH}: a dotenv file."""

from __future__ import annotations

import errno
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from pydantic import Field
from typing_extensions import override

from fbplan.secrets import dotenv, private_file
from fbplan.secrets.base import IssuedKey, PathText, Sink, placed
from fbplan.secrets.value import Secret, Unusable
from fbplan.storage.remedy import remedy


class FileSink(Sink):
    """A dotenv file with FB_KEY_ID, FB_KEY_SECRET and FB_REPO_ID, for its owner alone; other lines are kept."""

    key: ClassVar[str] = "file"
    is_readable: ClassVar[bool] = True

    file: PathText = Field(
        description="The path; relative ones count from the spec's folder, `~` is the home folder. "
        "Missing parent folders are made.",
        examples=["secrets/app-data-writer.env"],
    )

    @override
    def check(self, folder: Path, environ: Mapping[str, str]) -> None:
        path = placed(self.file, folder)
        try:
            target = private_file.settled(path)
            private_file.make_folder(target.parent)
            existing = _existing(target)
            private_file.probe(target)
        except OSError as error:
            raise self.failed(*_told(path, error)) from error
        if isinstance(existing, Unusable):
            raise self.failed(f"'{path}' {existing.reason}", "name another path in the spec, or move what is there")

    @override
    def store(self, issued: IssuedKey, folder: Path, environ: Mapping[str, str]) -> None:
        path = placed(self.file, folder)
        try:
            target = private_file.settled(path)
            private_file.make_folder(target.parent)
            text = _joined(_existing(target), issued)
            if isinstance(text, Secret):
                private_file.replace(target, text)
        except OSError as error:
            raise self.failed(*_told(path, error), address=issued.address) from error
        if isinstance(text, Unusable):
            raise self.failed(f"'{path}': {text.reason}", "use another path or an exec sink", address=issued.address)

    @override
    def read_back(self, folder: Path) -> str | None:
        try:
            existing = private_file.content(private_file.settled(placed(self.file, folder)))
        except OSError:
            return None
        match existing:
            case Secret():
                return dotenv.held_key_id(existing)
            case Unusable():
                return None

    @override
    def describe(self) -> str:
        return f"file {self.file}"


def _existing(target: Path) -> Secret | Unusable:
    try:
        return private_file.content(target)
    except FileNotFoundError:
        return Secret("")


def _joined(existing: Secret | Unusable, issued: IssuedKey) -> Secret | Unusable:
    return existing if isinstance(existing, Unusable) else dotenv.merged(existing, issued)


def _told(path: Path, error: OSError) -> tuple[str, str]:
    """Why, and what to do next."""
    is_full = error.errno in {errno.ENOSPC, errno.EDQUOT}
    fix = remedy(error) if is_full else f"make '{path.parent}' a folder that you can write to, or name another path"
    return f"'{path}': {error.strerror}", fix
