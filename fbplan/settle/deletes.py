"""Deletes that were on the way when an apply ended, settled by reading."""

from __future__ import annotations

from collections.abc import Iterable

from fbplan.client.api import ReadClient
from fbplan.kinds import KINDS
from fbplan.kinds.base import Kind, split_address
from fbplan.ledger import Ledger
from fbplan.ledger.entry import Delta
from fbplan.ledger.pending import REPLACED
from fbplan.settle.listings import listed


def without_deleted(
    client: ReadClient, workspace_id: str, ledger: Ledger, deletes: Iterable[tuple[str, str]]
) -> Ledger:
    """The ledger without what an apply that did not end was deleting, and no list shows any more.

    `deletes`: (address, remote id). What was set aside goes by the address that it had before.
    """
    for address, remote in deletes:
        named = next((a for a in (address, f"{address}{REPLACED}") if remote in _ids(ledger, a)), None)
        if named is not None:
            kind = KINDS[split_address(address)[0]]
            there = [o.id for o in listed(client, kind, workspace_id, _parent_id(ledger, kind, address))]
            ledger = ledger if remote in there else ledger.changed(Delta(drop=(named,)))
    return ledger


def _ids(ledger: Ledger, address: str) -> tuple[str, ...]:
    return ledger.entries[address].ids if address in ledger.entries else ()


def _parent_id(ledger: Ledger, kind: Kind, address: str) -> str | None:
    parent = ledger.entries.get(f"{kind.parent}.{split_address(address)[1][0]}")
    return parent.id if parent is not None else None
