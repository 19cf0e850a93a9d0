"""Every source and every sink. A new one is a file here and a line below."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from fbplan.secrets.base import Sink, Source
from fbplan.secrets.env_source import EnvSource
from fbplan.secrets.exec_sink import ExecSink
from fbplan.secrets.exec_source import ExecSource
from fbplan.secrets.external_sink import External
from fbplan.secrets.file_sink import FileSink
from fbplan.secrets.file_source import FileSource
from fbplan.secrets.forms import Forms

SOURCES: tuple[type[Source], ...] = (EnvSource, FileSource, ExecSource)
SINKS: tuple[type[Sink], ...] = (FileSink, ExecSink, External)

SourceRef = Annotated[
    Source,
    Forms("source", SOURCES),
    Field(description="Where the secret comes from; the secret itself never stands in a spec."),
]
SinkRef = Annotated[
    Sink,
    Forms("sink", SINKS),
    Field(description="Where the key's secret goes when it is issued; it is shown only then."),
]
