"""An apply that was killed wrote no receipt: the next one writes it from the journal, once, whenever that is killed too."""

from __future__ import annotations

import contextlib
from collections import Counter
from pathlib import Path

from kill_rig import KillRig
from killing import killed_everywhere, opened
from seams import Crash, Seams

from fbplan.errors import ExitCode
from fbplan.journal.reading import Unfinished, journal_names, unfinished
from fbplan.journal.records import Begun, Ended, Intent, PolicyPublished
from fbplan.ledger import read_ledger
from fbplan.receipts import Act, read_history, receipt_of_killed
from fbplan.render.history import history_text, receipt_text

NOW = 1_790_000_000
SPEC = (
    "buckets:\n  a: {bucket: acme-a, storage_type: S3, region: r, key: {env: K}, secret: {env: S},"
    " soft_cap: {limit: 1GB}}\n"
)
BEGUN = Begun(
    "run-1", "2026-11-25T03:00:00Z", "ada", "runner-7", 7, "sha256:6", 4, "id", 0, "salt",
    "fbplan apply --yes", "https://ci.example/9", "Production", "fbplan.yaml", "sha256:5", "4f2c1ab9", True, ("delete:x",),
)  # fmt: skip


def leases_left(rig: KillRig) -> set[str]:
    """The runs whose journal tells who they were: a kill may come before that is written down."""
    return {j.begun.run for j in unfinished(rig.storage, journal_names(rig.storage)) if j.begun is not None}


def test_it_tells_who_when_from_where_and_what_became_of_each_step() -> None:
    records = (
        BEGUN,
        Intent("bucket.a:create", "bucket.a", "create"),
        Ended("bucket.a:create", "done"),
        Intent("bucket.b:create", "bucket.b", "create"),
        Ended("bucket.b:create", "unknown", is_settled=False),
        Ended("repository.r:create", "skipped"),
        PolicyPublished(7),
        Intent("bucket.c:delete", "bucket.c", "delete"),
    )
    receipt = receipt_of_killed(Unfinished("journal-run-1", records, is_torn=True))
    assert receipt is not None
    assert receipt.actions == (
        Act("bucket.a:create", "bucket.a", "create", "done"),
        Act("bucket.b:create", "bucket.b", "create", "unknown", "on the way when the apply was killed"),
        Act("repository.r:create", "repository.r", "create", "skipped"),
        Act("bucket.c:delete", "bucket.c", "delete", "unknown", "on the way when the apply was killed"),
        Act("policy:publish", "policy", "publish", "unknown", "generation 7: on the way when the apply was killed"),
    )
    assert (receipt.at, receipt.who, receipt.host, receipt.run_url) == (BEGUN.at, "ada", "runner-7", BEGUN.run_url)
    assert (receipt.commit, receipt.is_dirty, receipt.allowances) == ("4f2c1ab9", True, ("delete:x",))
    assert (receipt.workspace, receipt.spec, receipt.spec_digest) == ("Production", "fbplan.yaml", "sha256:5")
    assert (receipt.plan_id, receipt.lease, receipt.exit_name) == ("sha256:6", "run-1", "killed")
    assert "1 created, 1 skipped, 3 unknown" in receipt_text(receipt)
    assert receipt_of_killed(Unfinished("journal-run-1", records[1:], is_torn=False)) is None


def test_wherever_an_apply_is_killed_and_the_next_one_too_each_leaves_one_receipt(tmp_path: Path) -> None:
    base = tmp_path / "base"
    with opened(base, NOW, SPEC, Seams(9, _die)) as rig, contextlib.suppress(Crash):
        rig.run()
    with opened(base, NOW, SPEC) as rig:
        first = leases_left(rig)
        assert len(first) == 1

    def look(folder: Path, _: Seams, __: bytes) -> None:
        with opened(folder, NOW, SPEC) as rig:
            written = {receipt.lease for receipt in read_history(rig.storage).receipts}
            killed = written | leases_left(rig)
            assert first <= killed
            assert rig.run()[0] is ExitCode.OK
            history = read_history(rig.storage, read_ledger(rig.storage).receipt)
            assert history.is_vouched_for, history
            assert Counter(r.lease for r in history.receipts) == dict.fromkeys(killed, 1)
            assert {r.exit_name for r in history.receipts} == {"killed"}
            assert "killed" in history_text(history, history.receipts)

    assert killed_everywhere(base, NOW, SPEC, then=look) >= 20


def _die(_: str) -> None:
    raise Crash
