"""Go answers every vector to the byte, and its runner notices when one of its rules is left out."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import go_module
import pytest

from fbplan.runtime.canonical import canonical
from fbplan.runtime.rules import RULES
from fbplan.runtime.words import why

FOLDER = go_module.ROOT / "schemas/vectors"
INDEX = json.loads((FOLDER / "index.json").read_text(encoding="utf-8"))["vectors"]
VECTORS = {line["file"]: json.loads((FOLDER / line["file"]).read_text(encoding="utf-8")) for line in INDEX}
WRITES = {name: vector for name, vector in VECTORS.items() if vector["kind"] == "writes"}
pytestmark = pytest.mark.skipif(go_module.missing() is not None, reason=go_module.missing() or "all is there")


class Runner:
    """The conformance runner at work (schemas/vectors/README.md)."""

    def __init__(self) -> None:
        program = go_module.built(Path(__file__).parent / "conformance/runner.go")
        self._process = subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def ask(self, question: object) -> bytes:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        line = question if isinstance(question, str) else json.dumps(question)
        self._process.stdin.write(line.encode() + b"\n")
        self._process.stdin.flush()
        return self._process.stdout.readline().removesuffix(b"\n")

    def close(self) -> None:
        self._process.communicate()


@pytest.fixture(scope="module")
def runner() -> Iterator[Runner]:
    made = Runner()
    yield made
    made.close()


def expected(vector: dict[str, Any]) -> list[Any]:
    keys = {"classes": "class", "turns": "ppm", "files": "refused", "writes": "expect"}
    lines = vector["steps"] if vector["kind"] == "writes" else vector["lines"]
    match vector["kind"]:
        case "references":
            return [None if line["repository"] is None else line for line in lines]
        case "times":
            return [None if line["ms"] is None else {k: line[k] for k in ("ms", "written")} for line in lines]
        case "grants":
            return [{k: line[k] for k in ("rounds", "grants")} for line in lines]
        case kind:
            return [line[keys[kind]] for line in lines]


@pytest.mark.parametrize("name", VECTORS)
def test_answers_are_equal_to_the_byte(runner: Runner, name: str) -> None:
    assert runner.ask(VECTORS[name]) == canonical(expected(VECTORS[name]))


@pytest.mark.parametrize("rule", RULES)
def test_a_runner_without_one_rule_fails_every_vector_that_names_it(runner: Runner, rule: str) -> None:
    named = {name: vector for name, vector in WRITES.items() if rule in vector["rules"]}
    assert named
    passed = [n for n, v in named.items() if runner.ask({**v, "off": [rule]}) == canonical(expected(v))]
    assert passed == []


@pytest.mark.parametrize("name", WRITES)
def test_it_tells_a_record_in_the_same_words(runner: Runner, name: str) -> None:
    words = [why(record) for record in expected(WRITES[name])]
    assert runner.ask({**WRITES[name], "answer": "words"}) == canonical(words)


def test_it_knows_every_rule_and_no_other(runner: Runner) -> None:
    assert runner.ask({"kind": "rules"}) == canonical(sorted(RULES))


def test_no_line_stops_it(runner: Runner) -> None:
    assert runner.ask({"kind": "later"}) == b'{"error":"kind"}'
    for line in ("", "{", "null", '{"kind":"writes"}', '{"kind":["writes"]}'):
        assert json.loads(runner.ask(line))["error"].startswith(("fault: ", "kind"))
    assert runner.ask({"kind": "turns", "lines": []}) == b"[]"
