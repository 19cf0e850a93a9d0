"""A replace that is killed, and then the spec goes another way: what it set aside makes way for what is wanted now."""

from __future__ import annotations

from pathlib import Path

import pytest
from kill_rig import KillRig
from killing import killed_everywhere, opened
from rig import Rig
from seams import Seams

from fbplan.errors import ExitCode
from fbplan.journal.recovery import in_force
from fbplan.render.human import plan_text

NOW = 1_790_000_000
REPLACE = "replace:bucket.a"


def spec(bucket: str, storage_type: str = "S3") -> str:
    return (
        f"buckets:\n  a: {{bucket: {bucket}, storage_type: {storage_type}, region: r, key: {{env: K}},"
        " secret: {env: S}, soft_cap: {limit: 1GB}}\n"
    )


def converged(rig: KillRig) -> None:
    code, told = rig.run(REPLACE)
    assert code is ExitCode.OK, f"{told}\n{rig.journals()}"
    again = rig.plan()
    assert not again.has_changes, plan_text(again)
    assert set(rig.ids("bucket")) == {"a"}
    assert set(in_force(rig.storage).ledger.entries) == {"bucket.a"}


@pytest.mark.parametrize(
    "then",
    [
        pytest.param(spec("acme-old"), id="back"),
        pytest.param(spec("acme-old", "GCS"), id="back-in-another-form"),
        pytest.param(spec("acme-third"), id="to-a-third"),
        pytest.param(spec("acme-new", "GCS"), id="on-to-another-form"),
        pytest.param(spec("acme-new"), id="not-at-all"),
    ],
)
def test_L4_a_killed_replace_ends_in_one_run_wherever_the_spec_went(tmp_path: Path, then: str) -> None:
    base = tmp_path / "base"
    with opened(base, NOW, spec("acme-old")) as rig:
        converged(rig)

    def look(folder: Path, _: Seams, __: bytes) -> None:
        with opened(folder, NOW, then) as rig:
            converged(rig)

    assert killed_everywhere(base, NOW, spec("acme-new"), REPLACE, loses=False, then=look) >= 12


def test_L6_what_the_published_policy_names_is_not_replaced_though_it_was_detached_by_hand(rig: Rig) -> None:
    routed = "repositories:\n  app: {storage_type: S3, buckets: [{bucket: a, folder: a}], routing: {order: [a]}}\n"
    rig.spec(spec("acme-old") + routed)
    assert rig.apply().exit_code is ExitCode.OK
    home = rig.ids("repository")["app"]
    detached = {"name": "app", "storageType": "S3", "mode": "NORMAL", "repoBuckets": []}
    assert rig.http("PUT", f"/repo/{home}", detached)["success"]
    for changed in (spec("acme-old", "GCS"), spec("acme-new")):
        rig.spec(changed + routed)
        assert [r.guard for r in rig.plan(REPLACE).refusals] == ["replace-routed"]
    rig.spec(spec("acme-old"))
    assert rig.apply().exit_code is ExitCode.OK
    rig.spec(spec("acme-new"))
    assert rig.apply(REPLACE).exit_code is ExitCode.OK
