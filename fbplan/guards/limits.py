"""Is it too much at once, or another spec altogether?"""

from __future__ import annotations

import math
from collections.abc import Iterator

from fbplan.guards.situation import Situation
from fbplan.plan import Action, Reason, Refusal


def limits(s: Situation) -> Iterator[Refusal]:
    """Counts what happens now. What drains first counts when its drain begins, before the policy moves.

    Once due it is not counted again, or an apply that was let through would be refused a day later with the policy
    already gone ahead. What the spec asks for besides is counted, and so is an update that does more than fell due.
    """
    # what a lost answer left behind nobody ever knew: it is no loss
    changes = [c for c in s.changes if not c.is_due and c.reason is not Reason.ORPHAN]
    removed = sum(c.action in {Action.DELETE, Action.REPLACE} for c in changes)
    if removed > s.bound("max-deletes", s.limits.max_deletes):
        yield Refusal(
            "max-deletes",
            "limits",
            f"{removed} resources would be deleted or replaced",
            f"the limit is {s.limits.max_deletes}",
            "split the change, raise `limits.max_deletes`, or:",
            f"max-deletes={removed}",
        )
    owned = len(s.ledger.entries)
    touched = sum(
        c.action in {Action.DELETE, Action.REPLACE, Action.UPDATE} and not c.is_adopted and s.entry(c) is not None
        for c in changes
    )
    allowed_ppm = max(s.limits.max_change_ppm, s.bound("max-change", 0) * 10_000)
    if owned >= 10 and touched * 1_000_000 > allowed_ppm * owned:
        percent = math.ceil(touched * 100 / owned)
        yield Refusal(
            "max-change",
            "limits",
            f"{touched} of {owned} owned resources would change ({percent}%)",
            f"the limit is {s.limits.max_change_ppm / 10_000:g}%",
            "split the change, raise `limits.max_change`, or:",
            f"max-change={percent}%",
        )


def strangers(s: Situation) -> Iterator[Refusal]:
    """Two specs in one folder share a ledger unless they say otherwise: each would delete what the other made."""
    gone = [c for c in s.changes if c.action is Action.DELETE and c.reason is Reason.GONE]
    kept = {*s.desired.resources, *(c.former for c in s.changes)} & s.ledger.entries.keys()
    if len(gone) > 1 and s.desired.resources and not kept and not s.allows("other-spec"):
        yield Refusal(
            "other-spec",
            "limits",
            f"{len(gone)} resources would be deleted, and nothing that the ledger owns is in the spec",
            "it looks like the ledger of another spec",
            "give each spec a `ledger:` of its own, or, if everything is to go:",
            "other-spec",
        )
