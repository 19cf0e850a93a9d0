"""Random questions: every language gives the same answer, and the search finds a language that does not.

`FBPLAN_FUZZ=100000 FBPLAN_FUZZ_SEED=x` asks more of them and others.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from fuzz import rules_in, search
from fuzz_cases import case
from languages import LANGUAGES, Runner

from fbplan.runtime.rules import RULES

CASES = int(os.environ.get("FBPLAN_FUZZ", "4000"))
SEED = os.environ.get("FBPLAN_FUZZ_SEED", "1")
UNNAMED = {"2.share", "2.own", "5.tier", "6.retry_at", "8.suspects", "9.record"}
"""Rules that work on numbers and alarms: a record shows what they did and never names them."""


def test_every_language_answers_random_questions_as_python_does() -> None:
    missing = [why for language in LANGUAGES if (why := language.missing()) is not None]
    named: set[str] = set()
    with ExitStack() as opened:
        runners = [Runner(language) for language in LANGUAGES if language.missing() is None]
        for runner in runners:
            opened.callback(runner.close)
        found = search(runners, SEED, CASES, lambda answer: named.update(rules_in(answer)))
    assert found is None, str(found)
    assert set(RULES) - named <= UNNAMED, "the questions do not reach every rule"
    if missing:
        pytest.skip("; ".join(missing))


class Mutant(Runner):
    """Python without one rule, which does not say so."""

    off: str

    def send(self, question: Any) -> None:
        super().send({**question, "off": [*question.get("off", ()), self.off]})


@pytest.fixture(scope="module")
def pair() -> Iterator[tuple[Runner, Mutant]]:
    with ExitStack() as opened:
        made = Runner(LANGUAGES[0]), Mutant(LANGUAGES[0])
        for runner in made:
            opened.callback(runner.close)
        yield made


@pytest.mark.parametrize("rule", RULES)
def test_it_finds_a_language_that_forgets_a_rule(pair: tuple[Runner, Mutant], rule: str) -> None:
    pair[1].off = rule
    assert search(pair, "1", 3000, shrinks=False) is not None


def test_what_it_finds_is_made_small(pair: tuple[Runner, Mutant]) -> None:
    pair[1].off = "7.charge"
    found = search(pair, "1", 3000)
    assert found is not None
    assert len(found.case["steps"]) == 1
    assert len(str(found)) < len(str(case(found.seed)))
    assert str(found).startswith(f"the languages differ at seed {found.seed}\n")


def test_one_seed_is_one_question() -> None:
    assert case("1:7") == case("1:7")
    assert case("1:7") != case("2:7")
