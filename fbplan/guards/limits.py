"""Is it too much at once?"""

from __future__ import annotations

import math
from collections.abc import Iterator

from fbplan.guards.situation import Situation
from fbplan.plan import Action, Reason, Refusal


def limits(s: Situation) -> Iterator[Refusal]:
    counted = [c for c in s.changes if c.reason is not Reason.ORPHAN]  # nobody ever knew them: they are no loss
    removed = sum(c.action in {Action.DELETE, Action.REPLACE} for c in counted)
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
        for c in counted
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
