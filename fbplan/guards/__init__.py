"""What is refused before the first write, and the exact words that allow it. Pure.

A guard reads the changes and the world; it never changes either. There is no flag that opens everything. A new guard
is a function in one of these files and its name in GUARDS.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from fbplan.guards import feasibility, identity, removal
from fbplan.guards.limits import limits, strangers
from fbplan.guards.situation import Limits, Situation, checked_allowances
from fbplan.plan import Refusal

__all__ = ["GUARDS", "Limits", "Situation", "checked_allowances", "refusals"]

GUARDS: tuple[Callable[[Situation], Iterator[Refusal]], ...] = (
    identity.ambiguous,
    identity.unsettled,
    identity.short_listings,
    identity.adoptions,
    identity.renames,
    removal.protected,
    removal.replaces,
    removal.attached,
    removal.web3,
    removal.unremembered,
    feasibility.folders,
    feasibility.movers,
    feasibility.impossible,
    feasibility.unattached,
    limits,
    strangers,
)


def refusals(situation: Situation) -> tuple[Refusal, ...]:
    """Everything that is refused, in a stable order."""
    found = [refusal for guard in GUARDS for refusal in guard(situation)]
    return tuple(sorted(found, key=lambda r: (r.address, r.guard, r.what)))
