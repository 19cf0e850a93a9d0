"""Deliberate mistakes against L6: what is removed while clients are sent to it, and what goes by an old start."""

from __future__ import annotations

from pathlib import Path

import mutants
import pytest
from hypothesis import Phase, settings
from hypothesis.stateful import run_state_machine_as_test
from seams import Crash
from test_drain_records import DAY, NARROW, T0, WHOLE, WIDER, applied, drains, opened
from test_mutants_killed import both, caught
from test_state_machine import Lives

from fbplan.apply import Run

QUICKLY = settings(Lives.TestCase.settings, phases=(Phase.generate,), database=None, print_blob=False)


@both
def test_an_early_contract_in_a_life(is_mutant: bool) -> None:
    class Watched(Lives):
        """Lives in which nothing goes wrong but by hand, and of which nothing but L6 is asked: they meet it sooner."""

        executor = mutants.WithEarlyContract if is_mutant else Run
        apply_under_faults = kill_an_apply = two_apply_at_once = a_lost_create_comes_after_all = move_the_clock = None

        def everything_settles(self) -> None: ...

    with caught("L6", is_mutant=is_mutant):
        # the first life that meets the mistake is the last
        run_state_machine_as_test(Watched, settings=settings(QUICKLY, max_examples=300 if is_mutant else 10))


@both
def test_a_drain_taken_back_only_in_memory(is_mutant: bool, tmp_path: Path) -> None:
    applied(tmp_path, T0, WHOLE)
    applied(tmp_path, T0, NARROW)
    with opened(tmp_path, T0 + DAY, WIDER) as rig:
        rig.executor = mutants.WithUnwrittenDrains if is_mutant else Run

        def die(*_: object) -> None:
            rig.seams.is_dead = True
            raise Crash

        rig.observer = die  # at the first write
        with pytest.raises(Crash):
            rig.run()
    with caught("old start", is_mutant=is_mutant):
        assert drains(tmp_path) == {}, "the old start lives on"
