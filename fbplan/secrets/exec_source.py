"""The source {exec: [COMMAND, ...]}."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from pydantic import Field
from typing_extensions import override

from fbplan.secrets.base import DEFAULT_TIMEOUT, Argv, Seconds, Source
from fbplan.secrets.command import FIX, Stopped, run, shown
from fbplan.secrets.value import Secret, Unusable


class ExecSource(Source):
    """The secret is what a command prints on stdout, less one trailing newline."""

    key: ClassVar[str] = "exec"

    exec: Argv = Field(
        description="The command and its arguments. No shell reads them; it runs in the spec's folder.",
        examples=[["vault", "kv", "get", "-field=secret", "fb/gcp"]],
    )
    timeout: Seconds = Field(default=DEFAULT_TIMEOUT, description="Seconds until it is killed.", examples=[60])

    @override
    def read(self, folder: Path, environ: Mapping[str, str]) -> Secret:
        match run(self.exec, folder, environ, self.timeout, wants_output=True):
            case Stopped(reason):
                raise self.unavailable(reason, FIX)
            case finished if finished.failure:
                raise self.unavailable(finished.failure, FIX)
            case finished:
                output = finished.output
        match output:
            case Secret():
                return output
            case Unusable(reason):
                raise self.unavailable(f"its output {reason}", FIX)

    @override
    def describe(self) -> str:
        return shown(self.exec)
