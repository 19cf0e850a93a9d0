"""`journal show` tells in words which drains an apply ended and began before it was stopped."""

from __future__ import annotations

from pathlib import Path

from click.testing import CliRunner

from fbplan.cli.main import cli
from fbplan.journal.records import Begun, DrainsBegun, DrainsOver
from fbplan.journal.writing import Journal
from fbplan.storage import Files

BEGUN = Begun("run-1", "2026-11-25T03:00:00Z", "ada", "host", 7, "sha256:0", 0, "workspace", 0, "salt")


def test_drains_that_ended_and_began_are_shown_in_words(tmp_path: Path) -> None:
    (tmp_path / "fbplan.yaml").write_text("version: 1\nworkspace: Production\n")
    journal = Journal(Files(tmp_path / "fbplan.ledger.json").open_log("journal.run-1"))
    for record in (BEGUN, DrainsOver(("bucket.a",)), DrainsBegun(("repository.app/bucket.b",), 1_790_000_000)):
        journal.intend(record)
    journal.close()

    shown = CliRunner().invoke(cli, ["journal", "show", str(tmp_path / "fbplan.yaml")])

    assert shown.stdout.splitlines()[1:] == [
        "  over        drain   bucket.a",
        "  begun       drain   repository.app/bucket.b, 2026-09-21T14:13:20Z",
    ]
