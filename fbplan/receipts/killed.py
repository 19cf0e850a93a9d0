"""The receipt of an apply that wrote none: what its journal tells of it."""

from __future__ import annotations

from collections.abc import Iterator

from fbplan.journal.reading import Unfinished
from fbplan.journal.records import Ended, Intent, PolicyPublished, Record
from fbplan.outcome import Result
from fbplan.receipts.record import Act, Receipt

KILLED = 137
"""What a shell says of a process that was killed. The apply itself, or its machine, had no time to say anything."""
_OPEN = "on the way when the apply was killed"


def receipt_of_killed(journal: Unfinished) -> Receipt | None:
    """The receipt, or None when the journal does not even tell whose it is. It is dated by when the apply began."""
    begun = journal.begun
    if begun is None:
        return None
    return Receipt(
        at=begun.at,
        who=begun.who,
        host=begun.host,
        command=begun.command,
        workspace=begun.workspace,
        spec=begun.spec,
        spec_digest=begun.spec_digest,
        plan_id=begun.plan_id,
        exit_code=KILLED,
        exit_name="killed",
        seconds=0.0,
        commit=begun.commit,
        is_dirty=begun.is_dirty,
        run_url=begun.run_url,
        lease=begun.run,
        allowances=begun.allowances,
        actions=tuple(_acts(journal.records)),
    )


def _acts(records: tuple[Record, ...]) -> Iterator[Act]:
    """One for each step that was begun, in order. What is not settled is unknown, also where a result stands."""
    results = {r.step: r.result for r in records if isinstance(r, Ended) and r.is_settled}
    intents = {r.step: r for r in records if isinstance(r, Intent)}
    for step in dict.fromkeys(r.step for r in records if isinstance(r, Intent | Ended)):
        intent = intents.get(step)
        address, _, verb = step.rpartition(":") if intent is None else (intent.address, "", intent.verb)
        yield Act(step, address, verb, results.get(step, Result.UNKNOWN.value), "" if step in results else _OPEN)
    for record in records:
        if isinstance(record, PolicyPublished):
            told = f"generation {record.generation}: {_OPEN}"
            yield Act("policy:publish", "policy", "publish", Result.UNKNOWN.value, told)
