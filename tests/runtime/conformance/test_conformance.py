"""Every language answers every vector to the byte, and its runner notices when one of its rules is left out."""

from __future__ import annotations

import json

import pytest
from languages import Runner, expected, vectors

from fbplan.runtime.canonical import canonical
from fbplan.runtime.rules import RULES
from fbplan.runtime.words import why

VECTORS = vectors()
WRITES = {name: vector for name, vector in VECTORS.items() if vector["kind"] == "writes"}


@pytest.mark.parametrize("name", VECTORS)
def test_answers_are_equal_to_the_byte(runner: Runner, name: str) -> None:
    assert runner.ask(VECTORS[name]) == canonical(expected(VECTORS[name]))


@pytest.mark.parametrize("rule", RULES)
def test_a_runner_without_one_rule_fails_every_vector_that_names_it(runner: Runner, rule: str) -> None:
    named = {name: vector for name, vector in WRITES.items() if rule in vector["rules"]}
    assert named
    passed = [n for n, v in named.items() if runner.ask({**v, "off": [rule]}) == canonical(expected(v))]
    assert passed == []


def test_it_knows_every_rule_and_no_other(runner: Runner) -> None:
    assert runner.ask({"kind": "rules"}) == canonical(sorted(RULES))


@pytest.mark.parametrize("name", WRITES)
def test_it_tells_a_record_in_the_same_words(runner: Runner, name: str) -> None:
    words = [why(record) for record in expected(WRITES[name])]
    assert runner.ask({**WRITES[name], "answer": "words"}) == canonical(words)


def test_a_file_may_be_given_as_its_text_and_is_refused_by_the_same_word(runner: Runner) -> None:
    vector = WRITES["hops.json"]
    text = json.dumps(vector["policy"])
    asked = {
        text: canonical(expected(vector)),
        text[:-1]: b'{"error":"torn"}',
        text.replace("fbplan.routing/1", "fbplan.routing/2"): b'{"error":"format"}',
        text.replace('"min_reader": 1', '"min_reader": 2'): b'{"error":"reader"}',
        text.replace('"generation": 7', '"generation": 8'): b'{"error":"digest"}',
        text.replace('"generation": 7', '"generation": 7.0'): b'{"error":"shape"}',
    }
    assert {policy: runner.ask({**vector, "policy": policy}) for policy in asked} == asked


def test_no_line_stops_it(runner: Runner) -> None:
    assert runner.ask({"kind": "later"}) == b'{"error":"kind"}'
    for line in ("", "{", "null", '{"kind":"writes"}', '{"kind":["writes"]}'):
        assert json.loads(runner.ask(line))["error"].startswith(("fault: ", "kind"))
    assert runner.ask({"kind": "turns", "lines": []}) == b"[]"
