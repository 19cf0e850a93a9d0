"""Signals, over real processes: what is in flight is finished or written down, and nothing new begins."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from desk import Desk, opened

FBPLAN = (sys.executable, "-m", "fbplan")
IGNORED = "import signal, os, sys; signal.signal(signal.SIGINT, signal.SIG_IGN); os.execv(sys.executable, [sys.executable, '-m', 'fbplan', 'apply', '--yes'])"


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with opened(tmp_path, ended_by=signal.SIGKILL) as found:
        yield found


def converges(desk: Desk) -> None:
    desk.http("DELETE", "/_emulator/faults")
    again = desk("apply", "--yes")
    assert again.code == 0, again.err
    assert desk("plan", "--detailed-exitcode").code == 0
    assert len(desk.http("GET", "/bucket")["buckets"]) == 3  # type: ignore[index]
    assert not list(desk.folder.glob("*.journal.*"))


def slow(desk: Desk, fault: str, seconds: float) -> None:
    for nth in (1, 2, 3):
        desk.fault(method="POST", path="/bucket", fault=fault, seconds=seconds, nth=nth)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 143)])
def test_a_signal_finishes_what_is_in_flight_records_it_and_starts_nothing_new(
    desk: Desk, number: int, code: int
) -> None:
    slow(desk, "delay", 1)
    running = desk.start(sys.executable, "-c", IGNORED)  # as a shell starts background jobs
    desk.wait_for(3, running)
    running.send_signal(number)
    out, err = running.communicate(timeout=30)
    assert (running.returncode, "Traceback" in err) == (code, False), err
    assert "3 created" in out
    assert "not started: interrupted" in out + err
    assert len(json.loads((desk.folder / "fbplan.ledger.json").read_text())["resources"]) == 3
    converges(desk)


def test_a_call_that_outlasts_the_grace_is_written_down_and_settled_by_the_next_apply(desk: Desk) -> None:
    slow(desk, "delay-after", 20)
    running = desk.start(*FBPLAN, "apply", "--yes", "--grace", "1s")
    desk.wait_for(3, running)
    running.send_signal(signal.SIGINT)
    out, err = running.communicate(timeout=15)
    assert running.returncode == 130, err
    assert "3 with an unknown outcome" in out
    assert desk("journal", "show").out.count("pending") == 3
    again = desk("apply", "--yes")
    assert again.err.count("was made after all: reading shows it") == 3
    converges(desk)


def test_a_second_signal_leaves_at_once_and_is_still_safe(desk: Desk) -> None:
    slow(desk, "delay-after", 20)
    running = desk.start(*FBPLAN, "apply", "--yes")
    desk.wait_for(3, running)
    running.send_signal(signal.SIGINT)
    time.sleep(0.3)  # two signals in one moment are one signal to the kernel
    running.send_signal(signal.SIGTERM)
    _, err = running.communicate(timeout=15)
    assert running.returncode == 143
    assert "stopped at once" in err
    shown = desk("journal", "show").out
    assert shown.count("on the way") == 3
    again = desk("apply", "--yes")
    assert "did not end" in again.err
    converges(desk)


@pytest.mark.parametrize("script", ["fbplan apply --yes", "exec fbplan apply --yes"])
def test_a_ci_service_signals_only_the_entry_process(desk: Desk, script: str) -> None:
    """SIGINT, SIGTERM after 7.5 s, SIGKILL at 10 s, to bash alone: with `exec` fbplan hears it, without it does not."""
    slow(desk, "delay-after", 2)
    command = script.replace("fbplan", " ".join(FBPLAN))
    running = desk.start("bash", "-c", f"{command}\nexit $?" if not script.startswith("exec") else command)
    desk.wait_for(3, running)
    running.send_signal(signal.SIGINT)
    if script.startswith("exec"):
        out, err = running.communicate(timeout=7.4)
        assert running.returncode == 130, err
        assert "not started: interrupted" in out + err
    else:
        with pytest.raises(subprocess.TimeoutExpired):
            running.wait(timeout=0.5)
        running.kill()
        running.communicate(timeout=20)  # fbplan was told nothing, and goes on to its end
    converges(desk)


def test_a_kill_in_the_middle_is_told_in_one_paragraph_and_finished(desk: Desk) -> None:
    slow(desk, "delay-after", 20)
    running = desk.start(*FBPLAN, "apply", "--yes")
    desk.wait_for(3, running)
    running.kill()
    running.communicate(timeout=15)
    planned = desk("plan")
    assert "did not end: of 6 steps 0 were done, 3 were on the way" in planned.out
    again = desk("apply", "--yes")
    assert again.err.count("was made after all") == 3
    converges(desk)
