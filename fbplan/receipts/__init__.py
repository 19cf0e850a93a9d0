"""What each apply did, one JSON line an apply, beside the ledger."""

from __future__ import annotations

from fbplan.receipts.chain import History, append_receipt, read_history
from fbplan.receipts.killed import receipt_of_killed
from fbplan.receipts.record import Act, Receipt, actions_of, encoded, quiet_acts, receipt_json, receipt_of

__all__ = [
    "Act",
    "History",
    "Receipt",
    "actions_of",
    "append_receipt",
    "encoded",
    "quiet_acts",
    "read_history",
    "receipt_json",
    "receipt_of",
    "receipt_of_killed",
]
