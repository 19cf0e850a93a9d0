"""Pending creates, settled by reading: what came of them, what is an orphan, what only a person can tell.

the sink or the ledger holds it   ours
not there before, and nobody's    ours too, or, for a key whose secret is lost, an orphan: the next plan deletes it
two of these                      asked, never guessed
one, and nobody declares it now   asked: a person may have made it by hand since
one under another name            asked: ours renamed by hand, or somebody else's
none, a moment after it was sent  looked for again: lists may lag behind writes
none                              it did not happen; for a day it may still come, and is looked for
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from fbplan.client.api import ReadClient
from fbplan.client.lag import LAG, PATIENCE
from fbplan.kinds import KINDS
from fbplan.kinds.base import Field, Json, Kind, Trait, split_address
from fbplan.ledger import Ledger
from fbplan.ledger.entry import Delta, Entry
from fbplan.ledger.pending import ORPHAN, REPLACED, Doubt, Pending, Question
from fbplan.state import Observed
from fbplan.wire import observed_from

LATEST = 86_400
"""Seconds for which a request that got no answer may still take effect. Nobody documents it; a day is careful."""

Holds = Callable[[Json, str], bool | None]
"""Whether a sink (as the spec writes it) holds an access key id; None when that cannot be told."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is said today of the addresses that are still open."""

    declared: frozenset[str]
    """In the spec, or listed under `delete`: what is found there is meant."""
    let_go: frozenset[str] = frozenset()
    """Listed under `forget`: no more questions about them."""


@dataclass(frozen=True, slots=True)
class Settled:
    """The ledger after the reading, what was found out, and what has to be asked."""

    ledger: Ledger
    story: tuple[str, ...] = ()
    questions: tuple[Question, ...] = ()


def settle(
    client: ReadClient, workspace_id: str, ledger: Ledger, holds: Holds, wanted: Wanted, now: int | None = None
) -> Settled:
    """Look for the object of every pending create. Writes nothing; without any it reads nothing.

    With `now`, in Unix seconds, what was sent moments ago and is not listed is waited for.
    """
    ledger = replace(ledger, pending=tuple(p for p in ledger.pending if p.address not in wanted.let_go))
    if not ledger.pending:
        return Settled(ledger)
    listings = _listings(client, workspace_id, ledger, now)
    story: list[str] = []
    questions: list[Question] = []
    for pending in ledger.pending:
        kind = KINDS[split_address(pending.address)[0]]
        found = _candidates(ledger, kind, pending, listings[_place(pending)], holds)
        asked = _question(pending, found, is_declared=pending.address in wanted.declared)
        ledger, told, question = (ledger, "", asked) if asked else _one(ledger, kind, pending, found)
        story += [told] if told and told not in story else []
        questions += [question] if question else []
    return Settled(ledger, tuple(story), tuple(questions))


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
            listed = [o.id for o in _listed(client, kind, workspace_id, _parent_id(ledger, kind, address))]
            ledger = ledger if remote in listed else ledger.changed(Delta(drop=(named,)))
    return ledger


def _ids(ledger: Ledger, address: str) -> tuple[str, ...]:
    return ledger.entries[address].ids if address in ledger.entries else ()


def _parent_id(ledger: Ledger, kind: Kind, address: str) -> str | None:
    parent = ledger.entries.get(f"{kind.parent}.{split_address(address)[1][0]}")
    return parent.id if parent is not None else None


def forget_late(settled: Settled, now: int) -> Ledger:
    """The ledger without what was looked for long enough; what has to be asked stays until it is answered."""
    asked = {q.address for q in settled.questions}
    kept = tuple(p for p in settled.ledger.pending if now - p.at < LATEST or p.address in asked)
    return replace(settled.ledger, pending=kept)


Listing = list[Observed]
_Place = tuple[str, str | None]


def _place(pending: Pending) -> _Place:
    return split_address(pending.address)[0], pending.parent_id


def _listings(client: ReadClient, workspace_id: str, ledger: Ledger, now: int | None) -> dict[_Place, Listing]:
    """What stands where the creates were sent to, listed again for a while if what was sent just now is not in it."""
    listings: dict[_Place, Listing] = {}
    for seconds in (0.0, *PATIENCE):
        late = [p for p in ledger.pending if _place(p) not in listings or _is_late(p, listings[_place(p)], now)]
        if not late:
            break
        if seconds:
            client.pause(seconds, f"'{late[0].name}' is not listed, and its create was sent moments ago")
        for place in dict.fromkeys(map(_place, late)):
            listings[place] = _listed(client, KINDS[place[0]], workspace_id, place[1])
    return listings


def _is_late(pending: Pending, listed: Listing, now: int | None) -> bool:
    """Whether an object may be there and is not listed yet."""
    kind = KINDS[split_address(pending.address)[0]]
    is_seen = any(o.id == pending.issued or is_meant(kind, pending, o) or is_renamed(kind, pending, o) for o in listed)
    return not is_seen and now is not None and 0 <= now - pending.at < LAG


