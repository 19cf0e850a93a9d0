"""A signal where nothing is being written: the run ends at once, whatever hangs, and leaves no lock behind."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from stand import SLOW, Stand, on, opened
from storage_places import holder

from fbplan.storage import Files

SPEC = """
credentials:
  main: {{provider: AWS, key: {{env: K2}}, secret: {{env: S2}}, region: eu}}
buckets:
{buckets}
"""


def spec(*names: str) -> str:
    row = "  {0}: {{bucket: acme-{0}, storage_type: S3, region: r, credential: main}}"
    return SPEC.format(buckets="\n".join(row.format(name) for name in names))


@pytest.fixture
def stand(tmp_path: Path) -> Iterator[Stand]:
    with opened(tmp_path / "stand") as found:
        found.rig.spec(spec("a"))
        yield found


def is_free(stand: Stand) -> bool:
    return Files(stand.folder / "fbplan.ledger.json").holder() is None


def test_a_planning_apply_whose_read_hangs_ends_at_once_and_the_next_one_finds_the_lock_free(stand: Stand) -> None:
    stand.rule = on("GET", "/bucket")
    running = stand.start(f"exec FBPLAN apply --yes {SLOW}")
    stand.waits_for()
    running.signal(signal.SIGTERM)
    code, told = running.ended()
    assert (code, "interrupted (SIGTERM); nothing was written to the API" in told) == (143, True), told
    stand.release()
    code, told = stand.start("FBPLAN apply --yes --lock-timeout 0s").ended()
    assert (code, "2 created" in told) == (0, True), told


def test_a_terminal_signals_the_whole_group_and_bash_sees_130(stand: Stand) -> None:
    stand.rule = on("GET", "/bucket")
    running = stand.start(f"FBPLAN apply --yes {SLOW}; exit $?")
    stand.waits_for()
    os.killpg(running.pid, signal.SIGINT)
    code, told = running.ended()
    assert (code, "interrupted (SIGINT)" in told, is_free(stand)) == (130, True, True), told


def test_a_wait_that_the_api_asked_for_does_not_hold_a_signal_up(stand: Stand) -> None:
    stand.rule = on("GET", "/bucket", "429")
    running = stand.start(f"exec FBPLAN apply --yes {SLOW}")
    running.reads("waiting 5 min")
    running.signal(signal.SIGTERM)
    code, told = running.ended()
    assert (code, "nothing was written" in told, is_free(stand)) == (143, True, True), told


def test_a_plan_whose_read_hangs_ends_at_once(stand: Stand) -> None:
    stand.rule = on("GET", "/bucket")
    running = stand.start(f"exec FBPLAN plan {SLOW}")
    stand.waits_for()
    running.signal(signal.SIGINT)
    code, told = running.ended()
    assert (code, "nothing was written" in told) == (130, True), told


def test_who_waits_for_the_lock_leaves_without_it(stand: Stand) -> None:
    lease = Files(stand.folder / "fbplan.ledger.json").lease(holder(), 0, print)
    running = stand.start("exec FBPLAN apply --yes --lock-timeout 10m")
    running.reads("waiting up to 600 s")
    running.signal(signal.SIGTERM)
    code, told = running.ended()
    assert (code, "nothing was written" in told) == (143, True), told
    lease.release()
    assert is_free(stand)


def test_a_second_look_that_hangs_ends_in_the_report_of_what_was_written(stand: Stand) -> None:
    stand.rig.apply()
    stand.rig.spec(spec("b") + "limits: {max_deletes: 5}\n")
    wrote: list[str] = []

    def rule(method: str, path: str) -> str:
        wrote.extend([path] * (method == "POST"))
        return "hang" if method == "GET" and wrote else ""

    stand.rule = rule
    running = stand.start(f"exec FBPLAN apply --yes {SLOW}")
    stand.waits_for()
    running.signal(signal.SIGTERM)
    code, told = running.ended()
    stand.release()
    assert code == 143, told
    assert "1 created, 1 skipped" in told
    assert "skipped bucket.a delete: not started: interrupted" in told
    assert is_free(stand)
    assert not list(stand.folder.glob("*.journal.*"))
    assert sorted(stand.rig.ids("bucket")) == ["a", "b"]
    stand.rig.apply()
    assert sorted(stand.rig.ids("bucket")) == ["b"]
