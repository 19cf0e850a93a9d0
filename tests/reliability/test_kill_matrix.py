"""Nothing is lost, wherever an apply is killed: see `kill_matrix.py`, which this runs. Failures are told event by event.

Of the long plan every fourth event is struck in one run. Which ones, and what is drawn at random, follows from the
commit: one run after the other strikes them all, and one commit always the same. FBPLAN_KILL_SEED=S says it instead.
FBPLAN_KILLS=N draws as many more cases, and strikes every event (`make kill-matrix`).
"""

from __future__ import annotations

import functools
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from kill_plans import struck_of

MATRIX = Path(__file__).with_name("kill_matrix.py")
MORE = os.environ.get("FBPLAN_KILLS", "0")


def seed_of(folder: Path) -> str:
    """A number that follows from the commit in a folder; 1 where there is none, or no git."""
    try:
        found = subprocess.run(["git", "rev-parse", "HEAD"], cwd=folder, capture_output=True, text=True, timeout=30)
    except (OSError, subprocess.TimeoutExpired):
        return "1"
    return str(int(found.stdout[:8], 16)) if found.returncode == 0 else "1"


SEED = os.environ.get("FBPLAN_KILL_SEED") or seed_of(MATRIX.parent)


@functools.cache
def ways_of(plan: str) -> dict[str, Any]:
    """Every way to die in one plan: one process for all of them, since getting warm takes a second."""
    command = [sys.executable, str(MATRIX), plan, "--more", MORE, "--seed", SEED]
    ran = subprocess.run(command, capture_output=True, text=True)
    assert ran.returncode in {0, 1}, ran.stderr
    found: dict[str, Any] = json.loads(ran.stdout.splitlines()[-1])["ways"]
    return found


def lost(plan: str, way: str, at_least: int) -> str:
    """What was lost, case by case."""
    found = ways_of(plan)[way]
    assert found["cases"] >= at_least
    command = f"python {MATRIX.name} {plan} {way} --more {MORE} --seed {SEED}"
    return "\n\n".join((f"seed {SEED}: {command}", *found["failures"])) if found["failures"] else ""


@pytest.mark.parametrize("plan", ["new", "mixed"])
class TestKillMatrix:
    def test_L4_a_kill_at_any_record_request_or_file_loses_nothing(self, plan: str) -> None:
        assert not lost(plan, "kill", 50)

    def test_L4_a_power_cut_loses_nothing(self, plan: str) -> None:
        assert not lost(plan, "cut", 20)

    def test_L4_a_kill_of_the_run_that_recovers_loses_nothing(self, plan: str) -> None:
        assert not lost(plan, "twice", 10)

    def test_L4_a_kill_among_four_workers_loses_nothing(self, plan: str) -> None:
        assert not lost(plan, "four", 10)

    def test_L4_a_post_that_commits_after_the_next_runs_is_found_and_deleted(self, plan: str) -> None:
        assert not lost(plan, "late", 6)


def test_a_seed_is_that_of_the_commit_and_every_event_has_its_turn(tmp_path: Path) -> None:
    assert seed_of(tmp_path) == "1"
    git = ["git", "-c", "user.name=x", "-c", "user.email=x@example.com", "-C", str(tmp_path)]
    for words in (["init", "-q"], ["commit", "-q", "--allow-empty", "--no-gpg-sign", "-m", "one"]):
        subprocess.run([*git, *words], check=True)
    head = subprocess.run([*git, "rev-parse", "HEAD"], check=True, capture_output=True, text=True).stdout
    assert seed_of(tmp_path) == str(int(head[:8], 16))

    struck = [struck_of(range(1, 233), 4, seed) for seed in range(int(head[:8], 16), int(head[:8], 16) + 4)]
    assert sorted(at for some in struck for at in some) == [*range(1, 233)]
