"""The sink {exec: [COMMAND, ...]}: a command that takes the key on stdin."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar, Literal, assert_never

from pydantic import Field
from typing_extensions import override

from fbplan.secrets import dotenv
from fbplan.secrets.base import DEFAULT_TIMEOUT, Argv, IssuedKey, Seconds, Sink
from fbplan.secrets.command import FIX, Finished, Stopped, found, run, shown
from fbplan.secrets.value import Secret, Unusable


class ExecSink(Sink):
    """A command that reads the key from stdin; nothing secret is in its arguments or environment."""

    key: ClassVar[str] = "exec"
    is_readable: ClassVar[bool] = False

    exec: Argv = Field(
        description="The command and its arguments. No shell reads them; it runs in the spec's folder.",
        examples=[["vault", "kv", "put", "fb/app-data/reader", "-"]],
    )
    format: Literal["json", "dotenv"] = Field(
        default="json",
        description="What stands on stdin: a JSON object with address, repo_id, key_id, secret and generation, "
        "or the lines FB_KEY_ID, FB_KEY_SECRET and FB_REPO_ID.",
        examples=["dotenv"],
    )
    timeout: Seconds = Field(
        default=DEFAULT_TIMEOUT, description="Seconds until it and its children are killed.", examples=[60]
    )

    @override
    def check(self, folder: Path, environ: Mapping[str, str]) -> None:
        if found(self.exec[0], folder, environ) is None:
            raise self.failed(
                f"'{self.exec[0]}' is not an executable command",
                "install it, or correct PATH or the sink; a name with a slash counts from the spec's folder",
            )

    @override
    def store(self, issued: IssuedKey, folder: Path, environ: Mapping[str, str]) -> None:
        document = self._document(issued)
        if isinstance(document, Unusable):
            raise self.failed(document.reason, "leave out format: dotenv", address=issued.address)
        match run(self.exec, folder, environ, self.timeout, document=document):
            case Stopped(reason):
                raise self.failed(reason, FIX, address=issued.address)
            case Finished() as finished if finished.failure:
                raise self.failed(finished.failure, FIX, address=issued.address)
            case Finished():
                return

    @override
    def read_back(self, folder: Path) -> str | None:
        return None

    @override
    def describe(self) -> str:
        return shown(self.exec)

    def _document(self, issued: IssuedKey) -> Secret | Unusable:
        match self.format:
            case "dotenv":
                return dotenv.rendered(issued)
            case "json":
                # ASCII only, so that encoding it cannot fail with an error that quotes it
                return Secret(json.dumps({
                    "address": issued.address,
                    "repo_id": issued.repo_id,
                    "key_id": issued.key_id,
                    "secret": issued.secret.reveal(),
                    "generation": issued.generation,
                }) + "\n")  # fmt: skip
            case unknown:
                assert_never(unknown)
