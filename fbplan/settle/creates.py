"""Open creates: found, orphaned, or asked about."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from fbplan.client.api import ReadClient
from fbplan.kinds import KINDS
from fbplan.kinds.base import Json, Kind, split_address
from fbplan.ledger import Ledger
from fbplan.ledger.entry import Delta, Entry
from fbplan.ledger.pending import ORPHAN, Doubt, Pending, Question
from fbplan.settle.candidates import Candidates, Holds, candidates
from fbplan.settle.listings import listings_of, place_of
from fbplan.state import Observed

LATEST = 86_400
"""Seconds for which a request that got no answer may still take effect. Nobody documents it; a day is careful."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is said today of the addresses that are still open."""

    declared: frozenset[str]
    """In the spec, or listed under `delete`: what is found there is meant."""
    let_go: frozenset[str] = frozenset()
    """Listed under `forget`: no more questions about them."""
    sinks: Mapping[str, Json] = field(default_factory=dict)
    """Where the secret of each API key belongs, as the spec writes it."""


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
    listings = listings_of(client, workspace_id, ledger, now)
    story: list[str] = []
    questions: list[Question] = []
    for pending in ledger.pending:
        kind = KINDS[split_address(pending.address)[0]]
        found = candidates(ledger, kind, pending, listings[place_of(pending)], holds)
        asked = _question(pending, found, is_declared=pending.address in wanted.declared)
        ledger, told, question = (ledger, "", asked) if asked else _one(ledger, kind, pending, found)
        story += [told] if told and told not in story else []
        questions += [question] if question else []
    return Settled(ledger, tuple(story), tuple(questions))


def forget_late(settled: Settled, now: int) -> Ledger:
    """The ledger without what was looked for long enough; what has to be asked stays until it is answered."""
    asked = {q.address for q in settled.questions}
    kept = tuple(p for p in settled.ledger.pending if now - p.at < LATEST or p.address in asked)
    return replace(settled.ledger, pending=kept)


def _question(pending: Pending, among: Candidates, *, is_declared: bool) -> Question | None:
    """What only a person can tell: the id of no answer says that it is ours, and no sink holds its secret."""
    unsure = [o for o in among.found if o.id != pending.issued and o not in among.kept]
    if unsure and not is_declared:
        return _asked(pending, unsure, Doubt.UNDECLARED)
    if among.renamed and pending.issued is None:
        return _asked(pending, among.renamed, Doubt.RENAMED)
    return None


def _asked(pending: Pending, objects: Iterable[Observed], doubt: Doubt) -> Question:
    return Question(pending.address, pending.name, tuple(sorted(o.id for o in objects)), doubt)


def _one(ledger: Ledger, kind: Kind, pending: Pending, among: Candidates) -> tuple[Ledger, str, Question | None]:
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
