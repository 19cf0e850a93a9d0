"""Every rule of a spec by example: cases/NAME.yaml is told exactly as cases/NAME.txt says.

A line of NAME.txt is `LINE:COLUMN CODE [ADDRESS] MESSAGE → FIX`; warnings come last and start with `warning`.
`FBPLAN_BLESS=1 pytest tests/spec` writes the expectations anew: read the difference before you commit it.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from fbplan.errors import Code, Diagnostic, SpecInvalid
from fbplan.spec.load import load_spec

CASES = Path(__file__).parent / "cases"
NAMES = sorted(path.stem for path in CASES.glob("*.yaml"))
BY_OTHER_TESTS = {Code.UNREADABLE}  # a file that cannot be read is no file in a folder: test_spec_hostile.py


def told(path: Path) -> str:
    try:
        found = load_spec(path).warnings
    except SpecInvalid as fault:
        found = fault.diagnostics
    return "".join(line(d) for d in found)


def line(found: Diagnostic) -> str:
    place = f"{found.location.line}:{found.location.column}" if found.location else "nowhere"
    head = f"{'warning ' if found.is_warning else ''}{place} {found.code.id}"
    return f"{head}{f' {found.address}' if found.address else ''} {found.message} → {found.fix}\n"


@pytest.mark.parametrize("name", NAMES)
def test_each_problem_is_told_with_its_place_and_its_fix(name: str) -> None:
    expectation = CASES / f"{name}.txt"
    actual = told(CASES / f"{name}.yaml")
    if os.environ.get("FBPLAN_BLESS"):
        expectation.write_text(actual, encoding="utf-8")
    assert actual == expectation.read_text(encoding="utf-8")


def test_every_code_has_a_case() -> None:
    written = "".join((CASES / f"{name}.txt").read_text(encoding="utf-8") for name in NAMES)
    assert {code for code in Code if f" {code.id} " not in written} == BY_OTHER_TESTS


@pytest.mark.parametrize("name", NAMES)
def test_a_caret_stands_under_the_column(name: str) -> None:
    try:
        found = load_spec(CASES / f"{name}.yaml").warnings
    except SpecInvalid as fault:
        found = fault.diagnostics
    for diagnostic in found:
        if diagnostic.frame:
            rows = diagnostic.frame.split("\n")
            marked = next(index for index, row in enumerate(rows) if row.startswith(">"))
            assert int(rows[marked].split("|")[0].strip("> ")) == diagnostic.location.line
            assert rows[marked + 1].strip("| ") == "^"


def test_the_order_of_problems_is_the_order_of_the_file() -> None:
    with pytest.raises(SpecInvalid) as first:
        load_spec(CASES / "bad_values.yaml")
    with pytest.raises(SpecInvalid) as second:
        load_spec(CASES / "bad_values.yaml")
    places = [(d.location.line, d.location.column) for d in first.value.diagnostics if d.location]
    assert places == sorted(places)
    assert first.value.diagnostics == second.value.diagnostics
    assert len(places) > 20


def test_messages_are_quiet() -> None:
    for name in NAMES:
        for told_line in (CASES / f"{name}.txt").read_text(encoding="utf-8").splitlines():
            message, fix = told_line.split(" → ")
            assert "!" not in told_line, told_line
            assert fix.strip(), told_line
            assert "Input" not in message
            assert "pydantic" not in told_line
