"""What fbplan owns, and what it takes to recognise what it may own: one document, and the parts of it."""

from __future__ import annotations

from fbplan.ledger.document import Ledger, ledger_json, read_ledger, require_workspace, write_ledger
from fbplan.ledger.entry import Delta, Entry, KeyGeneration
from fbplan.ledger.pending import ORPHAN, REPLACED, Pending, Question

__all__ = [
    "ORPHAN",
    "REPLACED",
    "Delta",
    "Entry",
    "KeyGeneration",
    "Ledger",
    "Pending",
    "Question",
    "ledger_json",
    "read_ledger",
    "require_workspace",
    "write_ledger",
]
