"""What a call and the books tell each other: what is about to be sent, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from fbplan.errors import LockHeld
from fbplan.kinds.base import Json
from fbplan.plan import Step


@dataclass(frozen=True, slots=True)
class Done:
    """A step that succeeded: the id it was about, and a sentence if there is something to say."""

    id: str
    key_id: str = ""
    told: str = ""


@dataclass(frozen=True, slots=True)
class Sending:
    """What a create is recognised by, should its answer be lost."""

    name: str
    parent_id: str | None
    sent: Mapping[str, Json]


class Books(Protocol):
    """Where a step is put down before its first call. What raises FbplanError says that nothing may be sent."""

    def intend(self, step: Step, sending: Sending | None) -> None:
        """Returns once the intent is durable."""

    def issued(self, step: Step, remote: str, key_id: str) -> None:
        """A key was made; its secret is nowhere yet. Never raises: the secret must reach its sink."""

    def left(self, step: Step) -> None:
        """A POST of this step was lost without a trace, and another one is about to be sent: once this is durable."""

    @property
    def lost_lock(self) -> LockHeld | None:
        """Whether somebody else has the right to apply by now: nothing is sent again then, and no sink written."""
