"""What every case of the matrix came to, as a file that the tests hold it to and the documents are made from."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from fault_strikes import Case

FILE = Path(__file__).with_name("fault_matrix.json")


class Behaviour(NamedTuple):
    """What became of the struck step, and of the routing policy (empty where it was not due)."""

    step: str
    policy: str


def write(found: Iterable[tuple[Case, Behaviour]]) -> None:
    """Scenario and point → behaviour → the strikes that came to it."""
    grouped: dict[str, dict[str, list[str]]] = {}
    for case, (step, policy) in found:
        place = grouped.setdefault(f"{case.scenario.name} {case.point}", {})
        place.setdefault(f"{step} | {policy}", []).append(case.strike.name)
    FILE.write_text(json.dumps(grouped, indent=1) + "\n", encoding="utf-8")


def recorded() -> dict[str, Behaviour]:
    """By the name of the case."""
    return dict(_flat(json.loads(FILE.read_text(encoding="utf-8")))) if FILE.exists() else {}


def _flat(grouped: Mapping[str, Mapping[str, list[str]]]) -> Iterator[tuple[str, Behaviour]]:
    for place, words in grouped.items():
        for told, strikes in words.items():
            step, policy = told.split(" | ")
            for strike in strikes:
                yield f"{place.replace(' ', '-')}-{strike}", Behaviour(step, policy)
