"""What each broken assumption costs: use at the end in percent of the hard cap, the worst of some runs.

    python benchmarks/caps.py [--runs 20]

20 writers, a poll each 60 s, statistics 120 s late, uploads of 300 s at most, grants that live 90 s: the defaults of
the policy. One row is the world as assumed; each of the others breaks one assumption; the last ones are naive rules.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "runtime"))

from fleet_model import GRANTS, LAST_POLLED, OWN_BYTES, Assumed, Fleet, Real

ASSUMED = Assumed(upload_s=300, writers=20)
REAL = Real(upload_s=300, fleets=(20,), missed_polls=0.05, missed_reads=0.05, crashes=0.002, polls=90)
SHAPES = {
    "even": {},
    "one hot writer": {"hot": True},
    "burst ×5": {"burst": 5.0},
    "flood": {"demand_ppm": 15_000_000},
}
ROWS: list[tuple[str, Assumed, dict[str, object], str]] = [
    ("as assumed", ASSUMED, {}, GRANTS),
    ("statistics 4 min late instead of 2", ASSUMED, {"lag_s": 240}, GRANTS),
    ("statistics 10 min late", ASSUMED, {"lag_s": 600}, GRANTS),
    ("clocks 30 s off instead of 2", ASSUMED, {"skew_s": 30}, GRANTS),
    ("uploads of 20 min instead of 5", ASSUMED, {"upload_s": 1200}, GRANTS),
    ("40 writers instead of 20", ASSUMED, {"fleets": (40,)}, GRANTS),
    ("every write after a restart, not cautious", ASSUMED, {"crashes": 1.0, "cautious": False}, GRANTS),
    ("each 50th write after a restart, not cautious", ASSUMED, {"crashes": 0.02, "cautious": False}, GRANTS),
    ("somebody else writes 5% of the cap", ASSUMED, {"foreign_ppm": 50_000}, GRANTS),
    ("  the same, with a reserve of 5%", replace(ASSUMED, reserve_ppm=50_000), {"foreign_ppm": 50_000}, GRANTS),
    ("2 repositories, divided by the own fleet", ASSUMED, {"fleets": (10,) * 2, "own_fleet_only": True}, GRANTS),
    ("5 repositories, divided by the own fleet", ASSUMED, {"fleets": (4,) * 5, "own_fleet_only": True}, GRANTS),
    ("5 repositories, divided by all writers", ASSUMED, {"fleets": (4,) * 5}, GRANTS),
    ("rule: the value of the last poll", ASSUMED, {}, LAST_POLLED),
    ("rule: that and the own bytes since", ASSUMED, {}, OWN_BYTES),
]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=20)
    runs = parser.parse_args().runs
    print(f"| worst of {runs} runs, % of the hard cap | {' | '.join(SHAPES)} |")
    print(f"| --- |{' ---: |' * len(SHAPES)}")
    for told, assumed, broken, rule in ROWS:
        worst = []
        for shape in SHAPES.values():
            real = replace(REAL, **{**shape, **broken})  # type: ignore[arg-type]
            worst.append(max(Fleet(seed, assumed, real, rule).played() for seed in range(runs)))
        print(f"| {told} | {' | '.join(f'{ppm / 10_000:.1f}' for ppm in worst)} |", flush=True)


if __name__ == "__main__":
    main()
