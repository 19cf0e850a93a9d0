"""(desired, observed) → changes. Pure: no clock, no network, no files."""

from __future__ import annotations

from fbplan.diff.changes import Difference, compare, former_addresses

__all__ = ["Difference", "compare", "former_addresses"]
