"""What the ledger remembers of drains: when each began, until it is over or taken back."""

from __future__ import annotations

from collections.abc import Collection, Container, Mapping

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


def records_after(
    plan: Plan, records: Mapping[str, int], done: Collection[str], begins_at: int | None
) -> dict[str, int]:
    """The drains that the ledger knows after an apply.

    `done` holds the ids of the steps that were carried out; `begins_at` is when the policy was published, None if it
    failed: then no drain begins. What the plan drops is dropped whatever happened, since that only ever waits longer.
    """
    over = {d.item for d in plan.dropped} | {d.item for d in plan.due if d.step in done}
    kept = {item: since for item, since in records.items() if item not in over}
    begun = {} if begins_at is None else dict.fromkeys(plan.begins, begins_at)
    return {**kept, **begun}


def lost_drains(plan: Plan, ledger: Ledger) -> list[str]:
    """What a saved plan takes for due and the ledger does not any more: taken back, or begun anew."""
    return [d.item for d in plan.due if d.item not in ledger.drains or rfc3339(ledger.drains[d.item]) != d.since]
