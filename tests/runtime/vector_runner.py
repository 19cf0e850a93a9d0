"""Plays a conformance vector of writes in virtual time. A runner in another language does the same (schemas/vectors)."""

from __future__ import annotations

from typing import Any

from runtime_world import raw

from fbplan.runtime.course import begin, proceed, settled, told
from fbplan.runtime.flight import Answer
from fbplan.runtime.policy import read_policy
from fbplan.runtime.record import write_record
from fbplan.runtime.state import State
from fbplan.runtime.usage import read_usage
from fbplan.runtime.view import Request, View


class NoSuchRepository(Exception):
    pass


def play(vector: dict[str, Any], off: frozenset[str] = frozenset()) -> list[dict[str, Any]]:
    """The records of all steps, with some rules left out."""
    policy = read_policy(_content(vector["policy"]))
    usages = {name: read_usage(_content(document)) for name, document in sorted(vector["usages"].items())}
    if vector["repository"] not in policy.repositories:
        raise NoSuchRepository
    state, records = State(), []
    for step in vector["steps"]:
        usage = usages[step["usage"]] if step["usage"] is not None else None
        view = View(
            policy=policy,
            repository=policy.repositories[vector["repository"]],
            usage=usage,
            confirmed_ms=vector["confirmed_ms"],
            writer=vector["writer"],
            simple=vector["simple"],
            expects_usage=vector["expects_usage"],
            born_ms=vector["born_ms"],
            off=off,
        )
        state, record = _write(view, state, step)
        records.append(record)
    return records


def _content(file: dict[str, Any] | str) -> bytes:
    """A file as it stands on disk: made from a document, or given as it is."""
    return file.encode() if isinstance(file, str) else raw(file)


def _write(view: View, state: State, step: dict[str, Any]) -> tuple[State, dict[str, Any]]:
    now, script = step["at_ms"], list(step["script"])
    state, flight = begin(view, state, now, Request(**step["write"]))
    for _ in range(100):  # a rule that is left out may leave a write without an end
        action = flight.action
        if action.is_end:
            break
        if action.do == "try":
            line = script.pop(0) if script else {"ms": 10, "status": 200}
            now += line["ms"]
            answer = Answer(
                **{"status": 0, **{key: value for key, value in line.items() if key not in {"ms", "found"}}}
            )
            state, flight = told(state, flight, now, answer)
        elif action.do == "head":
            line = script.pop(0) if script else {"ms": 10, "found": "absent"}
            now += line["ms"]
            state, flight = settled(state, flight, now, line.get("found", "unknown"))
        else:
            now += action.ms
            state, flight = proceed(state, flight, now)
    return state, write_record(flight)
