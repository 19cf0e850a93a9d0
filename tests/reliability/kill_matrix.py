"""Kill an apply at every seam, run it again, and look whether anything was lost.

    kill     at every event; of a long plan at some of them, unless more is asked for
    cut      a power cut: what was not synced is gone too
    twice    killed, run again, and that run killed as well
    four     among four workers
    late     every POST, killed on its way; it commits once the runs after have settled

    kill_matrix.py new kill              one plan, one way
    kill_matrix.py mixed --more 20       one plan, every way, twenty times as much of what is drawn at random
    kill_matrix.py mixed kill --only 87  one event, to look at a failure

A program of its own, since it forks: it holds no threads, and each case begins from the same warm memory and a copy of
the same folder. The last line of its output is JSON: how many cases, and each failure in full, for each way.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import random
import shutil
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

from forks import Ended, die, forked  # noqa: E402
from kill_plans import PLANS, KillPlan, struck_of  # noqa: E402
from kill_rig import KEEP, KillRig, strangers  # noqa: E402
from seams import Seams, watch_files  # noqa: E402
from truths import generation, look, wrong_at_the_kill, wrong_in_the_end  # noqa: E402

from fbplan.errors import ExitCode  # noqa: E402

WAYS = ("kill", "cut", "twice", "four", "late")
Tell = Callable[[Any], None]


@dataclass(frozen=True, slots=True)
class Case:
    """Where the apply is killed, and, for a second kill, where the run after it is."""

    plan: KillPlan
    at: int
    then: int | None = None
    concurrency: int = 1
    loses: bool = False
    is_late: bool = False

    @property
    def label(self) -> str:
        then = f", then at {self.then}" if self.then is not None else ""
        cut = ", unsynced records lost" if self.loses else ""
        late = ", its POST commits later" if self.is_late else ""
        return f"{self.plan.name}: killed at event {self.at}{then}{cut}{late}, {self.concurrency} at a time"


class Matrix:
    """One plan, and the folder that each case begins from."""

    def __init__(self, plan: KillPlan, room: Path) -> None:
        self.plan, self._room, self._base = plan, room, room / "base"
        _prepare(self._base, plan)
        folder = self._copy()
        rig = KillRig(folder, Seams())  # once here, so that no child has to import or build anything
        rig.run(*plan.allow)
        rig.close()
        shutil.rmtree(folder)
        assert threading.active_count() == 1, "a fork would lose the other threads"

    def events(self, concurrency: int = 1, *, loses: bool = False) -> list[str]:
        """Every seam that an apply passes when nobody kills it."""
        folder = self._copy()
        found = _done(forked(lambda _: _count(folder, self.plan, concurrency, loses=loses)))
        shutil.rmtree(folder)
        return [str(name) for name in found]

    def failure(self, case: Case) -> str:
        """Kill, look, run again, look again: what went wrong, in full; empty when nothing did."""
        folder = self._copy()
        try:
            return self._failure(folder, case)
        finally:
            shutil.rmtree(folder)

    def _failure(self, folder: Path, case: Case) -> str:
        told = [case.label]
        flight = None
        for at in (case.at, *(() if case.then is None else (case.then,))):
            killed = forked(lambda tell, at=at: _killed(folder, case, at, tell))  # type: ignore[misc]
            if killed.trouble:
                return "\n    ".join((*told, killed.trouble))
            told.append(f"event {at}: {killed.result['event']}")
            flight = killed.result["flight"]
            if not killed.is_killed and case.then is None and case.concurrency == 1:
                return "\n    ".join(told)
        after = forked(lambda _: _after(folder, self.plan, flight if case.is_late else None))
        wrong = [after.trouble] if after.trouble else after.result["wrong"]
        return "\n    ".join((*told, *wrong, *(after.result or {}).get("story", ()))) if wrong else ""

    def _copy(self) -> Path:
        return Path(shutil.copytree(self._base, self._room / "case"))


def _done(ended: Ended) -> Any:
    if ended.trouble:
        raise SystemExit(ended.trouble)
    return ended.result


def _prepare(folder: Path, plan: KillPlan) -> None:
    """The folder before: what an earlier apply left, and somebody else's objects."""
    rig = KillRig(folder, Seams())
    (folder / "secrets").mkdir(mode=0o700)
    (folder / "keep").write_text(KEEP)
    (folder / "keep").chmod(0o755)
    strangers(rig)
    if plan.before:
        rig.spec(plan.before)
        code, told = rig.run()
        assert code is ExitCode.OK, told
    rig.spec(plan.spec)
    rig.close()


