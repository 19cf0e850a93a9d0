"""A name or a password in the address of the API: refused, and nowhere written down or told."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from desk import Desk, opened

from fbplan.cli.leasing import spoken_command
from fbplan.cli.whence import without_userinfo

CANARY = "canary-pass-3d7e"


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with opened(tmp_path) as found:
        yield found


def traces(desk: Desk) -> list[str]:
    """Every file that holds the canary."""
    return [str(p) for p in desk.folder.rglob("*") if p.is_file() and CANARY.encode() in p.read_bytes()]


@pytest.mark.parametrize(
    "address",
    [
        "https://ada:{}@api.example",
        "https://ada:x/{}@api.example/v1",
        "ada:{}@api.example",
        "https://{}@api.example?x=1",
        "https://api.example/?token={}@x",
    ],
)
@pytest.mark.parametrize("command", ["plan", "apply"])
def test_an_address_with_a_password_is_refused_and_leaves_no_trace(desk: Desk, address: str, command: str) -> None:
    url = address.format(CANARY)
    given = (
        desk(command, *(["--yes"] if command == "apply" else []), "--api-url", url, "-o", "json"),
        desk(command, *(["--yes"] if command == "apply" else []), "-o", "json", FB_API_URL=url),
    )
    for ran in given:
        assert ran.code == 64
        assert json.loads(ran.out)["error"]["what"] == "the API address holds a name or a password"
        assert CANARY not in ran.out + ran.err
    assert traces(desk) == []
    assert not list(desk.folder.glob("*.lock"))


def test_what_is_written_down_of_a_command_holds_no_user_info(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Should a password ever be let through: the lock, the journal and the receipts take this text."""
    monkeypatch.setattr(
        sys, "argv", ["fbplan", "apply", "--api-url", f"ada:{CANARY}@api.example", f"--api-url=https://u:{CANARY}@h/v1"]
    )
    assert spoken_command() == "fbplan apply --api-url ***@api.example --api-url=https://***@h/v1"


def test_the_receipt_holds_the_command_without_what_was_typed_by_mistake(desk: Desk) -> None:
    ran = desk("apply", "--yes", "--api-url", desk.url, "-o", f"md=out/https://u:{CANARY}@h.md", "-o", "human")
    assert ran.code == 0, ran.err
    receipt = json.loads((desk.folder / "fbplan.ledger.receipts.jsonl").read_text())
    assert receipt["command"] == f"fbplan apply --yes --api-url {desk.url} -o md=out/https://***@h.md -o human"
    assert traces(desk) == []
    assert CANARY not in (desk.folder / "fbplan.ledger.lock").read_text()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("https://u:p@h/x", "https://***@h/x"),
        ("https://u:p/@q@h/x", "https://***@h/x"),
        ("a https://u:p@h b s3://k:v@w c@d", "a https://***@h b s3://***@w c@d"),
        ("https://h/x", "https://h/x"),
        ("emulator:dir@2", "emulator:dir@2"),
    ],
)
def test_user_info_is_taken_out_of_addresses_alone(text: str, expected: str) -> None:
    assert without_userinfo(text) == expected
