"""One write that is only asked about: where it would go now, and why not elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from fbplan.errors import FbplanError, UsageFault
from fbplan.metering.memory import Memory, remembered
from fbplan.runtime.decision import decide
from fbplan.runtime.form import Unusable
from fbplan.runtime.policy import Repository
from fbplan.runtime.record import decision_record
from fbplan.runtime.rules import RULES
from fbplan.runtime.state import State
from fbplan.runtime.times import stamp_of
from fbplan.runtime.usage import Usage, missing_meter, read_usage
from fbplan.runtime.view import Request, View
from fbplan.runtime.words import considered
from fbplan.simulation.subject import Subject

_NO_MEMORY = Memory()


@dataclass(frozen=True, slots=True)
class Question:
    """A write of `size` bytes by a process that has written nothing yet."""

    repository: str
    size: int
    now_ms: int
    is_simple: bool
    writer: str = "w0"


def usage_of(raw: bytes, subject: Subject, where: str) -> Usage:
    """The usage in a file. Raises FbplanError when a chooser would refuse it."""
    try:
        found = read_usage(raw)
    except Unusable as fault:
        raise FbplanError(
            "the usage file cannot be used", where, str(fault), "the poller publishes it again at its next poll"
        ) from None
    absent = missing_meter(subject.policy, found)
    if absent is not None:
        raise FbplanError(
            "the usage file does not belong to this policy",
            where,
            f"it says nothing of {absent}",
            "name the usage file that goes with the policy",
        )
    return found


def memory_of(raw: bytes) -> Memory:
    """What a usage file remembers besides. A chooser does not read it, so it may be anything."""
    try:
        return remembered(raw)
    except Unusable:
        return _NO_MEMORY


def answer(subject: Subject, usage: Usage | None, question: Question, memory: Memory | None = None) -> dict[str, Any]:
    """The decision, as a decision record holds it, and what it was made of; `memory` is that of the usage file.

    Raises UsageFault.
    """
    repository = subject.policy.repositories.get(question.repository)
    if repository is None:
        names = ", ".join(sorted(subject.policy.repositories)) or "none"
        raise UsageFault(
            f"the policy has no repository '{question.repository}'", "", f"it has {names}", "name one of them"
        )
    view = View(
        subject.policy,
        repository,
        usage,
        question.now_ms,
        question.writer,
        question.is_simple,
        expects_usage=usage is not None,
    )
    found = decide(view, State(), question.now_ms, Request(question.size))
    return {
        "format": "fbplan.answer",
        "format_version": 1,
        "repository": question.repository,
        "size": question.size,
        "at": stamp_of(question.now_ms),
        "generation": subject.policy.generation,
        "seq": None if usage is None else usage.seq,
        "simple": question.is_simple,
        "grants_begin": {} if question.is_simple else _grants_begin(memory or _NO_MEMORY, subject, repository),
        "decision": decision_record(found),
    }


def _grants_begin(memory: Memory, subject: Subject, repository: Repository) -> dict[str, str]:
    """Bucket → when its first grant begins, where the poller waits because it does not know of earlier ones."""
    capped = ((name, cap.name) for name in repository.order for cap in subject.policy.buckets[name].written)
    known = {place[0]: memory.meters[place].blind_until_ms for place in capped if place in memory.meters}
    return {name: stamp_of(begins_ms) for name, begins_ms in known.items() if begins_ms}


def told(answered: dict[str, Any]) -> str:
    """An answer in words: the outcome, one line for each bucket, and the rule that decided."""
    decision = answered["decision"]
    until = decision["retry_at_ms"]
    again = f" before {stamp_of(until)}" if until is not None else ""
    what = f"{answered['size']} bytes of {answered['repository']}"
    head = f"{what} would go to {decision['bucket']}" if decision["bucket"] else f"no bucket would take {what}{again}"
    begins = answered["grants_begin"]
    waits = [
        f"no grant yet for {', '.join(name for name in begins if begins[name] == at)}: "
        f"earlier ones are not known, so the first begins after {at}"
        for at in sorted(set(begins.values()))
    ]
    showing = f"usage {answered['seq']}" if answered["seq"] else "no usage"
    return "\n".join(
        [
            f"{head} (policy {answered['generation']}, {showing}, {answered['at']})",
            *considered(decision, simple=answered["simple"]),
            *waits,
            f"rule {decision['rule']}: {RULES[decision['rule']]}",
            "",
        ]
    )