def _count(folder: Path, plan: KillPlan, concurrency: int, *, loses: bool) -> list[str]:
    seams = Seams()
    rig = KillRig(folder, seams, concurrency=concurrency, loses=loses)
    watch_files(folder, seams)
    code, told = rig.run(*plan.allow)
    assert code is ExitCode.OK, told
    names = list(seams.names)
    wrong = list(wrong_in_the_end(rig, plan, look(rig)))
    assert not wrong, wrong
    return names


def _killed(folder: Path, case: Case, at: int, tell: Tell) -> Any:
    def strike(event: str) -> None:
        flight = None if seams.flight is None else [*seams.flight[:2], seams.flight[2].decode()]
        tell({"event": event, "flight": flight})
        die()

    seams = Seams(at, strike)
    rig = KillRig(folder, seams, concurrency=case.concurrency, loses=case.loses)
    watch_files(folder, seams)
    code, told = rig.run(*case.plan.allow)
    rig.close()
    return {"event": f"not reached: {len(seams.names)} events, {code.name}, {told}", "flight": None}


def _after(folder: Path, plan: KillPlan, flight: list[str] | None) -> dict[str, Any]:
    """What is wrong at the kill, and after one more run. A write that was in flight commits after that run, and after
    each of the next two runs everything must be as declared again."""
    rig = KillRig(folder, Seams())
    live, known = look(rig), generation(rig)
    story, wrong, theirs = [rig.journals()], list(wrong_at_the_kill(rig, live)), live.strangers()
    runs: list[Callable[[], None]] = [lambda: None]
    if flight is not None:
        method, path, body = flight
        runs += [lambda: None, lambda: _late(rig, method, path, json.loads(body))]
    for before in runs:
        before()
        code, told = rig.run(*plan.allow)
        story.append(f"run again: {code.name}: {told}")
        if code is not ExitCode.OK:
            wrong.append(f"L4: the run after ended with {code.name}")
        live = look(rig)
        wrong += wrong_in_the_end(rig, plan, live)
    if live.strangers() != theirs:
        wrong.append(f"L7: somebody else's objects changed: {theirs} → {live.strangers()}")
    if generation(rig) < known:
        wrong.append(f"the policy went back from generation {known} to {generation(rig)}")
    rig.close()
    return {"wrong": wrong, "story": story}


def _late(rig: KillRig, method: str, path: str, body: Any) -> None:
    """The write that was in flight takes effect at last, if the API still takes it."""
    rig._raw.request(method, path, json=body)


def cases_of(matrix: Matrix, way: str, more: int, seed: int) -> Iterator[Case]:
    """The cases of one way to die; what is drawn at random follows from the seed."""
    drawn, plan = random.Random(f"{seed} {way}"), matrix.plan
    workers = 4 if way == "four" else 1
    events = matrix.events(workers, loses=way == "cut")
    every = range(1, len(events) + 1)
    match way:
        case "kill":
            yield from (Case(plan, at) for at in struck_of(every, 1 if more else plan.stride, seed))
        case "cut":
            yield from (Case(plan, at, loses=True) for at in (every if more else sorted(drawn.sample(every, 20))))
        case "twice":
            yield from (Case(plan, drawn.choice(every), drawn.choice(every)) for _ in range(10 + 20 * more))
        case "four":
            yield from (Case(plan, drawn.choice(every), concurrency=workers) for _ in range(10 + 20 * more))
        case "late":
            posts = (at for at, name in enumerate(events, 1) if name.startswith("POST ") and name.endswith("arrives"))
            yield from (Case(plan, at, is_late=True) for at in posts)


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("plan", choices=sorted(PLANS))
    parser.add_argument("way", nargs="*", default=WAYS)
    parser.add_argument("--more", type=int, default=0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", type=int, default=0)
    asked = parser.parse_args(arguments)
    shared = Path("/dev/shm")  # noqa: S108 -- memory, where there is some: the folders are many and short-lived
    told = {}
    with tempfile.TemporaryDirectory(dir=shared if os.access(shared, os.W_OK) else None) as room:
        matrix = Matrix(PLANS[asked.plan], Path(room))
        gc.freeze()
        for way in asked.way:
            cases = [case for case in cases_of(matrix, way, asked.more, asked.seed) if asked.only in {0, case.at}]
            failures = [failure for case in cases if (failure := matrix.failure(case))]
            told[way] = {"cases": len(cases), "failures": failures}
            print(
                f"{asked.plan} {way}: {len(cases)} cases, {len(failures)} failed", *failures, sep="\n", file=sys.stderr
            )
    print(json.dumps({"seed": asked.seed, "ways": told}))
    return 1 if any(found["failures"] for found in told.values()) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
