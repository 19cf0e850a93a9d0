"""Where secrets come from and where they go, and the type that keeps them out of everything else."""

from __future__ import annotations

from fbplan.secrets.base import IssuedKey, SecretUnavailable, Sink, Source, holds
from fbplan.secrets.env_source import EnvSource
from fbplan.secrets.environ import Environ
from fbplan.secrets.exec_sink import ExecSink
from fbplan.secrets.exec_source import ExecSource
from fbplan.secrets.external_sink import External
from fbplan.secrets.file_sink import FileSink
from fbplan.secrets.file_source import FileSource
from fbplan.secrets.registry import SINKS, SOURCES, SinkRef, SourceRef
from fbplan.secrets.value import MASK, Secret

__all__ = [
    "MASK",
    "SINKS",
    "SOURCES",
    "EnvSource",
    "Environ",
    "ExecSink",
    "ExecSource",
    "External",
    "FileSink",
    "FileSource",
    "IssuedKey",
    "Secret",
    "SecretUnavailable",
    "Sink",
    "SinkRef",
    "Source",
    "SourceRef",
    "holds",
]
