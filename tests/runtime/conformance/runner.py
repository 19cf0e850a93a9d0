"""The conformance runner for Python: a question a line on stdin, its answer on stdout (schemas/vectors/README.md)."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

if __name__ == "__main__":  # run by its path, it finds its neighbours and the checkout that it is part of
    sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parents[3])]

from vector_runner import NoSuchRepository, play

from fbplan.runtime.accept import next_policy, next_usage
from fbplan.runtime.canonical import canonical
from fbplan.runtime.classes import classify
from fbplan.runtime.form import Unusable
from fbplan.runtime.grants import Grant, Terms, share_out
from fbplan.runtime.hysteresis import turn
from fbplan.runtime.reference import NotAReference, Reference
from fbplan.runtime.rules import RULES
from fbplan.runtime.times import stamp_ms, stamp_of
from fbplan.runtime.words import why

Line = dict[str, Any]


def answer(text: str) -> Any:
    """The answer to one line."""
    try:
        question = json.loads(text)
        kind = KINDS.get(question["kind"])
        return {"error": "kind"} if kind is None else kind(question)
    except Unusable as error:
        return {"error": error.reason}
    except NoSuchRepository:
        return {"error": "repository"}
    except Exception as error:  # noqa: BLE001 -- the fuzz must see the fault of one question and go on
        return {"error": f"fault: {error!r}"}


def _writes(vector: Line) -> list[Any]:
    records = play(vector, off=frozenset(vector.get("off", ())))
    return [why(record) for record in records] if vector.get("answer") == "words" else records


def _reference(line: Line) -> Line | None:
    try:
        return {**(found := Reference.parse(line["text"]))._asdict(), "text": str(found)}
    except NotAReference:
        return None


def _time(line: Line) -> Line | None:
    ms = stamp_ms(line["text"])
    return None if ms is None else {"ms": ms, "written": stamp_of(ms)}


def _grants(index: int, line: Line) -> Line:
    terms = Terms(*(line[f"{name}_ms"] for name in ("poll", "lag", "ttl", "skew", "upload")))
    earlier = tuple(Grant(g["id"], g["tier"], g["bytes"], g["expires_ms"]) for g in line["earlier"])
    made = share_out(
        (line["soft"], line["hard"]),
        line["used"],
        earlier,
        name=str(index),
        now_ms=line["now_ms"],
        as_of_ms=line["as_of_ms"],
        terms=terms,
    )
    told = [{"id": g.id, "tier": g.tier, "bytes": g.size, "expires_ms": g.expires_ms} for g in made.grants]
    return {"rounds": terms.rounds, "grants": told}


def _files(question: Line) -> list[str | None]:
    policy = usage = None
    reasons: list[str | None] = []
    for line in question["lines"]:
        raw = line["text"].encode()
        try:
            if line["file"] == "policy":
                policy = next_policy(policy, raw)
            else:
                usage = next_usage(usage, policy, raw)
            reasons.append(None)
        except Unusable as error:
            reasons.append(error.reason)
    return reasons


KINDS: dict[str, Callable[[Line], list[Any]]] = {
    "writes": _writes,
    "classes": lambda question: [classify(line["status"], line["code"]) for line in question["lines"]],
    "turns": lambda question: [turn(line["writer"], line["bucket"], line["seq"]) for line in question["lines"]],
    "references": lambda question: [_reference(line) for line in question["lines"]],
    "times": lambda question: [_time(line) for line in question["lines"]],
    "grants": lambda question: [_grants(index, line) for index, line in enumerate(question["lines"])],
    "files": _files,
    "rules": lambda _question: sorted(RULES),
}


if __name__ == "__main__":
    for text in sys.stdin:
        sys.stdout.buffer.write(canonical(answer(text)) + b"\n")
        sys.stdout.buffer.flush()
