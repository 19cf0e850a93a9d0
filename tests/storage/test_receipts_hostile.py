"""A file of receipts that somebody changed, or that another version wrote: told with its lines, never an exception."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from test_receipts import RECEIPT, path, written

from fbplan.cli.main import cli
from fbplan.errors import UsageFault
from fbplan.receipts import append_receipt, encoded, read_history
from fbplan.storage import Files

DIGITS = b"9" * 5000


def verified(folder: Path, *words: str) -> Result:
    (folder / "fbplan.yaml").write_text("version: 1\nworkspace: Production\n")
    return CliRunner().invoke(cli, ("history", *words, str(folder / "fbplan.yaml")), standalone_mode=False)


def with_value(name: str, value: bytes) -> bytes:
    """A receipt whose one field holds this."""
    whole = json.loads(encoded(RECEIPT))
    return encoded(RECEIPT).replace(
        b'"%s":%s' % (name.encode(), json.dumps(whole[name], separators=(",", ":")).encode()),
        b'"%s":%s' % (name.encode(), value),
    )


@pytest.mark.parametrize(
    "line",
    [
        b"{}",
        b"[]",
        b"\xff",
        b"hello",
        b'{"format":"fbplan.receipt/1"}',
        b'{"format":"fbplan.receipt/1" nonsense "x":1}',
        b"[" * 100_000,
        b"null",
        DIGITS,
        *(with_value("number", v) for v in (DIGITS, b"9" * 400, b"1e400", b"-1", b"NaN", b'"7"', b"true")),
        *(with_value("seconds", v) for v in (b"9" * 400, b"Infinity", b"[]")),
        *(with_value(name, b"{}") for name in ("at", "who", "exit_code", "policy_generation", "actions", "allowances")),
        with_value("actions", b"[7]"),
    ],
    ids=lambda line: line[:40].decode("utf-8", "replace"),
)
@pytest.mark.parametrize("end", [b"\n", b""])
def test_a_line_that_is_no_receipt_is_told_with_its_number_and_verify_exits_1(
    tmp_path: Path, line: bytes, end: bytes
) -> None:
    written(tmp_path, 1)
    with path(tmp_path).open("ab") as file:
        file.write(line + end)
    found = read_history(Files(tmp_path / "fbplan.ledger.json"))
    assert (len(found.receipts), found.torn) == (1, ())
    assert found.broken == ("line 2 is no receipt: it was changed or put in",)
    for form in ("human", "json", "md", "github"):
        ran = verified(tmp_path, "--verify", "-o", form)
        assert (ran.return_value, "line 2 is no receipt" in ran.output) == (1, True), ran.exception


@pytest.mark.parametrize("text", ["", "ä€\U0001f600" * 3, 'a"b\\c\n'])
def test_a_receipt_is_cut_short_wherever_it_is_cut(tmp_path: Path, text: str) -> None:
    place = written(tmp_path, 1)
    whole, line = path(tmp_path).read_bytes(), encoded(replace(RECEIPT, who=text, number=2))
    for cut in range(1, len(line)):
        path(tmp_path).write_bytes(whole + line[:cut])
        found = read_history(place)
        assert (len(found.torn), found.broken) == (1, ()), line[:cut]
    append_receipt(place, RECEIPT)
    assert verified(tmp_path, "--verify").return_value == 0


def test_a_newer_format_is_told_as_such_and_is_not_vouched_for(tmp_path: Path) -> None:
    place = written(tmp_path, 1)
    newer = encoded(replace(RECEIPT, number=2)).replace(b"fbplan.receipt/1", b"fbplan.receipt/2")
    place.add_record("receipts.jsonl", lambda _: newer)
    append_receipt(place, RECEIPT)
    found = read_history(place)
    assert found.newer == ("line 2 was written by another version of fbplan: its format is 'fbplan.receipt/2'",)
    assert ([r.number for r in found.receipts], found.torn, found.broken) == ([1, 3], (), ())
    ran = verified(tmp_path, "--verify")
    assert (ran.return_value, "another version of fbplan" in ran.output) == (1, True)
    assert verified(tmp_path).return_value == 0


def test_fields_that_this_version_does_not_know_are_passed_over(tmp_path: Path) -> None:
    place = Files(tmp_path / "fbplan.ledger.json")
    place.add_record("receipts.jsonl", lambda _: encoded(replace(RECEIPT, number=1))[:-1] + b',"later":1}')
    assert read_history(place).receipts == (replace(RECEIPT, number=1),)


def test_a_number_of_5000_digits_is_no_receipt_of_ours(tmp_path: Path) -> None:
    written(tmp_path, 1)
    assert isinstance(verified(tmp_path, DIGITS.decode()).exception, UsageFault)
