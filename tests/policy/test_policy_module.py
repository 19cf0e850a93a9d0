"""`policy module`: one file per language, made of many."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from fbplan import __version__
from fbplan.cli.policy import policy
from fbplan.policy.module import LANGUAGES, module_text

SOURCES = Path(__file__).parents[2] / "fbplan/policy/modules"


@pytest.mark.parametrize("language", LANGUAGES.values(), ids=lambda language: language.name)
def test_the_module_holds_every_file_once_and_its_head_at_the_top(language):
    text = module_text(language)
    files = [p.read_text(encoding="utf-8").splitlines() for p in sorted((SOURCES / language.name).iterdir())]
    head = {line for lines in files for line in lines if language.head.fullmatch(line)}

    lines = text.splitlines()
    assert lines[0].startswith(f"// Made by fbplan {__version__}: ")
    assert head
    assert set(lines[2 : 2 + len(head)]) == head
    assert [line for line in lines[2 + len(head) :] if line] == [
        line for lines in files for line in lines if line and line not in head
    ]


@pytest.mark.parametrize("language", LANGUAGES.values(), ids=lambda language: language.name)
def test_its_sources_are_small_files_of_one_noun_each(language):
    lengths = {p.name: len(p.read_text(encoding="utf-8").splitlines()) for p in (SOURCES / language.name).iterdir()}
    assert {name: n for name, n in lengths.items() if n > 250} == {}


def test_it_goes_to_stdout_or_to_a_file(tmp_path: Path):
    out = tmp_path / "fbplan.ts"
    printed = CliRunner().invoke(policy, ["module", "--lang", "typescript"])
    written = CliRunner().invoke(policy, ["module", "--lang", "typescript", "--out", str(out)])

    assert printed.stdout == out.read_text(encoding="utf-8") == module_text(LANGUAGES["typescript"])
    assert (written.stdout, written.stderr) == ("", f"{out}: written\n")


def test_a_file_that_cannot_be_written_is_an_error_with_its_path(tmp_path: Path):
    missing = tmp_path / "no" / "fbplan.ts"
    ran = CliRunner().invoke(policy, ["module", "--lang", "typescript", "--out", str(missing)])

    assert str(ran.exception) or ran.exit_code
    assert "the module cannot be written" in repr(ran.exception)
    assert str(missing) in repr(ran.exception)
