"""The workspace that an unfinished journal pins is compared before anything is read or written there."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner
from test_journal import BEGUN, written

from fbplan.cli.main import cli
from fbplan.errors import Refused

SPEC = """
version: 1
workspace: Production
buckets:
  a: {bucket: acme-a, storage_type: S3, region: r, key: {env: K}, secret: {env: S}, soft_cap: {limit: 1GB}}
"""


@pytest.mark.parametrize("command", [["plan"], ["apply", "--yes"]])
def test_a_journal_of_another_workspace_is_refused(tmp_path: Path, command: list[str]) -> None:
    """No ledger was written yet: the journal of the apply that was killed is all that knows its workspace."""
    (tmp_path / "fbplan.yaml").write_text(SPEC)
    written(tmp_path, BEGUN)

    answer = CliRunner(env={"K": "k", "S": "s", "FB_API_URL": f"emulator:{tmp_path / 'emulator'}"}).invoke(
        cli, [*command, str(tmp_path / "fbplan.yaml")], standalone_mode=False
    )

    assert isinstance(answer.exception, Refused), answer.output
    assert "belongs to another workspace" in str(answer.exception)
    assert (tmp_path / "fbplan.ledger.journal.run-1").exists()
