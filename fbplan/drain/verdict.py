"""When a piece may go: now, after a drain that begins, later, or at last."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum, auto

from fbplan.drain.pieces import Piece
from fbplan.kinds.amounts import span


class State(Enum):
    NOW = auto()  # nothing to wait for
    BEGINS = auto()  # held, and the ledger does not know it yet
    WAITS = auto()
    DUE = auto()

    @property
    def is_held(self) -> bool:
        return self in {State.BEGINS, State.WAITS}


@dataclass(frozen=True, slots=True)
class Verdict:
    state: State
    since: int
    due_at: int
    why: str


def rfc3339(moment: int) -> str:
    """Unix seconds as text in UTC; a moment outside of the calendar stands at its end."""
    return datetime.fromtimestamp(min(max(moment, 0), 253_402_300_799), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class Judge:
    """Decides the state of each piece, those that it depends on first."""

    def __init__(
        self,
        pieces: Mapping[str, Piece],
        records: Mapping[str, int],
        named: frozenset[str],
        now: int,
        until: int | None,
    ) -> None:
        self._pieces, self._records, self._named, self._now, self._until = pieces, records, named, now, until
        self._found: dict[str, Verdict] = {}

    def verdicts(self) -> Mapping[str, Verdict]:
        for item in self._pieces:
            self._verdict(item)
        return self._found

    def _verdict(self, item: str) -> Verdict:
        # keys are in repositories, buckets in repositories, credentials in buckets: this cannot go round in circles
        if item not in self._found:
            self._found[item] = self._judged(self._pieces[item])
        return self._found[item]

    def _judged(self, piece: Piece) -> Verdict:
        needed = [(self._pieces[n], self._verdict(n)) for n in piece.needs if n in self._pieces]
        blocking = [(p, v) for p, v in needed if v.state.is_held]
        record = self._records.get(piece.item) if piece.item not in self._named else None
        # a clock that jumped back: what began in its future counts as begun now, and is over no earlier for it
        since = self._now if record is None else min(record, self._now)
        own = since + piece.seconds
        due_at = max([own, *(v.due_at for _, v in blocking)])
        is_over = not piece.seconds or (record is not None and record + piece.seconds <= self._now)
        if is_over and not blocking:
            if record is None:
                return Verdict(State.NOW, since, due_at, "")
            # no clock from here on: what is due reads the same at any time
            since, due_at = (
                record,
                max([record + piece.seconds, *(v.due_at for _, v in needed if v.state is State.DUE)]),
            )
            if self._until is None or due_at <= self._until:
                return Verdict(State.DUE, since, due_at, self._ended(piece, due_at, [p for p, _ in needed]))
            why = "it fell due after what was reviewed, and is left to the next run"
            return Verdict(State.WAITS, since, due_at, why)
        state = State.BEGINS if record is None else State.WAITS
        if blocking and not (piece.seconds and own >= due_at):
            named = ", ".join(f"{p.address} to {'let go of it' if p.path else 'go'}" for p, _ in blocking)
            return Verdict(state, since, due_at, f"it waits for {named}")
        why = f"the drain of {piece.home}, {span(piece.seconds)}"
        if record is not None and record > self._now:
            why += ", which began in the future of this clock"
        return Verdict(state, since, due_at, why)

    @staticmethod
    def _ended(piece: Piece, due_at: int, needed: list[Piece]) -> str:
        if piece.seconds:
            return f"its drain of {span(piece.seconds)} ended {rfc3339(due_at)}"
        gone = ", ".join(f"{p.address} {'lets go of it' if p.path else 'goes'}" for p in needed)
        return f"{gone} in this apply" if gone else "there is nothing left to wait for"
