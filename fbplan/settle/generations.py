"""Generations of an API key that its sink holds and the ledger does not know: ours, from a ledger that was lost since.

An apply whose ledger never reached the others (a push that was refused, a backup that was put back) leaves such a key.
Its secret is where it belongs, and issuing another one would only write over it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

from fbplan.client.api import ReadClient
from fbplan.kinds import KINDS
from fbplan.kinds.base import Json, split_address
from fbplan.ledger import KeyGeneration, Ledger
from fbplan.ledger.entry import Delta, Entry
from fbplan.settle.listings import listed
from fbplan.state import generation_of
from fbplan.state.matching import GENERATION

HeldIn = Callable[[Json], str]
"""The access key id that a sink (as the spec writes it) holds; "" when it holds none, or that cannot be told."""


def with_held_generations(
    client: ReadClient, workspace_id: str, ledger: Ledger, sinks: Mapping[str, Json], held_in: HeldIn
) -> tuple[Ledger, tuple[str, ...]]:
    """The ledger with them, and what was found out. Reads the API only where a sink holds what the ledger does not know."""
    story: list[str] = []
    for address, entry, key_id in tuple(_unknown(ledger, sinks, held_in)):
        kind, names = split_address(address)
        parent = ledger.entries[f"{KINDS[kind].parent}.{names[0]}"]
        owned = {remote for other in ledger.entries.values() for remote in other.ids}
        for found in listed(client, KINDS[kind], workspace_id, parent.id):
            number = generation_of(found.name)
            is_newer = _base(found.name) == entry.name and number > entry.keys[-1].generation
            if found.key_id == key_id and is_newer and found.id not in owned:
                keys = (*entry.keys, KeyGeneration(found.id, key_id, number))
                ledger = ledger.changed(Delta({address: replace(entry, id=found.id, keys=keys)}))
                story.append(
                    f"{address}: its sink holds generation {number}, which the ledger did not know; it does now"
                )
    return ledger, tuple(story)


def _unknown(ledger: Ledger, sinks: Mapping[str, Json], held_in: HeldIn) -> Iterator[tuple[str, Entry, str]]:
    """(address, entry, access key id) of every owned key whose sink holds another one than the ledger says."""
    open_now = {pending.address for pending in ledger.pending}
    for address, sink in sinks.items():
        entry, (kind, names) = ledger.entries.get(address), split_address(address)
        if entry is None or not entry.keys or address in open_now:
            continue
        if f"{KINDS[kind].parent}.{names[0]}" not in ledger.entries:
            continue
        key_id = held_in(sink)
        if key_id and all(key_id != k.key_id for k in entry.keys):
            yield address, entry, key_id


def _base(name: str) -> str:
    found = GENERATION.fullmatch(name)
    return found[1] if found else name
