"""Every kind of step, every fault of the emulator, every point: told truthfully, and one more run ends it (L3, L4, L7).

`FBPLAN_MATRIX=full pytest tests/reliability/test_fault_matrix.py` strikes every step at two places at once, too.
`python tests/reliability/fault_matrix.py` records what each case comes to; `make docs` makes the table of it.
"""

from __future__ import annotations

import os

import pytest
from fault_bench import Bench
from fault_matrix import observed
from fault_record import recorded
from fault_strikes import STRIKES, Case, cases

from fbplan.emulator.faults import KINDS

RECORDED = recorded()
IS_FULL = os.environ.get("FBPLAN_MATRIX") == "full"


@pytest.mark.parametrize("case", cases(is_full=IS_FULL), ids=str)
def test_whatever_goes_wrong_is_told_truthfully_and_one_more_run_ends_it(case: Case, bench: Bench) -> None:
    found = observed(bench, case)

    if not IS_FULL or str(case) in RECORDED:
        assert found == RECORDED[str(case)], "look at what changed, then: python tests/reliability/fault_matrix.py"


def test_every_fault_of_the_emulator_is_in_the_matrix() -> None:
    struck = {s.script["fault"] for s in STRIKES if s.script}

    assert struck == set(KINDS)


def test_every_recorded_case_is_still_run() -> None:
    assert set(RECORDED) == {str(case) for case in cases(is_full=False)}
