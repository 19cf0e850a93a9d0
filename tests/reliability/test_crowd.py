"""A large spec on a bad day: one call in a hundred goes wrong, and one more run converges (L1, L4).

`FBPLAN_CROWD=10000 pytest tests/reliability/test_crowd.py` takes ten thousand resources; a build takes fewer.
"""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

from rig import Rig
from truths import look

from fbplan.outcome import Result

SIZE = int(os.environ.get("FBPLAN_CROWD", "600"))
EVERY = 100
STRIKES = (
    "cut-before",
    "cut-after",
    "500-before",
    "500-after",
    "502-html",
    "502-html-after",
    "truncated-json",
    "429",
    "200-failure",
)


def spec_of(size: int) -> str:
    """So many buckets, and a hundredth as many repositories with ten of them each."""
    lines = ["limits: {max_deletes: 5, max_change: 100%}", "buckets:"]
    lines += [
        f"  b{n}: {{bucket: acme-{n}, storage_type: S3, region: us-east-1, key: {{env: K}}, secret: {{env: S}},"
        " soft_cap: {limit: unlimited}}"
        for n in range(size)
    ]
    lines.append("repositories:")
    for n in range(size // 100):
        attached = ", ".join(f"{{bucket: b{n * 10 + m}, folder: f{m}}}" for m in range(10))
        lines.append(f"  r{n}: {{storage_type: S3, mode: NORMAL, buckets: [{attached}]}}")
    return "\n".join(lines) + "\n"


def test_a_crowd_with_one_fault_in_a_hundred_converges_in_one_more_run(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    rig.spec(spec_of(SIZE))
    for number, nth in enumerate(range(EVERY, SIZE + 1, EVERY)):
        rig.fault(fault=STRIKES[number % len(STRIKES)], method="POST", path="/bucket", nth=nth, seconds=0)

    first = rig.apply()
    told = Counter(outcome.result for outcome in first.outcomes)
    second = rig.apply()
    third = rig.plan()

    live = look(rig)
    rig.close()
    assert told[Result.DONE] >= SIZE * 9 // 10
    assert told[Result.FAILED] + told[Result.UNKNOWN] > 0
    assert {outcome.result for outcome in second.outcomes} == {Result.DONE}
    assert third.changes == ()
    assert live.names()["bucket"] == sorted(f"b{n}" for n in range(SIZE))
    assert live.names()["repository"] == sorted(f"r{n}" for n in range(SIZE // 100))
