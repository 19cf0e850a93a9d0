"""One case of the fault matrix from end to end. `python tests/reliability/fault_matrix.py` records them all anew."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
if __name__ == "__main__":
    sys.path[:0] = [str(HERE), str(HERE.parent)]

from fault_bench import Bench  # noqa: E402 -- the path is set above when this runs as a program
from fault_record import Behaviour, write  # noqa: E402
from fault_strikes import Case, cases  # noqa: E402
from fault_truths import (  # noqa: E402
    all_is_as_without_the_fault,
    dependants_are_skipped,
    every_key_is_in_its_sink,
    nothing_is_repeated_blindly,
    nothing_leaks,
    reported_truthfully,
    texts_of,
)
from fault_words import behaviour, publishing  # noqa: E402

from fbplan.errors import ExitCode  # noqa: E402
from fbplan.render.human import plan_text  # noqa: E402


def observed(bench: Bench, case: Case) -> Behaviour:
    """Run a case, hold everything to the laws, and say in words what became of the step and of the policy."""
    prepared = bench.prepare(case.scenario)
    bench.restore(prepared, case)
    first = report = bench.execute(prepared.planned)
    told, rows = texts_of(report), bench.requests()
    assert bench.was_struck(), "the fault never fired"
    reported_truthfully(bench, prepared, report)
    dependants_are_skipped(prepared, report)
    nothing_leaks(bench, told)
    bench.clear_faults()
    bench.connect(case)
    runs, plan = 0, bench.plan(*case.scenario.allow)
    if plan.has_changes:
        runs = 1
        assert not plan.refusals, plan_text(plan)
        report = bench.apply(*case.scenario.allow)
        assert report.exit_code is ExitCode.OK, [o for o in report.outcomes if o.result != "done"]
        told += texts_of(report)
        plan = bench.plan(*case.scenario.allow)
    assert not plan.has_changes, plan_text(plan)
    assert runs == 0 or first.exit_code is not ExitCode.OK or first.ledger.pending, (
        "L1: after exit 0 there is nothing to do"
    )
    nothing_is_repeated_blindly(bench.requests())
    ledger = bench.recover().ledger
    all_is_as_without_the_fault(bench, prepared, ledger)
    every_key_is_in_its_sink(bench, ledger)
    nothing_leaks(bench, [*told, plan_text(plan)])
    return Behaviour(behaviour(prepared, case, first, rows, runs), publishing(first))


def record() -> None:
    """Run every case of CI and write down what each came to."""
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder) / "rig")
        write([(case, observed(bench, case)) for case in cases(is_full=False)])
        bench.close()


if __name__ == "__main__":
    record()
