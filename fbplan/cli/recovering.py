"""Before anything new: what an earlier apply left behind is folded into the ledger, and what is unclear is read."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from fbplan.client.api import ReadClient
from fbplan.commands import given
from fbplan.errors import FbplanError, Refused
from fbplan.guards.identity import question_told
from fbplan.journal.recovery import InForce, in_force
from fbplan.journal.underway import UnderWay, sentence
from fbplan.kinds.base import Json
from fbplan.ledger import Ledger, anchor_receipt, write_ledger
from fbplan.ledger.pending import Question
from fbplan.plan import Plan
from fbplan.receipts import append_receipt, read_history, receipt_of_killed
from fbplan.secrets import Sink, SinkRef, holds
from fbplan.settle import (
    HeldIn,
    Holds,
    Settled,
    Wanted,
    forget_late,
    settle,
    with_held_generations,
    without_deleted,
)
from fbplan.state import DesiredState
from fbplan.storage import Storage

if TYPE_CHECKING:
    from pydantic import TypeAdapter


@dataclass(frozen=True, slots=True)
class Recovered:
    """The ledger to plan with, what was found out, and what only a person can tell."""

    ledger: Ledger
    story: tuple[str, ...]
    questions: tuple[Question, ...]


def wanted_by(desired: DesiredState) -> Wanted:
    """What a spec says of the addresses that an earlier apply left open."""
    sinks = {address: resource.sink for address, resource in desired.resources.items() if resource.sink is not None}
    return Wanted(frozenset({*desired.resources, *desired.delete}), frozenset(desired.forget), sinks)


def look(found: InForce, client: ReadClient, workspace_id: str, folder: Path, wanted: Wanted, now: int) -> Recovered:
    """The ledger in force with every pending create settled, as far as reading can. Writes nothing."""
    # without a journal the apply that sent it has waited itself
    settled = settle(client, workspace_id, found.ledger, holds_in(folder), wanted, now if found.journals else None)
    story = (found.story, *settled.story) if found.journals else settled.story
    # a step that sent its create more than once is told of once
    ledger = without_deleted(client, workspace_id, settled.ledger, found.deletes)
    ledger, known_again = with_held_generations(client, workspace_id, ledger, wanted.sinks, held_in(folder))
    return Recovered(ledger, tuple(dict.fromkeys(s for s in (*story, *known_again) if s)), settled.questions)


def under_way(running: UnderWay | None) -> tuple[str, ...]:
    """What a plan says that is made while somebody else applies."""
    if running is None:
        return ()
    return (f"{sentence(running)}: this plan shows the middle of it; plan again once it has ended",)


def recover(
    storage: Storage | None,
    client: ReadClient,
    workspace_id: str,
    folder: Path,
    wanted: Wanted,
    now: Callable[[], float] = time.time,
) -> Recovered:
    """The same for an apply that holds the lock: the ledger is written, and the journals are removed."""
    found = in_force(storage)
    recovered = look(found, client, workspace_id, folder, wanted, int(now()))
    ledger = forget_late(Settled(recovered.ledger, (), recovered.questions), int(now()))
    if storage is not None and (found.journals or ledger != found.ledger):
        ledger = write_ledger(ledger, storage, int(now()), tuple(j.begun.run for j in found.journals if j.begun))
        ledger, warnings = _receipts_of_killed(found, ledger, storage)
        recovered = replace(recovered, story=(*recovered.story, *warnings))
        for journal in found.journals:
            storage.remove(journal.name)
    return replace(recovered, ledger=ledger)


def _receipts_of_killed(found: InForce, ledger: Ledger, storage: Storage) -> tuple[Ledger, tuple[str, ...]]:
    """One for each apply that wrote none, while its journal is still there: killed in between, it is done again.

    Returns the ledger that knows them, and a warning where they could not be kept: what was done is done all the same.
    """
    receipts = [r for r in map(receipt_of_killed, found.journals) if r is not None]
    try:
        known = {r.lease for r in read_history(storage).receipts} if receipts else set()
        added = [append_receipt(storage, r) for r in receipts if r.lease not in known]
        return (anchor_receipt(ledger, storage, added[-1]) if added else ledger), ()
    except FbplanError as fault:
        return ledger, (f"warning: no receipt of the apply that was killed could be kept: {fault}",)


def require_settled(questions: tuple[Question, ...], saved: Plan) -> None:
    """A plan that was saved knows nothing of what has come to be unclear since. Raises Refused."""
    for question in questions[:1]:
        what, way_out = question_told(question)
        raise Refused(
            what,
            question.address,
            f"ids: {', '.join(question.ids)}",
            f"{way_out}; then: fbplan plan{given(saved.spec_path)}",
        )


def holds_in(folder: Path) -> Holds:
    """Asks the sinks that can be read; anything else cannot be told."""

    def held(sink: Json, key_id: str) -> bool | None:
        found = _sink(sink)
        return None if found is None else holds(found, folder, key_id)

    return held


def held_in(folder: Path) -> HeldIn:
    """What the sinks hold that can be read."""

    def held(sink: Json) -> str:
        found = _sink(sink)
        return (found.read_back(folder) or "") if found is not None and found.is_readable else ""

    return held


def _sink(sink: Json) -> Sink | None:
    from pydantic import ValidationError

    try:
        return _sinks().validate_python(sink)
    except ValidationError:
        return None


@cache
def _sinks() -> TypeAdapter[Sink]:
    from pydantic import TypeAdapter

    return TypeAdapter[Sink](SinkRef)
