"""The changes of now, sorted from what the calendar puts off."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace

from fbplan.drain.pieces import Piece, pieces_of, short
from fbplan.drain.records import left_because
from fbplan.drain.verdict import Judge, State, Verdict, rfc3339
from fbplan.kinds.amounts import span
from fbplan.ledger import Ledger
from fbplan.plan import Action, Change, Dropped, Due, FieldChange, Reason, Waiting
from fbplan.state import DesiredState, World


@dataclass(frozen=True, slots=True)
class Held:
    """What the planner makes no contract step for."""

    deletes: frozenset[str] = frozenset()
    fields: frozenset[tuple[str, str]] = frozenset()
    """(address, path) of field changes that are shown and wait."""
    attachments: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """By repository: the buckets that stay attached for now."""


NOTHING_HELD = Held()


@dataclass(frozen=True, slots=True)
class Schedule:
    """The changes of now, and what the calendar says of the rest."""

    changes: tuple[Change, ...]
    held: Held = NOTHING_HELD
    begins: tuple[str, ...] = ()
    dropped: tuple[Dropped, ...] = ()
    due: tuple[Due, ...] = ()
    waiting: tuple[Waiting, ...] = ()
    cutoffs: tuple[int, ...] = ()
    """Every moment at which something that is due now fell due, latest first."""
    begun: Mapping[str, int] = field(default_factory=dict)
    """Address of a change → the longest drain that begins with it."""
    leaving: frozenset[str] = frozenset()
    """Addresses that go now or later."""


def schedule(
    changes: tuple[Change, ...],
    desired: DesiredState,
    world: World,
    ledger: Ledger,
    renamed: Mapping[str, str],
    named: frozenset[str],
    now: int,
    until: int | None = None,
) -> Schedule:
    """Sort the changes into what happens now, what begins to drain, what is due and what waits.

    `now` decides what is due and nothing else. With `until`, what fell due after that moment is left to a later run.
    `renamed` maps the address of a repository before a rename to the one after it; `named` holds the items that the
    published policy sends clients to, whatever the ledger says: their drain begins anew.
    """
    pieces = {p.item: p for change in changes for p in pieces_of(change, desired, world, ledger, renamed)}
    verdicts = Judge(pieces, ledger.drains, named, now, until).verdicts()
    by_change: dict[str, list[Piece]] = {}
    for piece in pieces.values():
        by_change.setdefault(piece.address, []).append(piece)
    shown = [_shown(change, by_change.get(change.address, ()), verdicts) for change in changes]

    def of(state: State) -> list[Piece]:
        found = (p for p in pieces.values() if verdicts[p.item].state is state)
        return sorted(found, key=lambda p: (verdicts[p.item].due_at, p.item))

    held = [p for p in pieces.values() if verdicts[p.item].state.is_held]
    begun: dict[str, int] = {}
    for piece in of(State.BEGINS):
        begun[piece.address] = max(piece.seconds, begun.get(piece.address, 0))
    return Schedule(
        tuple(change for change in shown if change is not None),
        Held(
            frozenset(p.address for p in held if not p.path),
            frozenset((p.address, p.path) for p in held if p.path),
            {
                a: frozenset(p.attachment for p in held if p.address == a and p.attachment)
                for a in {p.address for p in held if p.attachment}
            },
        ),
        tuple(sorted(p.item for p in of(State.BEGINS))),
        tuple(Dropped(item, left_because(item, world, pieces)) for item in sorted(set(ledger.drains) - set(pieces))),
        tuple(_due(p, verdicts[p.item]) for p in of(State.DUE)),
        tuple(_waiting(p, verdicts[p.item], now) for p in of(State.WAITS)),
        tuple(sorted({verdicts[p.item].due_at for p in of(State.DUE)}, reverse=True)),
        begun,
        frozenset(c.address for c in changes if c.action is Action.DELETE),
    )


def _shown(change: Change, pieces: Collection[Piece], verdicts: Mapping[str, Verdict]) -> Change | None:
    """The change without what only waits; None when nothing else is in it."""
    if not pieces:
        return change
    if change.action is Action.DELETE:
        (piece,) = pieces
        verdict = verdicts[piece.item]
        match verdict.state:
            case State.WAITS:
                return None
            case State.BEGINS:
                return replace(change, notes=(*change.notes, _begins(piece, verdict)))
            case State.DUE:
                return replace(change, why=", ".join(t for t in (change.why, verdict.why) if t), is_due=True)
            case State.NOW:
                return change
    return _shown_update(change, {p.path: p for p in pieces}, verdicts)


def _shown_update(change: Change, by_path: Mapping[str, Piece], verdicts: Mapping[str, Verdict]) -> Change | None:
    def state(found: FieldChange) -> State:
        return verdicts[by_path[found.path].item].state if found.path in by_path else State.NOW

    # what a drain put off is what the spec asked for, and no drift
    fields = tuple(
        replace(f, reason=Reason.SPEC) if state(f) is State.DUE else f
        for f in change.fields
        if state(f) is not State.WAITS
    )
    notes = tuple(
        f"{short(by_path[f.path].attachment)}: {text}" if by_path[f.path].attachment else text
        for f in fields
        if state(f) is State.BEGINS
        for text in (_begins(by_path[f.path], verdicts[by_path[f.path].item]),)
    )
    if not fields and change.is_adopted:
        return replace(change, action=Action.ADOPT, reason=Reason.ADOPTION, fields=())
    if not fields:
        return None if change.former is None else replace(change, fields=(), why="only the ledger changes")
    is_due = all(state(f) is State.DUE for f in fields) and not change.is_adopted and change.former is None
    reason = change.reason
    if reason in {Reason.DRIFT, Reason.SPEC}:
        reason = Reason.DRIFT if all(f.reason is Reason.DRIFT for f in fields) else Reason.SPEC
    return replace(change, fields=fields, reason=reason, notes=(*change.notes, *notes), is_due=is_due)


def _begins(piece: Piece, verdict: Verdict) -> str:
    verb = "narrows" if piece.path and not piece.attachment else "removes"
    if piece.seconds:
        return f"its drain of {span(piece.seconds)} begins with this apply; an apply after then {verb} it"
    return f"{verdict.why}; an apply after then {verb} it"


def _due(piece: Piece, verdict: Verdict) -> Due:
    since, due_at = rfc3339(verdict.since), rfc3339(verdict.due_at)
    return Due(piece.item, piece.address, piece.what, verdict.why, since, due_at, piece.step)


def _waiting(piece: Piece, verdict: Verdict, now: int) -> Waiting:
    since, due_at = rfc3339(verdict.since), rfc3339(verdict.due_at)
    remaining = max(0, verdict.due_at - now)
    return Waiting(piece.item, piece.address, piece.what, verdict.why, since, due_at, remaining)
