"""What a source and a sink are: closed, frozen references that the spec writes and a saved plan carries.

Reference
├── Source   read     → Secret            {env: NAME}, {file: PATH}, {exec: [...]}
└── Sink     check, store, read_back      {file: PATH}, {exec: [...]}, external
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar

from pydantic import BaseModel, ConfigDict, Field

from fbplan.errors import FbplanError, SinkFailed
from fbplan.secrets.value import Secret

# NUL ends a path or an argument for the kernel, which refuses it with an error that says nothing.
PathText = Annotated[str, Field(min_length=1, max_length=4096, pattern=r"^[^\x00]+$")]
Argument = Annotated[str, Field(pattern=r"^[^\x00]*$")]
# strict=False: YAML and JSON give lists, the model keeps a tuple; the items stay strict.
Argv = Annotated[tuple[Argument, ...], Field(strict=False, min_length=1)]
Seconds = Annotated[float, Field(gt=0, le=3600, allow_inf_nan=False)]

DEFAULT_TIMEOUT = 30.0


class SecretUnavailable(FbplanError):
    """A source gave no secret; nothing was written."""


class Reference(BaseModel):
    """Where a secret is, never what it is: safe to print, to log and to save."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", hide_input_in_errors=True, defer_build=True)

    key: ClassVar[str]
    """The mapping key that tells this form from the others, or the bare word when `is_word`."""
    is_word: ClassVar[bool] = False

    @abstractmethod
    def describe(self) -> str:
        """One line for people, such as `file /run/secrets/gcp.pem`."""

    def to_json(self) -> dict[str, object] | str:
        """The reference as the spec would write it, defaults left out."""
        document: dict[str, object] | str = self.model_dump(mode="json", exclude_defaults=True)
        return document


class Source(Reference):
    """Where a secret comes from."""

    @abstractmethod
    def read(self, folder: Path, environ: Mapping[str, str]) -> Secret:
        """The secret; relative paths count from `folder`. Raises SecretUnavailable."""

    def unavailable(self, reason: str, fix: str) -> SecretUnavailable:
        """The error of this source; the caller knows the address and may set `where`."""
        return SecretUnavailable(f"no secret from {self.describe()}", why=reason, next=fix)


@dataclass(frozen=True, slots=True)
class IssuedKey:
    """An API key as it leaves the API, the only time its secret is shown.

    `key_id` is the access key id (`key` of the POST answer), never the remote object's id.
    """

    address: str
    repo_id: str
    key_id: str
    secret: Secret
    generation: int


class Sink(Reference):
    """Where a shown-once secret goes."""

    is_readable: ClassVar[bool]
    """Whether `read_back` means anything."""

    @abstractmethod
    def check(self, folder: Path, environ: Mapping[str, str]) -> None:
        """Whether a secret could be stored, asked before a key is issued. Raises SinkFailed."""

    @abstractmethod
    def store(self, issued: IssuedKey, folder: Path, environ: Mapping[str, str]) -> None:
        """Keep the key; an earlier generation is replaced. Raises SinkFailed and leaves what was there."""

    @abstractmethod
    def read_back(self, folder: Path) -> str | None:
        """The FB_KEY_ID held; "" when the sink is there and holds no complete key; None when nothing is known."""

    def failed(self, reason: str, fix: str, address: str = "") -> SinkFailed:
        """The error of this sink."""
        return SinkFailed(f"the sink {self.describe()} cannot be written", where=address, why=reason, next=fix)


def holds(sink: Sink, folder: Path, key_id: str) -> bool | None:
    """Whether the sink holds this key; None when it cannot be told (write-only, or not on this machine)."""
    held = sink.read_back(folder) if sink.is_readable else None
    return None if held is None else held == key_id


def placed(path: str, folder: Path) -> Path:
    """The absolute path: relative ones count from `folder`, `~` is the home folder."""
    try:
        expanded = Path(path).expanduser()
    except RuntimeError:  # no such user: the name stands for itself, as in a shell
        expanded = Path(path)
    return (folder / expanded).absolute()
