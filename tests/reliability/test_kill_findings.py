"""What the kill matrix and the state machine found, each as the smallest case of its rule."""

from __future__ import annotations

from pathlib import Path

import pytest
from kill_plans import NEW
from kill_rig import KEEP, KillRig
from seams import Seams

from fbplan.errors import ExitCode
from fbplan.ledger import read_ledger
from fbplan.storage import Conflict, Files


def test_a_journal_that_a_rival_removed_takes_no_more_records(tmp_path: Path) -> None:
    storage = Files(tmp_path / "fbplan.ledger.json")
    log = storage.open_log("journal.ours")
    log.append(b"an intent\n")
    log.sync()

    storage.remove("journal.ours")

    log.append(b"another intent\n")
    with pytest.raises(Conflict, match="took over"):
        log.sync()
    log.close()


def test_a_policy_generation_is_given_once_even_if_its_publishing_fails(tmp_path: Path) -> None:
    rig = KillRig(tmp_path, Seams())
    (tmp_path / "secrets").mkdir()
    (tmp_path / "keep").write_text(KEEP)
    (tmp_path / "keep").chmod(0o755)
    rig.spec(NEW)
    in_the_way = tmp_path / "routing-policy.json"
    rig.observer = lambda *_: in_the_way.mkdir(exist_ok=True)  # in mid-run: before that it would be found in time
    assert rig.run()[0] is ExitCode.PARTIAL
    rig.observer = None
    taken = read_ledger(rig.storage).policy_generation

    in_the_way.rmdir()
    assert rig.run()[0] is ExitCode.OK

    assert taken is not None
    assert rig.policy()["generation"] == taken + 1
    rig.close()
