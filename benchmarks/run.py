"""Measure fbplan beside Terraform and octoDNS, all in one run on one machine: `python3 benchmarks/run.py`."""

from __future__ import annotations

import argparse
import contextlib
import itertools
import json
import os
import platform
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import fixtures
from measure import Command, Failed, Run, Sample, in_turns, run, sample_of
from peers import Peers, gathered
from table import Row, against, table_text, times

THIRD_PARTY = """
import sys
before = set(sys.modules)
from fbplan.runtime import Router
names = {name.partition(".")[0] for name in set(sys.modules) - before}
print(",".join(sorted(names - set(sys.stdlib_module_names) - {"fbplan"})))
"""


@dataclass(frozen=True, slots=True)
class Effort:
    """How often each row is run; `runs` overrides all."""

    is_quick: bool
    is_full: bool
    runs: int | None

    def rounds(self, usual: int, quick: int) -> int:
        return self.runs or (quick if self.is_quick else usual)


class Bench:
    """The rows, each a method. Prepared specs and their servers live until the end, so that rows share them."""

    def __init__(self, peers: Peers, effort: Effort, kept: contextlib.ExitStack) -> None:
        self.peers, self.effort, self._kept = peers, effort, kept
        self._live: dict[int, tuple[Path, str, float]] = {}

    def live(self, size: int) -> tuple[Path, str, float]:
        if size not in self._live:
            self._live[size] = self._kept.enter_context(self.peers.fbplan.applied(size))
        return self._live[size]

    def _plans(self, size: int, octodns_size: int, *, with_terraform: bool = True) -> dict[str, Command]:
        folder, url, _ = self.live(size)
        commands = {"fbplan": self.peers.fbplan.plan(folder, url)}
        if self.peers.octodns is not None:
            commands["octoDNS"] = self.peers.octodns.plan(octodns_size)
        if self.peers.terraform is not None and with_terraform:
            commands["Terraform"] = self.peers.terraform.plan(size)
        return commands

    def plan_3(self) -> list[Row]:
        samples = in_turns(self._plans(3, 1), self.effort.rounds(15, 5))
        return against("no-op plan, 3 buckets", samples, {"octoDNS": 1.0})

    def plan_1000(self) -> list[Row]:
        samples = in_turns(self._plans(1000, 1000), self.effort.rounds(7, 3))
        return against("no-op plan, 1,000 buckets", samples, {"Terraform": 0.25})

    def plan_10000(self) -> list[Row]:
        _, _, applied = self.live(10_000)
        rounds = self.effort.rounds(5, 2)
        smaller = {str(size): self.peers.fbplan.plan(*self.live(size)[:2]) for size in (3, 1000)}
        commands = self._plans(10_000, 10_000, with_terraform=self.effort.is_full) | smaller
        samples = in_turns(commands, rounds)
        few, many = (samples.pop(size) for size in smaller)
        what, memory, ours = "no-op plan, 10,000 buckets", "  peak memory", samples["fbplan"]
        rows = [Row(what, times(ours), most=2.5), *against(what, samples, {})]
        rows.append(Row(memory, (ours.peak_mb, ours.peak_mb), "MB", most=250))
        rows += [
            Row(memory, (ours.peak_mb, ours.peak_mb), "MB", name, (other.peak_mb, other.peak_mb))
            for name, other in samples.items()
            if name != "fbplan"
        ]
        growth = growth_of(few, many, ours)
        rows.append(Row("  a bucket more, over one at 1,000", (growth, growth), "x", most=1.25))
        rows.append(Row("apply 10,000 creates, once", (applied, applied)))
        return rows

    def apply_1000(self) -> list[Row]:
        fresh = _Fresh(self.peers, self._kept)
        commands = {"fbplan": fresh.fbplan}
        if self.peers.terraform is not None:
            commands["Terraform"] = fresh.terraform
        runs: dict[str, list[Run]] = {name: [] for name in commands}
        for _ in range(self.effort.rounds(3, 1)):
            for name, made in commands.items():
                with made(1000) as command:
                    runs[name].append(run(command))
        samples = {name: sample_of(found) for name, found in runs.items()}
        return against("apply 1,000 creates", samples, {"Terraform": 0.1})

    def runtime(self) -> list[Row]:
        fbplan = self.peers.fbplan
        commands = {"import": fbplan.python("from fbplan.runtime import Router"), "bare": fbplan.python("pass")}
        samples = in_turns(commands, self.effort.rounds(30, 10))
        over = [samples["import"].median - samples["bare"].median, samples["import"].least - samples["bare"].least]
        found = [name for name in run(fbplan.python(THIRD_PARTY)).output.strip().split(",") if name]
        named = f" ({', '.join(found)})" if found else ""
        return [
            Row("import fbplan.runtime.Router, over bare Python", (over[0], over[1]), "ms", most=0.040),
            Row(f"  third-party modules it loads{named}", (len(found), len(found)), "", most=0),
        ]

    def version(self) -> list[Row]:
        command = self.peers.fbplan.command("--version", folder=self.peers.fbplan.work)
        return [
            Row("fbplan --version", times(in_turns({"fbplan": command}, self.effort.rounds(15, 5))["fbplan"]), "ms")
        ]

    def validate(self) -> list[Row]:
        folder = self.peers.fbplan.work / "validate"
        fixtures.write_spec(folder, 10_000)
        command = self.peers.fbplan.command("validate", folder=folder)
        sample = in_turns({"fbplan": command}, self.effort.rounds(5, 2))["fbplan"]
        return [
            Row("validate, 10,000 buckets", times(sample)),
            Row("  peak memory", (sample.peak_mb, sample.peak_mb), "MB"),
        ]


