"""Commands inside of what is told: they can be pasted into a shell as they stand."""

from __future__ import annotations

import shlex

DEFAULT = "fbplan.yaml"
"""The spec that every command takes when it is given none."""


def given(spec: str) -> str:
    """What a command is given to mean this spec: ` infra/fbplan.yaml`, quoted; nothing for the default."""
    return "" if spec in {"", DEFAULT} else f" {shlex.quote(spec)}"


AGAIN = "run the same command again"
"""How every error says it."""


def planned_anew(next_: str, spec: str) -> str:
    """What to do next after the apply of a saved plan: one that did some of its steps is stale, so plan again."""
    return next_.replace(AGAIN, f"plan again: fbplan plan{given(spec)}")
