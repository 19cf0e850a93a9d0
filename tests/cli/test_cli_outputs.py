"""Where the result goes, when that place fails: the exit code is that of the work, and what was done is told."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from desk import Desk, opened

from fbplan.cli.output import emit
from fbplan.cli.overwriting import require_replaceable
from fbplan.errors import UsageFault

FBPLAN = (sys.executable, "-m", "fbplan")
FULL = "/dev/full"


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with opened(tmp_path) as found:
        yield found


def into(desk: Desk, stdout: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """A command whose stdout is a file, a device, or the end of a pipe that nobody reads."""
    if stdout == "nobody":
        reader, writer = os.pipe()
        os.close(reader)
    else:
        writer = os.open(stdout, os.O_WRONLY)
    try:
        ran = subprocess.run(
            [*FBPLAN, *arguments],
            cwd=desk.folder,
            env=desk.environ,
            stdin=subprocess.DEVNULL,
            stdout=writer,
            stderr=subprocess.PIPE,
            text=True,
            timeout=120,
        )
    finally:
        os.close(writer)
    assert "Traceback" not in ran.stderr
    assert "Exception ignored" not in ran.stderr
    return ran


def is_converged(desk: Desk) -> bool:
    return desk("plan", "--detailed-exitcode").code == 0 and not list(desk.folder.glob("*.journal.*"))


def test_a_reader_that_went_away_changes_no_exit_code(desk: Desk) -> None:
    assert into(desk, "nobody", "plan").returncode == 0
    assert into(desk, "nobody", "plan", "--detailed-exitcode", "-o", "json").returncode == 2
    applied = into(desk, "nobody", "apply", "--yes")
    assert (applied.returncode, "lost" in applied.stderr) == (0, False)
    assert is_converged(desk)
    assert into(desk, "nobody", "validate", "no-such.yaml", "-o", "json").returncode == desk("validate", "no").code
    assert into(desk, "nobody", "history").returncode == 0


def test_both_streams_gone_is_no_reason_to_stop_or_to_lie(desk: Desk) -> None:
    for command, code in ((("plan", "--detailed-exitcode"), 2), (("apply", "--yes"), 0), (("apply",), 64)):
        shell = '"$@" 2>&1 | true; exit ${PIPESTATUS[0]}'
        ran = desk.start("bash", "-c", shell, "bash", *FBPLAN, *command)
        ran.communicate(timeout=60)
        assert ran.returncode == code, command
    assert is_converged(desk)


def test_closed_streams_are_no_traceback(desk: Desk) -> None:
    ran = desk.start("bash", "-c", '"$@" >&- 2>&-', "bash", *FBPLAN, "apply", "--yes")
    ran.communicate(timeout=60)
    assert ran.returncode == 0
    assert is_converged(desk)


def test_an_apply_whose_report_is_lost_says_what_it_did_and_where_that_is_recorded(desk: Desk) -> None:
    applied = into(desk, FULL, "apply", "--yes", "-o", "human", "-o", "json=report.json")
    assert applied.returncode == 0
    (told,) = [line for line in applied.stderr.splitlines() if line.startswith("warning: the apply")]
    assert told == (
        "warning: the apply has ended (exit 0, ok: 4 created, 2 issued, policy published); fbplan history shows it;"
        " only the output is lost: stdout: the output cannot be written: No space left on device"
    )
    assert json.loads((desk.folder / "report.json").read_text())["exit"]["code"] == 0  # the other place works
    assert is_converged(desk)
    again = into(desk, FULL, "apply", "--yes")
    assert (again.returncode, "there was nothing to do; only the output is lost" in again.stderr) == (0, True)


def test_a_plan_that_nobody_can_read_is_no_success(desk: Desk) -> None:
    """What a plan is for is its output; a CI that keeps it in a file must not take an empty one for the plan."""
    for command in (("plan",), ("plan", "-o", "json"), ("history",), ("policy", "render")):
        ran = into(desk, FULL, *command)
        assert (ran.returncode, "No space left" in ran.stderr or command[0] == "policy") == (1, True), ran.stderr
    assert "free some space" in into(desk, FULL, "plan").stderr


@pytest.mark.parametrize("place", ["missing/../file/report.md", "folder", FULL.replace("full", "null/report.md")])
def test_a_place_that_cannot_be_written_is_found_before_the_first_write(desk: Desk, place: str) -> None:
    (desk.folder / "folder").mkdir()
    (desk.folder / "file").touch()
    ran = desk("apply", "--yes", "-o", f"md={place}", "-o", "human")
    assert ran.code == 1
    assert "the output cannot be written" in ran.err
    assert desk.http("GET", "/bucket")["buckets"] == []  # type: ignore[index]
    assert not (desk.folder / "fbplan.ledger.json").exists()


def test_a_device_may_be_named_and_is_not_replaced(desk: Desk) -> None:
    ran = desk("plan", "-o", "json=/dev/stderr", "-o", "human=/dev/null")
    assert (ran.code, ran.out, json.loads(ran.err)["format"]) == (0, "", "fbplan.plan")
    assert Path("/dev/null").is_char_device()


def test_a_signal_between_the_end_and_the_printing_does_not_take_the_report_along(desk: Desk) -> None:
    reader, writer = os.pipe()
    fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, 4096)
    os.write(writer, b" " * 4096)  # nobody reads: it ends, and then stands before its report
    running = subprocess.Popen(
        [*FBPLAN, "apply", "--yes", "-o", "json"],
        cwd=desk.folder,
        env=desk.environ,
        stdin=subprocess.DEVNULL,
        stdout=writer,
        stderr=subprocess.PIPE,
        text=True,
    )
    os.close(writer)
    receipts = desk.folder / "fbplan.ledger.receipts.jsonl"
    while not (receipts.exists() and receipts.read_bytes().endswith(b"\n")):
        assert running.poll() is None
    running.send_signal(signal.SIGINT)
    with os.fdopen(reader, "rb") as pipe:
        out = pipe.read()
    _, err = running.communicate(timeout=30)
    assert (running.returncode, "Traceback" in err) == (0, False), err
    assert json.loads(out)["exit"]["code"] == 0
    assert is_converged(desk)


def test_no_output_takes_the_place_of_what_only_its_owner_may_replace(desk: Desk) -> None:
    assert desk("apply", "--yes").code == 0
    sink = next(iter(sorted((desk.folder / "secrets").iterdir()))).relative_to(desk.folder)
    kept = ("fbplan.yaml", "fbplan.ledger.json", "routing-policy.json", "fbplan.ledger.receipts.jsonl", str(sink))
    before = {name: (desk.folder / name).read_bytes() for name in kept}
    for name in kept:
        with pytest.raises(UsageFault, match="stands where the output would go"):
            require_replaceable(desk.folder / name)
    for command, code in (
        (("plan", "--out", "fbplan.yaml"), 64),
        (("plan", "-o", f"md={sink}"), 64),
        (("apply", "--yes", "-o", "json=fbplan.ledger.json"), 64),
        (("validate", "gone.yaml", "-o", "json=fbplan.yaml"), 65),
    ):
        ran = desk(*command)
        assert (ran.code, "stands where the output would go" in ran.err) == (code, True), ran
    assert {name: (desk.folder / name).read_bytes() for name in kept} == before
    for _ in range(2):  # an output takes the place of an earlier one
        assert desk("plan", "--out", "plan.json", "-o", "md=plan.md").code == 0


def test_half_a_character_in_a_live_name_is_shown_as_its_escape(tmp_path: Path) -> None:
    say = "from fbplan.cli.streams import open_streams; import click; open_streams(); click.echo('\\ud800 caf\u00e9')"
    ran = subprocess.run(
        [sys.executable, "-c", say], capture_output=True, env={**os.environ, "PYTHONIOENCODING": "utf-8"}
    )
    assert (ran.returncode, ran.stdout) == (0, b"\\ud800 caf\xc3\xa9\n"), ran.stderr
    emit((("json", tmp_path / "x.json"),), {"json": lambda _: json.dumps("\ud800", ensure_ascii=False)})
    assert json.loads((tmp_path / "x.json").read_bytes()) == "\ud800"