def growth_of(at_3: Sample, at_1000: Sample, at_10000: Sample) -> float:
    """Cost of a bucket between 1,000 and 10,000, in terms of its cost below 1,000. Linear growth is 1.

    In processor time, because the difference of two small times must not drown in what else the machine does.
    """
    few, some, many = (min(sample.cpu) for sample in (at_3, at_1000, at_10000))
    return (many - some) / 9000 / ((some - few) / 997)


class _Fresh:
    """A new server, spec and ledger, or a new Terraform folder, for every measured apply."""

    def __init__(self, peers: Peers, kept: contextlib.ExitStack) -> None:
        self._peers, self._kept, self._numbers = peers, kept, itertools.count()

    @contextlib.contextmanager
    def fbplan(self, size: int) -> Iterator[Command]:
        program = self._peers.fbplan
        folder = program.work / f"fbplan-apply-{next(self._numbers)}"
        fixtures.write_spec(folder, size)
        with program.server(folder / "emulator") as url:
            yield program.command("apply", "--yes", folder=folder, url=url, says=f"{size + size // 100:,} created")

    @contextlib.contextmanager
    def terraform(self, size: int) -> Iterator[Command]:
        program = self._peers.terraform
        assert program is not None
        folder = program.configured(program.work / f"terraform-apply-{next(self._numbers)}", size)
        yield program.apply(folder, size)
        if not (program.work / f"terraform-{size}").exists():
            folder.rename(program.work / f"terraform-{size}")  # the no-op plan goes on from here


ROWS: dict[str, Callable[[Bench], list[Row]]] = {
    "version": Bench.version,
    "runtime": Bench.runtime,
    "plan-3": Bench.plan_3,
    "apply-1000": Bench.apply_1000,
    "plan-1000": Bench.plan_1000,
    "validate": Bench.validate,
    "plan-10000": Bench.plan_10000,
}
SLOW = {"plan-10000"}


def options(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="benchmarks/run.py", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer runs, and nothing above 1,000 but validate")
    parser.add_argument("--full", action="store_true", help="Terraform also at 10,000, which takes it minutes")
    parser.add_argument(
        "--only", action="append", choices=ROWS, metavar="NAME", help=f"one of {', '.join(ROWS)}; repeatable"
    )
    parser.add_argument("--runs", type=int, metavar="N", help="measured runs of every row, instead of its usual number")
    parser.add_argument("--json", type=Path, metavar="PATH", help="write the figures here as well")
    parser.add_argument("--check", action="store_true", help="exit 1 when a budget is missed")
    return parser.parse_args(argv)


def measured(given: argparse.Namespace, work: Path, kept: contextlib.ExitStack) -> tuple[list[Row], Peers]:
    print("installing fbplan and its peers ...", file=sys.stderr)
    peers = gathered(work)
    for note in peers.notes:
        print(f"note: {note}", file=sys.stderr)
    bench = Bench(peers, Effort(given.quick, given.full, given.runs), kept)
    rows: list[Row] = []
    for name, measure in ROWS.items():
        if name in given.only if given.only else not (given.quick and name in SLOW):
            print(f"{name} ...", file=sys.stderr)
            rows += measure(bench)
    return rows, peers


def machine() -> str:
    return f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}"


def main(argv: list[str]) -> int:
    given = options(argv)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)  # ends as Ctrl-C does: everything is put away
    work = Path(tempfile.mkdtemp(prefix="fbplan-bench-"))
    try:
        with contextlib.ExitStack() as kept:
            rows, peers = measured(given, work, kept)
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
    except Failed as fault:
        print(f"stopped: {fault}", file=sys.stderr)
        return 2
    finally:
        shutil.rmtree(work, ignore_errors=True)
    print(table_text(rows))
    print(*("", *(f"note: {note}" for note in peers.notes)), sep="\n")
    print(f"{machine()}; {'; '.join(peers.versions)}")
    missed = [row for row in rows if row.is_over]
    if given.json is not None:
        found = {"machine": machine(), "versions": peers.versions, "notes": peers.notes}
        given.json.write_text(json.dumps({**found, "rows": [row.as_json() for row in rows]}, indent=1) + "\n")
    print(f"{len(missed)} over budget" if missed else "every measured budget is kept")
    return 1 if missed and given.check else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
