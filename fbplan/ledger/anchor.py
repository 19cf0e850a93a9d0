"""Which receipt is the newest one, as the ledger knows it: a chain of hashes alone cannot tell that its end is missing.

    the ledger is written → the receipt is added → the ledger is written again with its hash

A kill in between leaves a receipt too many, or an apply without one; never an anchor without its receipt.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Anchor:
    """The newest receipt when the ledger was last written: its number, and the hash of its line."""

    number: int
    digest: str


def anchor_from(found: Mapping[str, Any] | None) -> Anchor | None:
    """Read it from a ledger; None in one that was written before there were anchors."""
    return None if found is None else Anchor(int(found["number"]), str(found["digest"]))


def anchor_json(anchor: Anchor) -> dict[str, Any]:
    return {"number": anchor.number, "digest": anchor.digest}
