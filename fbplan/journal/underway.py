"""An apply that runs while somebody else looks: its journal is no leftover, and its open writes are its own."""

from __future__ import annotations

from dataclasses import dataclass, replace

from fbplan.journal.reading import Unfinished
from fbplan.journal.recovery import InForce, folded
from fbplan.ledger import Ledger
from fbplan.storage import Holder, Storage


@dataclass(frozen=True, slots=True)
class UnderWay:
    """The apply that holds the lock and writes its journal."""

    holder: Holder
    journal: Unfinished
    given: str
    """What a command is given to mean the spec of this apply; see `commands.given`."""


def apart(found: InForce, storage: Storage | None) -> tuple[InForce, UnderWay | None]:
    """What was left behind, and the apply that runs. What that one has finished counts; what it has sent is not ours
    to look for."""
    holder = storage.holder() if storage is not None and found.journals else None
    running = next((j for j in found.journals if holder is not None and j.run == holder.id), None)
    if running is None or holder is None or storage is None:
        return found, None
    its = folded(Ledger(), running).pending
    ledger = replace(found.ledger, pending=tuple(p for p in found.ledger.pending if p not in its))
    return InForce(ledger, tuple(j for j in found.journals if j is not running)), UnderWay(
        holder, running, storage.given
    )


def sentence(running: UnderWay) -> str:
    """`an apply by ada on runner-7 is under way since 2026-03-01T10:00:00Z`.

    A lease in an object store outlives its holder, and only watching it tells.
    """
    holder = running.holder
    host = f" on {holder.host}" if holder.host else ""
    run = f", {holder.run_url}" if holder.run_url else ""
    doubt = f", unless it was killed (`fbplan unlock{running.given}` tells)" if holder.seconds else ""
    since = f" since {holder.since}" if holder.since else ""
    return f"an apply by {holder.who or 'somebody'}{host} is under way{since}{run}{doubt}"
