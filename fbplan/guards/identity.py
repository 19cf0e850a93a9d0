"""Is it the object that is meant? Ambiguous names, adoptions, listings cut short."""

from __future__ import annotations

from collections.abc import Iterator
from typing import assert_never

from fbplan.guards.situation import Situation
from fbplan.kinds import KINDS
from fbplan.kinds.base import Kind, Trait, split_address
from fbplan.ledger.pending import Doubt, Question
from fbplan.plan import Action, Refusal


def ambiguous(s: Situation) -> Iterator[Refusal]:
    for found in s.world.ambiguous:
        ids = ", ".join(found.ids)
        yield Refusal(
            "ambiguous",
            found.address,
            f"{len(found.ids)} live objects are called '{found.name}'",
            f"ids: {ids}",
            "rename or delete all but one by hand; fbplan does not guess",
        )


def unsettled(s: Situation) -> Iterator[Refusal]:
    for question in s.questions:
        what, way_out = question_told(question)
        yield Refusal("unsettled", question.address, what, f"ids: {', '.join(question.ids)}", way_out)


def question_told(question: Question) -> tuple[str, str]:
    """A question in words, and what answers it."""
    match question.doubt:
        case Doubt.SEVERAL:
            return (
                f"{len(question.ids)} new live objects are called '{question.name}', and the answer to its create was lost",
                "delete by hand the ones that nobody uses; fbplan does not guess",
            )
        case Doubt.UNDECLARED:
            return (
                f"the answer to its create was lost, it has left the spec, and there is a new '{question.name}': ours, or made by hand",
                f"to delete it, list {question.address} under `delete:`; to leave it alone, under `forget:`",
            )
        case Doubt.RENAMED:
            return (
                f"the answer to its create was lost, and what it was to register is there under another name than '{question.name}'",
                f"if it is ours, give it its name back by hand; if not, list {question.address} under `forget:`, or delete it by hand",
            )
        case _:
            assert_never(question.doubt)


def short_listings(s: Situation) -> Iterator[Refusal]:
    for kind in KINDS.values():
        owned = s.ledger.owned(kind.name)
        there = sum(bool(s.world.ids.get(kind.name, frozenset()) & set(s.ledger.entries[a].ids)) for a in owned)
        total = s.world.counts.get(kind.name, 0)
        allow = f"short-listing:{kind.section}"
        if s.allows(allow):
            continue
        if owned and total == 0 and kind.parent is None:
            yield Refusal(
                "short-listing",
                kind.section,
                f"the API lists no {kind.section} at all",
                f"the ledger owns {len(owned)}",
                "check the token and the workspace; if they really are gone:",
                allow,
            )
        for _, parent in sorted(s.world.childless):
            missing = [a for a in owned if split_address(a)[1][0] == split_address(parent)[1][0]] if kind.parent else []
            if missing:
                yield Refusal(
                    "short-listing",
                    kind.section,
                    f"the API lists no {kind.section} of {parent} at all",
                    f"the ledger owns {len(missing)}",
                    "plan again; if they really are gone:",
                    allow,
                )
        if len(owned) >= 10 and there * 2 < len(owned):
            yield Refusal(
                "short-listing",
                kind.section,
                f"the API lists {there} of {len(owned)} owned {kind.section}",
                "a listing cut short looks like this",
                "plan again; if they really are gone:",
                allow,
            )


def adoptions(s: Situation) -> Iterator[Refusal]:
    for change in s.changes:
        declared = s.desired.resources.get(change.address)
        if change.is_adopted and change.fields and declared is not None and not declared.adopts:
            allow = f"adopt:{change.address}"
            if not s.allows(allow):
                yield Refusal(
                    "adopt",
                    change.address,
                    f"a live {KINDS[declared.kind].name.replace('_', ' ')} of this name differs and is not owned",
                    "somebody else may have made it",
                    "declare it as it is, set `adopt: true`, or:",
                    allow,
                )


def renames(s: Situation) -> Iterator[Refusal]:
    for change in s.changes:
        if not {change.address, change.former} & s.routed or change.action is not Action.UPDATE:
            continue
        kind = KINDS[split_address(change.address)[0]]
        renamed = next((f for f in change.fields if _is_name(kind, f.path)), None)
        allow = f"rename:{change.address}"
        if renamed is not None and not s.allows(allow):
            yield Refusal(
                "rename",
                change.address,
                f"renames a bucket that writes are routed to ({renamed.before} → {renamed.after})",
                "writers that still follow the old policy address it by its old name and fail until they reload",
                "rename it when it is out of every `order`, or:",
                allow,
            )


def _is_name(kind: Kind, path: str) -> bool:
    return any(f.name == path and f.has(Trait.NAME) for f in kind.fields)
