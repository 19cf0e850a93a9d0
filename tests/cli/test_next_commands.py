"""Commands that are told as the next step can be pasted: they name the spec, quoted, unless it is the default."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from fbplan.cli.main import cli
from fbplan.commands import given
from fbplan.errors import LockHeld, Refused, UsageFault
from fbplan.journal.records import Begun, line_of
from fbplan.storage import Files, Holder

HOLDER = Holder("run-1", "ada", "runner-7", 7, "2026-03-01T10:00:00Z")
BEGUN = Begun("run-1", HOLDER.since, "ada", "runner-7", 7, "sha256:0", 3, "workspace", 0, "salt")
SPEC = "'races of may/fbplan.yaml'"


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Files:
    home = tmp_path / "races of may"
    home.mkdir()
    (home / "fbplan.yaml").write_text("version: 1\nworkspace: Production\n")
    monkeypatch.chdir(tmp_path)
    return Files(home / "fbplan.ledger.json")


def run(*words: str) -> Result:
    return CliRunner().invoke(cli, words, standalone_mode=False)


@pytest.mark.parametrize(
    ("spec", "words"),
    [("fbplan.yaml", ""), ("", ""), ("infra/fbplan.yaml", " infra/fbplan.yaml"), ("a $b/x.yaml", " 'a $b/x.yaml'")],
)
def test_a_spec_is_named_quoted_and_the_default_is_left_out(spec: str, words: str) -> None:
    assert given(spec) == words


def test_a_held_lock_names_the_spec_in_both_ways_out(place: Files) -> None:
    lease = place.lease(HOLDER, 0, print)
    found = run("apply", "races of may", "--yes", "--lock-timeout", "0s").exception
    assert isinstance(found, LockHeld)
    assert (
        found.next
        == f"wait for it: fbplan apply {SPEC} --lock-timeout 60s; or, if it is dead: fbplan unlock {SPEC} run-1"
    )
    lease.release()


def test_unlock_names_the_spec_in_every_way_out(place: Files) -> None:
    lease = place.lease(HOLDER, 0, print)
    other = run("unlock", "races of may/fbplan.yaml", "another", "--yes").exception
    assert isinstance(other, Refused)
    assert other.next == f"see who it is, then: fbplan unlock {SPEC} run-1"
    unasked = run("unlock", "races of may/fbplan.yaml", "run-1").exception
    assert isinstance(unasked, UsageFault)
    assert unasked.next == f"fbplan unlock {SPEC} run-1 --yes"
    assert run("unlock", "races of may/fbplan.yaml", "run-1", "--yes").output.endswith(f"next: fbplan plan {SPEC}\n")
    lease.release()


def test_journal_show_names_the_spec(place: Files) -> None:
    place.path("journal.run-1").write_bytes(line_of(BEGUN, 1))
    left = run("journal", "show", "races of may/fbplan.yaml").stderr
    assert left == f"next: fbplan apply {SPEC}  (it finds out what is open by reading, and goes on)\n"
    lease = place.lease(HOLDER, 0, print)
    running = run("journal", "show", "races of may/fbplan.yaml").stderr
    assert running.endswith(f"next: wait for it to end, or: fbplan unlock {SPEC}\n")
    lease.release()
