"""Drains that an apply ends or begins are in its journal: killed at any record, the next apply knows of them."""

from __future__ import annotations

from pathlib import Path

import pytest
from kill_rig import KillRig
from killing import killed_everywhere, opened
from rig import WRITES
from seams import Seams

from fbplan.errors import ExitCode
from fbplan.journal.recovery import in_force
from fbplan.storage import Files

T0, DAY = 1_790_000_000, 86_400
KEYS = "w: {access: WRITE, sink: {file: w.env}}, q: {access: WRITE, sink: {file: q.env}}"
ALL = {"api_key.app.q", "bucket.b"}
"""What goes in these tests."""
ITEMS = {"repository.app/api_key.app.q", "repository.app/bucket.b", "bucket.b"}
"""What their drains are about."""


def spec(buckets: str, attached: str, keys: str = KEYS) -> str:
    """Only `a` is routed to and only `w` is named by the policy: of the rest nothing but the books knows."""
    made = "".join(
        f"  {b}: {{bucket: acme-{b}, storage_type: S3, region: r, key: {{env: K}}, secret: {{env: S}},"
        f" soft_cap: {{limit: 1GB}}}}\n"
        for b in buckets
    )
    rows = ", ".join(f"{{bucket: {b}, folder: {b}}}" for b in attached)
    return (
        f"buckets:\n{made}repositories:\n  app:\n    storage_type: S3\n    buckets: [{rows}]\n"
        f"    routing: {{order: [a], drain: 24h}}\n    api_keys: {{{keys}}}\n"
    )


WHOLE, NARROW = spec("ab", "ab"), spec("a", "a", KEYS.partition(", q:")[0])
WIDER, NARROWER = spec("abc", "ab"), spec("ac", "a", KEYS.partition(", q:")[0])
"""The same, each beside a new bucket, so that there is something to send."""


def applied(folder: Path, now: int, text: str) -> set[str]:
    """What stands and could go after a whole apply of a spec."""
    with opened(folder, now, text) as rig:
        code, told = rig.run()
        assert code is ExitCode.OK, told
        return standing(rig)


def standing(rig: KillRig) -> set[str]:
    attached = {a["bucket"]["name"] for r in rig.http("GET", "/repo")["repos"] for a in r["buckets"]}
    keys = {f"api_key.app.{name}" for name in rig.keys("app")}
    return {f"bucket.{b}" for b in attached & set(rig.ids("bucket"))} | keys


def drains(folder: Path) -> dict[str, int]:
    return dict(in_force(Files(folder / "fbplan.ledger.json")).ledger.drains)


def is_published(folder: Path, before: bytes) -> bool:
    return (folder / "routing-policy.json").read_bytes() != before


def test_the_scene_without_a_kill(tmp_path: Path) -> None:
    base = tmp_path / "base"
    assert applied(base, T0, WHOLE) >= ALL
    assert applied(base, T0, NARROW) >= ALL, "the drain begins"
    assert not applied(base, T0 + DAY, NARROW) & ALL, "and is over"


@pytest.mark.parametrize("loses", [False, True], ids=["killed", "power cut"])
def test_L6_a_drain_taken_back_by_a_killed_apply_waits_in_full_when_it_begins_anew(tmp_path: Path, loses: bool) -> None:
    """What was declared again may be in use again, whether or not the policy names it."""
    base = tmp_path / "base"
    applied(base, T0, WHOLE)
    applied(base, T0, NARROW)
    were_out = []

    def then(folder: Path, seams: Seams, before: bytes) -> None:
        is_sent = any(name.split(" ")[0] in WRITES for name in seams.names)
        were_out.append(is_sent or is_published(folder, before))
        if not were_out[-1]:
            return  # as if it had never run: what nobody was told of waits no longer for it
        assert drains(folder) == {}, f"killed at {seams.names[-1]}: the old start lives on"
        again = T0 + DAY + 1
        assert applied(folder, again, NARROWER) >= ALL, f"killed at {seams.names[-1]}: went by its old start"
        assert applied(folder, again + DAY - 1, NARROWER) >= ALL
        assert not applied(folder, again + DAY, NARROWER) & ALL

    killed_everywhere(base, T0 + DAY, WIDER, loses=loses, then=then)
    assert {True, False} == set(were_out)


@pytest.mark.parametrize("loses", [False, True], ids=["killed", "power cut"])
def test_a_drain_that_a_killed_apply_began_counts_from_its_publishing_and_never_without(
    tmp_path: Path, loses: bool
) -> None:
    base = tmp_path / "base"
    routed = WHOLE.replace("order: [a]", "order: [a, b]")
    applied(base, T0, routed)
    began = []

    def then(folder: Path, seams: Seams, before: bytes) -> None:
        found = drains(folder)
        assert found in ({}, dict.fromkeys(ITEMS, T0)), seams.names[-1]
        assert is_published(folder, before) or not found, (
            f"killed at {seams.names[-1]}: it drains, and the policy still names it"
        )
        began.append(bool(found))
        since = T0 if found else T0 + 60
        assert applied(folder, T0 + 60, NARROWER) >= ALL
        assert applied(folder, since + DAY - 1, NARROWER) >= ALL
        assert not applied(folder, since + DAY, NARROWER) & ALL

    killed_everywhere(base, T0, NARROWER, loses=loses, then=then)
    assert {True, False} == set(began)


@pytest.mark.parametrize("loses", [False, True], ids=["killed", "power cut"])
def test_a_drain_is_over_with_the_step_that_ends_it(tmp_path: Path, loses: bool) -> None:
    base = tmp_path / "base"
    applied(base, T0, WHOLE)
    applied(base, T0, NARROW)
    found = set()

    def then(folder: Path, seams: Seams, before: bytes) -> None:
        del before
        left = drains(folder)
        with opened(folder, T0 + DAY, NARROW) as rig:
            is_there = "b" in rig.ids("bucket")
        assert "bucket.b" in left or not is_there, f"killed at {seams.names[-1]}: it would wait twice"
        found.add(len(left))
        assert not applied(folder, T0 + DAY, NARROW) & ALL
        assert drains(folder) == {}

    killed_everywhere(base, T0 + DAY, NARROW, loses=loses, then=then)
    assert found == {0, 1, 2, 3}, "one after the other"