def _listed(client: ReadClient, kind: Kind, workspace_id: str, parent_id: str | None) -> list[Observed]:
    if kind.parent is not None and not _exists(client, KINDS[kind.parent], workspace_id, parent_id):
        return []  # what stood in it ended with it
    return [observed_from(kind, row, parent_id) for row in client.listing(kind, workspace_id, parent_id)]


def _exists(client: ReadClient, kind: Kind, workspace_id: str, remote: str | None) -> bool:
    return any(row.get("id") == remote for row in client.listing(kind, workspace_id))


def is_meant(kind: Kind, pending: Pending, live: Observed) -> bool:
    """Whether a live object can be the one that was sent: it is new, and has the name and the fields that were sent."""
    return (
        live.name == pending.name
        and live.id not in pending.before
        and all(_agrees(f, pending, live) for f in kind.compared)
    )


def _agrees(facts: Field, pending: Pending, live: Observed) -> bool:
    """Whether a field is as it was sent, as far as the listing shows it."""
    there = live.fields.get(facts.name)
    return (
        facts.is_name
        or facts.name not in pending.sent
        or there is None
        or facts.normalise(there) == facts.normalise(pending.sent[facts.name])
    )


@dataclass(frozen=True, slots=True)
class _Candidates:
    """The live objects that a lost answer may have made."""

    found: tuple[Observed, ...]
    kept: tuple[Observed, ...]
    """Those whose secret is in the sink."""
    renamed: tuple[Observed, ...]
    """Those that differ in nothing but the name from what was sent."""
    displaced: tuple[Observed, ...]
    """What took the address since the create was sent, and still lives."""


def _candidates(ledger: Ledger, kind: Kind, pending: Pending, live: list[Observed], holds: Holds) -> _Candidates:
    owned = {remote for entry in ledger.entries.values() for remote in entry.ids}
    free = [o for o in live if o.id not in owned]
    found = tuple(o for o in free if o.id == pending.issued or is_meant(kind, pending, o))
    held = ledger.entries.get(pending.address)
    since = set(held.ids) - {pending.was} if held is not None and held.id != pending.was else set()
    return _Candidates(
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
        and all(live.fields.get(f.name) is not None and _agrees(f, pending, live) for f in unique)
    )


def _question(pending: Pending, among: _Candidates, *, is_declared: bool) -> Question | None:
    """What only a person can tell: the id of no answer says that it is ours, and no sink holds its secret."""
    unsure = [o for o in among.found if o.id != pending.issued and o not in among.kept]
    if unsure and not is_declared:
        return _asked(pending, unsure, Doubt.UNDECLARED)
    if among.renamed and pending.issued is None:
        return _asked(pending, among.renamed, Doubt.RENAMED)
    return None


def _asked(pending: Pending, objects: Iterable[Observed], doubt: Doubt) -> Question:
    return Question(pending.address, pending.name, tuple(sorted(o.id for o in objects)), doubt)


def _one(ledger: Ledger, kind: Kind, pending: Pending, among: _Candidates) -> tuple[Ledger, str, Question | None]:
    rest = replace(ledger, pending=tuple(p for p in ledger.pending if p is not pending))
    found = among.found
    if kind.reveals_secret:
        mine = among.kept if len(among.kept) == 1 else ()
        orphans = [o for o in found if o not in mine and (pending.issued in {None, o.id})]
    else:
        mine = found if len(found) == 1 and _is_free(ledger, pending) else ()
        orphans = [o for o in found if o not in mine]
    if mine:
        rest = rest.changed(pending.then.identified(mine[0].id, mine[0].key_id or pending.key_id))
        orphans += among.displaced  # a rival's, whose secret was written over: nobody has it now
    if len(orphans) > 1:
        return ledger, "", _asked(pending, orphans, Doubt.SEVERAL)
    if orphans:
        rest = rest.changed(_left_behind(ledger, pending, orphans[0]))
        why = "its secret is lost" if kind.reveals_secret else "another object took its place meanwhile"
        return rest, f"{pending.address} was made and {why}: it is an orphan, and the plan deletes it", None
    if mine:
        return rest, f"{pending.address} was made after all: reading shows it", None
    if not _is_free(ledger, pending):
        # a second bucket of that name is refused, but a second key or credential of it may come for a day
        is_awaited = kind.reveals_secret or kind.marker_field is not None
        return ledger if is_awaited else rest, "", None
    if pending.issued is not None:
        return ledger, "", None  # it was made: one listing without it is no proof that it is gone
    return ledger, f"{pending.address} is not there: its create did not happen", None


def _is_free(ledger: Ledger, pending: Pending) -> bool:
    """Whether the address is as it was when the create was sent: nothing took its place since."""
    held = ledger.entries.get(pending.address)
    return held is None or held.id == pending.was


def _left_behind(ledger: Ledger, pending: Pending, orphan: Observed) -> Delta:
    """The orphan under an address of its own; a second one gets a number."""
    address, number = f"{pending.address}{ORPHAN}", 1
    while address in ledger.entries:
        number += 1
        address = f"{pending.address}{ORPHAN}{number}"
    return Delta({address: Entry(orphan.id, orphan.name)})
