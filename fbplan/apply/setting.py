"""What an apply is given besides its plan: the world that it writes to, who listens, and what may end it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from fbplan.apply.books import Keeping
from fbplan.client.api import WriteClient
from fbplan.outcome import Outcome
from fbplan.plan import Step


@dataclass(slots=True)
class Setting:
    """What an apply works with, apart from the plan."""

    client: WriteClient
    folder: Path
    environ: Mapping[str, str]
    now: Callable[[], float]
    concurrency: int = 8
    on_start: Callable[[Step], None] = field(default=lambda _: None)
    on_outcome: Callable[[Outcome], None] = field(default=lambda _: None)
    keeping: Keeping = field(default_factory=Keeping)
    on_begin: Callable[[], None] = field(default=lambda: None)
    """Called when everything is read and resolved, before the first record; may raise Interrupted."""
    is_out_of_grace: Callable[[], bool] = field(default=lambda: False)
    """Whether what is in flight has been waited for long enough since the stop was asked for."""
    is_out_of_time: Callable[[], bool] = field(default=lambda: False)
    """The same for the books: a store that hangs must not keep the report back."""
