"""The document about conformance: rules and tables by language. What it states, the tests beside it prove in every run."""

from __future__ import annotations

from collections.abc import Sequence

from languages import LANGUAGES, vectors

from fbplan.runtime.rules import RULES

_HEAD = """\
# Conformance: every rule in every language

Made from `schemas/vectors` and the list of languages by `python tests/docs/doc_generate.py`.

The chooser stands in {languages}. A number is that of the vectors which name the rule. Behind each of them stand two
tests in `tests/runtime/conformance`, run in CI for every language:

- its runner answers all these vectors as they are written down, equal to the byte;
- its runner **without that one rule** fails every one of them.

A third test asks all languages at once some thousand random questions (policies, usages, writes with faults, damaged
files, numbers up to 2^53) and compares the answers to the byte; it also shows that it finds a language in which any of
these rules is missing. More of them: `python tests/runtime/conformance/fuzz.py --cases 1000000 --seed x`.

The questions and answers are described in [schemas/vectors](../schemas/vectors/README.md).

## Rules

"""


def conformance_text() -> str:
    """Two tables, rules and tables down and languages across."""
    names = [language.name for language in LANGUAGES]
    found = vectors()
    by_rule = {rule: sum(rule in vector["rules"] for vector in found.values()) for rule in RULES}
    rules = [(f"`{rule}`", told, *(str(by_rule[rule]) for _ in names)) for rule, told in RULES.items()]
    tables = [
        (f"[{name}](../schemas/vectors/{name})", vector["told"], *(str(len(vector["lines"])) for _ in names))
        for name, vector in found.items()
        if vector["kind"] != "writes"
    ]
    return "".join(
        (
            _HEAD.format(languages=" and ".join((", ".join(names[:-1]), names[-1]))),
            _rows(("rule", "what it says", *names), rules),
            "\n## Tables\n\nQuestions and answers that are compared line by line.\n\n",
            _rows(("table", "what it holds", *names), tables),
        )
    )


def _rows(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    marks = ["---", "---", *("--:" for _ in head[2:])]
    return "".join(f"| {' | '.join(row)} |\n" for row in (head, marks, *rows))
