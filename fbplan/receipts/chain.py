"""The receipts of one ledger, a line each. Each line holds the hash of the line before.

The chain shows that a line was changed, taken out or put in between. That its end was changed or is missing shows the
anchor in the ledger: the newest receipt as it was written. What stands after that one has nothing to vouch for it yet.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass, replace

from fbplan.ledger import Anchor
from fbplan.receipts.record import FORMAT, Receipt, encoded, parsed
from fbplan.storage import Storage
from fbplan.storage.base import RECEIPTS

_NAMED = re.compile(rb'\{"format":"(fbplan\.receipt/[\w.+-]{1,40})"')
_HEAD = f'{{"format":"{FORMAT}"'.encode()
_LONGEST_WORD = len("false")


@dataclass(frozen=True, slots=True)
class History:
    """The receipts that can be read, oldest first, and what is wrong with the file."""

    receipts: tuple[Receipt, ...] = ()
    torn: tuple[str, ...] = ()
    """Lines that a crash cut short: nothing was tampered with."""
    broken: tuple[str, ...] = ()
    """Where the chain does not hold, or a line is no receipt."""
    newer: tuple[str, ...] = ()
    """Lines of another version of fbplan: in the chain they count, and what they say is not shown."""

    is_anchored: bool = False
    """Whether the ledger knows a receipt, and so where the end was."""
    unanchored: int = 0
    """Lines after the one that the ledger knows: of applies that were killed, or could not write the ledger."""

    @property
    def is_vouched_for(self) -> bool:
        """Whether every line was read, or cut short by a crash, and the chain holds."""
        return not self.broken and not self.newer


def append_receipt(storage: Storage, receipt: Receipt, known: Anchor | None = None) -> Anchor:
    """Add a receipt, durably, and return what the ledger may know it by.

    Where the receipt that the ledger has `known` is gone, the new one follows on that all the same: the ledger will know
    the new one, and the gap in the chain is what is left to tell of it.

    Raises FbplanError; what the apply did is done all the same.
    """
    added = Anchor(0, "")

    def make(before: bytes) -> bytes:
        nonlocal added
        last = parsed(before) if before else None
        # a line that was cut short counts, too
        number = last.number if last is not None else len(_lines(storage.read_log(RECEIPTS))) if before else 0
        previous = _digest(before) if before else ""
        if known is not None and previous != known.digest and not _is_there(storage, known):
            number, previous = max(number, known.number), known.digest
        line = encoded(replace(receipt, number=number + 1, previous=previous))
        added = Anchor(number + 1, _digest(line))
        return line

    storage.add_record(RECEIPTS, make)
    return added


def read_history(storage: Storage, anchor: Anchor | None = None) -> History:
    """Every receipt, and whether the chain holds up to the anchor. Raises FbplanError when they cannot be read.

    The anchor must have been read before: an apply that ends meanwhile adds its receipt first.
    """
    found: list[Receipt] = []
    torn, broken, newer = [], [], []
    before, number, unanchored = b"", 0, None if anchor is not None else 0
    for line_number, line in enumerate(_lines(storage.read_log(RECEIPTS)), 1):
        receipt, where = parsed(line), f"line {line_number}"
        if unanchored is not None:
            unanchored += 1
        elif anchor is not None and _digest(line) == anchor.digest:
            unanchored = 0
        if receipt is None:
            number += 1
            if (named := _format_of(line)) not in {None, FORMAT}:
                newer.append(f"{where} was written by another version of fbplan: its format is '{named}'")
            elif _is_cut(line):
                torn.append(f"{where} was cut short: the apply that wrote it was killed, or its machine")
            else:
                broken.append(f"{where} is no receipt: it was changed or put in")
            before = line
            continue
        if receipt.previous != (_digest(before) if before else ""):
            broken.append(
                f"{where} (receipt {receipt.number}) does not hold the hash of the line before: one was changed, put in or taken out"
            )
        elif receipt.number != number + 1:
            broken.append(f"{where} is receipt {receipt.number}, and {number + 1} was expected")
        found.append(receipt)
        before, number = line, receipt.number
    if unanchored is None and anchor is not None:
        broken.append(
            f"receipt {anchor.number}, which the ledger knows as the newest, is not there as it was written: it was changed or taken out"
        )
    return History(tuple(found), tuple(torn), tuple(broken), tuple(newer), anchor is not None, unanchored or 0)


def _is_there(storage: Storage, known: Anchor) -> bool:
    return any(_digest(line) == known.digest for line in _lines(storage.read_log(RECEIPTS)))


def _lines(content: bytes) -> list[bytes]:
    return [line for line in content.split(b"\n") if line]


def _digest(line: bytes) -> str:
    return f"sha256:{hashlib.sha256(line).hexdigest()}"


def _format_of(line: bytes) -> str | None:
    """The format that a line names, whatever else stands in it."""
    found = _NAMED.match(line)
    return found[1].decode() if found is not None else None


def _is_cut(line: bytes) -> bool:
    """Whether a line is the beginning of a receipt, or the zeros that a power cut leaves; the next receipt ends it."""
    if not line.strip(b"\0"):
        return True
    if not (line.startswith(_HEAD) or _HEAD.startswith(line)):
        return False
    try:
        json.loads(line.decode("utf-8", "ignore"))  # a letter may be cut, too
    except json.JSONDecodeError as fault:
        # what was cut ends inside of a text, or where something else had to follow
        return fault.msg.startswith("Unterminated string") or fault.pos >= len(fault.doc) - _LONGEST_WORD
    except (ValueError, RecursionError):
        return False
    return False
