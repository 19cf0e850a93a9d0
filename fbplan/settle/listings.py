"""What stands where open creates were sent to, waited for while it may be late."""

from __future__ import annotations

from fbplan.client.api import ReadClient
from fbplan.client.lag import LAG, PATIENCE
from fbplan.kinds import KINDS
from fbplan.kinds.base import Kind, split_address
from fbplan.ledger import Ledger
from fbplan.ledger.pending import Pending
from fbplan.settle.candidates import is_meant, is_renamed
from fbplan.state import Observed
from fbplan.wire import observed_from

Listing = list[Observed]

Place = tuple[str, str | None]


def place_of(pending: Pending) -> Place:
    return split_address(pending.address)[0], pending.parent_id


def listings_of(client: ReadClient, workspace_id: str, ledger: Ledger, now: int | None) -> dict[Place, Listing]:
    """What stands where the creates were sent to, listed again for a while if what was sent just now is not in it."""
    listings: dict[Place, Listing] = {}
    for seconds in (0.0, *PATIENCE):
        late = [p for p in ledger.pending if place_of(p) not in listings or _is_late(p, listings[place_of(p)], now)]
        if not late:
            break
        if seconds:
            client.pause(seconds, f"'{late[0].name}' is not listed, and its create was sent moments ago")
        for place in dict.fromkeys(map(place_of, late)):
            listings[place] = listed(client, KINDS[place[0]], workspace_id, place[1])
    return listings


def _is_late(pending: Pending, listed: Listing, now: int | None) -> bool:
    """Whether an object may be there and is not listed yet."""
    kind = KINDS[split_address(pending.address)[0]]
    is_seen = any(o.id == pending.issued or is_meant(kind, pending, o) or is_renamed(kind, pending, o) for o in listed)
    return not is_seen and now is not None and 0 <= now - pending.at < LAG


def listed(client: ReadClient, kind: Kind, workspace_id: str, parent_id: str | None) -> list[Observed]:
    if kind.parent is not None and not _exists(client, KINDS[kind.parent], workspace_id, parent_id):
        return []  # what stood in it ended with it
    return [observed_from(kind, row, parent_id) for row in client.listing(kind, workspace_id, parent_id)]


def _exists(client: ReadClient, kind: Kind, workspace_id: str, remote: str | None) -> bool:
    return any(row.get("id") == remote for row in client.listing(kind, workspace_id))
