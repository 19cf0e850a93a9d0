"""Run a process and say how long it took and how much memory it held; run several in turns."""

from __future__ import annotations

import os
import signal
import statistics
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

LONGEST = 1800.0
"""Seconds after which a measured process is killed."""


class Failed(Exception):
    """A measured process did not do what it should; its figures would mean nothing."""


@dataclass(frozen=True, slots=True)
class Run:
    """One finished process."""

    seconds: float
    peak_mb: float
    """Largest resident set of the process itself, in units of 10^6 bytes."""
    cpu: float
    """Processor seconds of the process itself, which waiting and other people's work do not touch."""
    output: str


@dataclass(frozen=True, slots=True)
class Sample:
    """The runs of one command."""

    seconds: tuple[float, ...]
    cpu: tuple[float, ...]
    peak_mb: float

    @property
    def median(self) -> float:
        return statistics.median(self.seconds)

    @property
    def least(self) -> float:
        return min(self.seconds)


def sample_of(runs: Sequence[Run]) -> Sample:
    return Sample(tuple(r.seconds for r in runs), tuple(r.cpu for r in runs), max(r.peak_mb for r in runs))


@dataclass(frozen=True, slots=True)
class Command:
    """What to run, where, and what proves that it did its work."""

    argv: Sequence[str]
    folder: Path
    environ: Mapping[str, str]
    says: str = ""


def run(command: Command) -> Run:
    """Run to the end. Raises Failed unless it exits 0 and its output holds `says`.

    The peak is what the kernel counted. It starts at the parent's own size, as a child begins as a copy of it: keep
    this process small.
    """
    captured = command.folder / ".benchmark-output"
    with captured.open("wb") as sink:
        began = time.perf_counter()
        process = subprocess.Popen(
            command.argv,
            cwd=command.folder,
            env=dict(command.environ),
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        overdue = threading.Timer(LONGEST, process.kill)
        overdue.start()
        try:
            _, status, usage = os.wait4(process.pid, 0)
            seconds = time.perf_counter() - began
            process.returncode = os.waitstatus_to_exitcode(status)
        except BaseException:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            raise
        finally:
            overdue.cancel()
    output = captured.read_text(errors="replace")
    if process.returncode != 0 or command.says not in output:
        raise Failed(f"{' '.join(command.argv)}\nexit {process.returncode}\n{output[-2000:]}")
    return Run(seconds, usage.ru_maxrss * 1024 / 1e6, usage.ru_utime + usage.ru_stime, output)


def in_turns(commands: Mapping[str, Command], rounds: int, *, warm_up: bool = True) -> dict[str, Sample]:
    """Run the commands one after the other, and that so many times: what disturbs the machine disturbs them all."""
    runs: dict[str, list[Run]] = {name: [] for name in commands}
    for number in range(rounds + warm_up):
        for name, command in commands.items():
            done = run(command)
            if number >= warm_up:
                runs[name].append(done)
    return {name: sample_of(found) for name, found in runs.items()}
