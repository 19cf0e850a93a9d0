"""Nothing is lost, wherever an apply is killed: see `kill_matrix.py`, which this runs. Failures are told event by event.

FBPLAN_KILLS=N draws as many more cases, and cuts the power at every event (`make kill-matrix`); FBPLAN_KILL_SEED=S draws others.
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

MATRIX = Path(__file__).with_name("kill_matrix.py")
MORE = os.environ.get("FBPLAN_KILLS", "0")
SEED = os.environ.get("FBPLAN_KILL_SEED", "1")


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
