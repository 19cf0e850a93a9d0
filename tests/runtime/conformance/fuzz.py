"""The same random questions to every language; the answers must be equal to the byte.

    python tests/runtime/conformance/fuzz.py --cases 100000 --seed 7

prints the first case in which they differ, made as small as it gets.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

if __name__ == "__main__":
    sys.path[:0] = [str(Path(__file__).parents[n]) for n in (1, 2, 3)]

from fuzz_cases import Case, case, question
from languages import LANGUAGES, Runner, ask_all

MOST_QUESTIONS = 3_000
"""That the search for a smaller case may ask."""


@dataclass(frozen=True)
class Difference:
    seed: str
    case: Case
    answers: dict[str, bytes]

    def __str__(self) -> str:
        told = [f"{name}: {_shown(answer)}" for name, answer in self.answers.items()]
        return "\n".join((f"the languages differ at seed {self.seed}", json.dumps(question(self.case)), *told))


def _shown(answer: bytes) -> str:
    return answer.decode("utf-8", "backslashreplace")


def search(
    runners: Sequence[Runner],
    seed: str,
    cases: int,
    watch: Callable[[bytes], None] = lambda _answer: None,
    *,
    shrinks: bool = True,
) -> Difference | None:
    """Ask `cases` questions and see the first difference, made small."""
    for index in range(cases):
        name = f"{seed}:{index}"
        found = case(name)
        answers = ask_all(runners, question(found))
        watch(answers[0])
        if len(set(answers)) > 1:
            least = smaller(runners, found) if shrinks else found
            again = ask_all(runners, question(least))
            return Difference(name, least, dict(zip((runner.name for runner in runners), again, strict=True)))
    return None


def smaller(runners: Sequence[Runner], found: Case) -> Case:
    """What is left of a case when everything is taken out without which the runners still differ."""
    faults = _faults(ask_all(runners, question(found)))
    asked = 0
    is_smaller = True
    while is_smaller and asked < MOST_QUESTIONS:
        is_smaller = False
        for candidate in _without_something(found):
            asked += 1
            answers = ask_all(runners, question(candidate))
            # a case that became no question at all makes every runner fail in its own words
            if len(set(answers)) > 1 and _faults(answers) == faults:
                found, is_smaller = candidate, True
                break
            if asked >= MOST_QUESTIONS:
                break
    return found


def _faults(answers: Sequence[bytes]) -> list[bytes]:
    return [answer if answer.startswith(b'{"error":"fault') else b"" for answer in answers]


def _without_something(value: Any) -> Iterator[Any]:
    """The value with one part less, or with one number or text smaller."""
    if isinstance(value, dict):
        for key, part in value.items():
            yield {k: v for k, v in value.items() if k != key}
            yield from ({**value, key: less} for less in _without_something(part))
    elif isinstance(value, list):
        for index, part in enumerate(value):
            yield value[:index] + value[index + 1 :]
            yield from ([*value[:index], less, *value[index + 1 :]] for less in _without_something(part))
    elif isinstance(value, str) and len(value) > 1:
        yield value[: len(value) // 2]
        yield value[len(value) // 2 :]
        yield value[1:]
        yield value[:-1]
    elif isinstance(value, int) and not isinstance(value, bool) and value > 1:
        yield from (0, 1, value // 2)


def rules_in(answer: bytes) -> set[str]:
    """The rules that a record names."""
    return {found.decode() for found in re.findall(rb'"rule":"([0-9]\.[a-z_]+)"', answer)}


def _main() -> int:
    parser = argparse.ArgumentParser(description="Ask every language that is here the same random questions.")
    parser.add_argument("--cases", type=int, default=100_000)
    parser.add_argument("--seed", default="1")
    asked = parser.parse_args()
    with ExitStack() as opened:
        runners = []
        for language in LANGUAGES:
            missing = language.missing()
            if missing is not None:
                print(f"without {language.name}: {missing}", file=sys.stderr)
                continue
            runners.append(Runner(language))
            opened.callback(runners[-1].close)
        found = search(runners, asked.seed, asked.cases)
    print(found or f"{asked.cases} cases, {len(runners)} languages, no difference")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(_main())
