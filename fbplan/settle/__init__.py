"""Pending creates, settled by reading: what came of them, what is an orphan, what only a person can tell.

the sink or the ledger holds it   ours
not there before, and nobody's    ours too, or, for a key whose secret is lost, an orphan: the next plan deletes it
two of these                      asked, never guessed
one, and nobody declares it now   asked: a person may have made it by hand since
one under another name            asked: ours renamed by hand, or somebody else's
none, a moment after it was sent  looked for again: lists may lag behind writes
none                              it did not happen; for a day it may still come, and is looked for
"""

from __future__ import annotations

from fbplan.settle.candidates import Holds
from fbplan.settle.creates import Settled, Wanted, forget_late, settle
from fbplan.settle.deletes import without_deleted
from fbplan.settle.generations import HeldIn, with_held_generations

__all__ = [
    "HeldIn",
    "Holds",
    "Settled",
    "Wanted",
    "forget_late",
    "settle",
    "with_held_generations",
    "without_deleted",
]
