"""The live objects that a lost answer may have made."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from fbplan.kinds.base import Field, Json, Kind, Trait
from fbplan.ledger import Ledger
from fbplan.ledger.pending import Pending
from fbplan.state import Observed

Holds = Callable[[Json, str], bool | None]
"""Whether a sink (as the spec writes it) holds an access key id; None when that cannot be told."""


def is_meant(kind: Kind, pending: Pending, live: Observed) -> bool:
    """Whether a live object can be the one that was sent: it is new, and has the name and the fields that were sent."""
    return live.name == pending.name and live.id not in pending.before and has_the_fields(kind, pending.sent, live)


def has_the_fields(kind: Kind, sent: Mapping[str, Json], live: Observed) -> bool:
    """Whether an object differs in nothing that was sent, as far as the listing shows it."""
    return all(_agrees(f, sent, live) for f in kind.compared)


def _agrees(facts: Field, sent: Mapping[str, Json], live: Observed) -> bool:
    there = live.fields.get(facts.name)
    return (
        facts.is_name
        or facts.name not in sent
        or there is None
        or facts.normalise(there) == facts.normalise(sent[facts.name])
    )


@dataclass(frozen=True, slots=True)
class Candidates:
    """The live objects that a lost answer may have made."""

    found: tuple[Observed, ...]
    kept: tuple[Observed, ...]
    """Those whose secret is in the sink."""
    renamed: tuple[Observed, ...]
    """Those that differ in nothing but the name from what was sent."""
    displaced: tuple[Observed, ...]
    """What took the address since the create was sent, and still lives."""


def candidates(ledger: Ledger, kind: Kind, pending: Pending, live: list[Observed], holds: Holds) -> Candidates:
    owned = {remote for entry in ledger.entries.values() for remote in entry.ids}
    free = [o for o in live if o.id not in owned]
    found = tuple(o for o in free if o.id == pending.issued or is_meant(kind, pending, o))
    held = ledger.entries.get(pending.address)
    # what was there before it was sent took no place of its own: an older generation serves its overlap
    since = set(held.ids) - {pending.was, *pending.before} if held is not None and held.id != pending.was else set()
    return Candidates(
        found,
        tuple(o for o in found if kind.reveals_secret and o.key_id and holds(pending.sink, o.key_id)),
        () if found else tuple(o for o in free if is_renamed(kind, pending, o)),
        tuple(o for o in live if o.id in since),
    )


def is_renamed(kind: Kind, pending: Pending, live: Observed) -> bool:
    """Whether a live object under another name registers what was sent: of its identity there is only one."""
    unique = [f for f in kind.compared if Trait.IDENTITY in f.traits and f.name in pending.sent]
    return (
        bool(unique)
        and live.id not in pending.before
        and live.name != pending.name
        and all(live.fields.get(f.name) is not None and _agrees(f, pending.sent, live) for f in unique)
    )
