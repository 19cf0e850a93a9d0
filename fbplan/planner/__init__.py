"""Changes → ordered steps. Pure.

    expand     creates, attaches, upgrades: whatever only widens
    publish    the routing policy (see apply)
    contract   detaches, downgrades, deletes: whatever narrows

Order comes from references before and after: a create follows what it refers to, a delete follows every step that
lets go of it. `{b0, r0→b0} → {r0}` deletes b0 only after r0 was updated.
"""

from __future__ import annotations

from fbplan.planner.hints import hints
from fbplan.planner.order import references_of
from fbplan.planner.steps import steps_of
from fbplan.planner.targets import ABSENT, preconditions_of, renamed_parents, targets_of

__all__ = ["ABSENT", "hints", "preconditions_of", "references_of", "renamed_parents", "steps_of", "targets_of"]
