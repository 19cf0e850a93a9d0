"""What the ledger remembers of drains, held against a plan: why one is over, and which one is not what it was."""

from __future__ import annotations

from collections.abc import Container

from fbplan.drain.verdict import rfc3339
from fbplan.kinds import KINDS
from fbplan.kinds.base import split_address
from fbplan.ledger import Ledger
from fbplan.plan import Plan
from fbplan.state import World


def left_because(item: str, world: World, going: Container[str]) -> str:
    """Why a drain means nothing any more; `going` are the items that still have one, or need none."""
    home, _, inner = item.rpartition("/")
    if home in going:
        return f"{home} goes as a whole"
    inner = inner.partition("=")[0]
    kind, _ = split_address(inner)
    is_attachment = home and (kind not in KINDS or KINDS[kind].parent is None)
    is_there = home in world.users.get(inner, ()) if is_attachment else inner in world.live
    return "it stays" if is_there else "it is gone already"


def lost_drains(plan: Plan, ledger: Ledger) -> list[str]:
    """What a saved plan takes for due and the ledger does not any more: taken back, or begun anew."""
    return [d.item for d in plan.due if d.item not in ledger.drains or rfc3339(ledger.drains[d.item]) != d.since]
