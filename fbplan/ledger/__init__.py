"""What fbplan owns, and what it takes to recognise what it may own: one document, and the parts of it."""

from __future__ import annotations

from fbplan.ledger.anchor import Anchor
from fbplan.ledger.document import Ledger, anchor_receipt, ledger_json, read_ledger, require_workspace, write_ledger
from fbplan.ledger.entry import Delta, Entry, KeyGeneration
from fbplan.ledger.pending import ORPHAN, REPLACED, Pending, Question

__all__ = [
    "ORPHAN",
    "REPLACED",
    "Anchor",
    "Delta",
    "Entry",
    "KeyGeneration",
    "Ledger",
    "Pending",
    "Question",
    "anchor_receipt",
    "ledger_json",
    "read_ledger",
    "require_workspace",
    "write_ledger",
]
