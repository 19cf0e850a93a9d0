"""Whole cases from `cases/*.yaml`: a live state, a spec, and what must come of it. `--bless` writes plan and calls.

Each case asserts five things: the plan's text, that the saved plan renders the same, the exact writes, that the second
plan is empty, and that going back to the start plans and applies too. The clock stands still; `before` lists specs that
were applied earlier, each with the seconds that passed after it, and `later` what is planned and called as time passes.
The published policy is watched throughout.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml
from rig import Rig

from fbplan.errors import ExitCode
from fbplan.plan import Plan, plan_json, read_plan
from fbplan.render.human import plan_text

CASES = sorted((Path(__file__).parent / "cases").glob("*.yaml"))
BLESS = bool(os.environ.get("FBPLAN_BLESS"))


def shown(plan: Any) -> str:
    lines = plan_text(plan).replace(plan.folder, "DIR").splitlines()
    return "\n".join(line for line in lines if not line.startswith(("plan sha256", "next:"))) + "\n"


def one_apply(rig: Rig, case: dict[str, Any], allow: Sequence[str] = ()) -> Plan:
    """Plan and apply as a case, or a later part of it, says; returns the plan."""
    rig.forget_calls()
    planned = rig.planned(*allow)
    plan = planned.plan
    assert not rig.calls(), "a plan writes nothing"
    text, calls = shown(plan), list[str]()
    saved = read_plan(json.dumps(plan_json(plan)), "saved")
    assert saved == plan
    assert shown(saved) == text
    if not plan.refusals:
        report = rig.execute(planned)
        calls = [f"{method} {where}" for method, where in rig.calls()]
        assert report.exit_code is ExitCode(case.get("exit", 0)), report.outcomes
    if BLESS:
        case["plan"], case["calls"] = text, calls
    assert text == case["plan"]
    assert sorted(calls) == sorted(case["calls"])
    if not plan.refusals and not case.get("exit"):
        again = rig.plan(*allow)
        assert not again.has_changes, shown(again)
    return plan


@pytest.mark.parametrize("path", CASES, ids=lambda p: p.stem)
def test_case(path: Path, open_rig: Callable[..., Rig]) -> None:
    case = yaml.safe_load(path.read_text(encoding="utf-8"))
    rig = open_rig(**case.get("switches", {}))
    rig.now = 1_790_000_000
    if "start" in case:
        rig.spec(case["start"])
        assert rig.apply(*case.get("start_allow", ())).exit_code is ExitCode.OK
    for earlier in case.get("before", ()):
        rig.spec(earlier["spec"])
        assert rig.apply(*earlier.get("allow", ())).exit_code is ExitCode.OK
        rig.pass_time(earlier["pass"])
    for hand in case.get("hand", ()):
        method, where, body = hand
        for kind in ("bucket", "repository"):
            for name, remote in rig.ids(kind).items():
                where = where.replace(f"<{name}>", remote)
                body = json.loads(json.dumps(body).replace(f"<{name}>", remote))
        workspace = rig.http("GET", "/workspace")["workspaces"][0]["id"]
        rig.http(method, where, json.loads(json.dumps(body).replace("<workspace>", workspace)))
    rig.spec(case["spec"])
    rig.watch()
    plan = one_apply(rig, case, case.get("allow", ()))
    for later in case.get("later", ()):
        rig.pass_time(later["pass"])
        one_apply(rig, later)
    if BLESS:
        path.write_text(
            yaml.dump(case, sort_keys=False, allow_unicode=True, width=110, default_style=None), encoding="utf-8"
        )
    assert rig.violations() == [], "L6"
    if plan.refusals or case.get("exit"):
        return
    if case.get("reverse", True) and "start" in case:
        rig.spec(case["start"])
        back = rig.planned(*case.get("reverse_allow", ()))
        assert not back.plan.refusals, back.plan.refusals
        assert rig.execute(back).exit_code is ExitCode.OK
        assert not rig.plan().has_changes
