"""`usage poll` and `usage show`, over real processes."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from desk import Desk, opened

from fbplan.runtime.usage import read_usage

POLL = (sys.executable, "-u", "-m", "fbplan", "usage", "poll", "--out", "usage.json")


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with opened(tmp_path) as found:
        applied = found("apply", "--yes")
        assert applied.code == 0, applied.err
        yield found


def line_of(running: subprocess.Popen[str], text: str) -> str:
    """The next line of the story that holds a text."""
    assert running.stderr is not None
    seen = []
    for line in running.stderr:
        seen.append(line)
        if text in line:
            return line
    raise AssertionError(f"it ended without '{text}': {''.join(seen)}")


def test_once_publishes_what_the_chooser_reads_and_show_tells_it(desk: Desk) -> None:
    desk.http("POST", "/_emulator/usage", {"rows": [{"bucket": "app-logs-gcp", "upl_bytes": 450_000_000_000}]})
    polled = desk("usage", "poll", "--once", "--out", "usage.json")
    assert (polled.code, polled.out) == (0, ""), polled.err
    assert "published: 3 ok; earlier grants are not known, so none are given until" in polled.err
    usage = read_usage((desk.folder / "usage.json").read_bytes())
    assert usage.buckets["app-logs-gcp"].meters["ingress_bytes"].used == 450_000_000_000

    shown = desk("usage", "show")
    assert shown.code == 0, shown.err
    head, *rows = shown.out.splitlines()
    assert head.split()[:6] == ["bucket", "meter", "period", "used", "cap", "share"]
    assert [row.split()[0] for row in rows[:3]] == sorted(usage.buckets)
    (row,) = (row for row in rows if row.startswith("app-logs-gcp"))
    assert "450.0 GB" in row
    assert "90.0 %" in row
    assert "hard 50.0 GB" in row
    assert "earlier grants are not known" in shown.out


def test_a_write_that_is_asked_about_before_the_first_grant_hears_that_there_is_none_yet_and_when_one_begins(
    desk: Desk,
) -> None:
    ask = ("policy", "why", "--policy", "routing-policy.json", "--usage", "usage.json", "--repository", "app-data")
    polled = desk("usage", "poll", "--once", "--out", "usage.json")
    begins = polled.err.rsplit("none are given until ", 1)[1].strip()
    asked = desk(*ask)
    assert "nothing is granted now: 0% used, ask again at " in asked.out, asked.err
    names = "app-logs-gcp, app-logs-aws, app-logs-azure"
    told = f"no grant yet for {names}: earlier ones are not known, so the first begins after {begins}"
    assert told in asked.out.splitlines()
    assert "hard cap" not in asked.out
    assert "no grant yet" not in desk(*ask, "--simple").out, "a process that counts its own bytes needs none"

    desk("usage", "poll", "--once", "--out", "usage.json", "--allow", "no-memory")
    assert "no grant yet" not in desk(*ask).out


def test_show_as_json_holds_everything_and_says_how_it_ended(desk: Desk) -> None:
    desk("usage", "poll", "--once", "--out", "usage.json", "--allow", "no-memory")
    found = json.loads(desk("usage", "show", "-o", "json").out)
    assert (found["format"], found["format_version"], found["exit"]["name"]) == ("fbplan.usage-view", 1, "ok")
    row = next(row for row in found["rows"] if row["limit"])
    assert (row["used"], row["share_ppm"], row["tier"], row["quality"], row["is_granting"]) == (
        0,
        0,
        "soft",
        "ok",
        True,
    )
    marked = desk("usage", "show", "-o", "md")
    assert marked.out.startswith("| bucket | meter |")
    assert desk("usage", "show", "-o", "github").out.startswith("::notice title=fbplan usage::seq ")


def test_show_without_the_policy_tells_the_use_alone(desk: Desk) -> None:
    desk("usage", "poll", "--once", "--out", "usage.json")
    shown = desk("usage", "show", "--policy", "nowhere.json")
    assert shown.code == 0
    assert "caps are not shown: nowhere.json: there is no such file" in shown.err


def test_what_cannot_work_says_what_where_why_and_what_next(desk: Desk) -> None:
    ran = desk("usage", "show")
    assert (ran.code, "there is no usage file" in ran.err, "fbplan usage poll --out usage.json" in ran.err) == (
        1,
        True,
        True,
    )
    (desk.folder / "usage.json").write_text("{}")
    ran = desk("usage", "show")
    assert (ran.code, "the usage file cannot be used" in ran.err) == (1, True)
    ran = desk("usage", "poll", "--once", "--out", "usage.json", "--policy", "nowhere.json")
    assert (ran.code, "there is no policy file" in ran.err) == (1, True)
    ran = desk("usage", "poll", "--once", "--out", "ftp://x/y")
    assert (ran.code, "the URL of the usage cannot be used" in ran.err) == (64, True)
    ran = desk("usage", "poll", "--once", "--out", "u.json", "--allow", "everything")
    assert (ran.code, "use fall:BUCKET or no-memory" in ran.err) == (64, True)
    ran = desk("usage", "poll", "--once", "--out", "u.json", "--every", "0s")
    assert ran.code == 64
    ran = desk("usage", "poll", "--once", "--out", "u.json", FB_JWT="")
    assert (ran.code, "no token for the API" in ran.err) == (7, True)
    (desk.folder / "folder").mkdir()
    ran = desk("usage", "poll", "--once", "--out", "folder")
    assert (ran.code, "the usage cannot be read" in ran.err, "ledger" in ran.err) == (1, True, False)


def test_once_publishes_the_last_use_when_the_api_is_down_and_exits_8(desk: Desk) -> None:
    desk("usage", "poll", "--once", "--out", "usage.json")
    desk.fault(method="GET", path="/stats/daily", fault="500-before", times=100)
    ran = desk("usage", "poll", "--once", "--out", "usage.json", FBPLAN_TIMEOUTS="action=1s")
    assert ran.code == 8, ran.err
    assert "published: 3 stale" in ran.err
    ran = desk("usage", "poll", "--once", "--out", "usage.json", FBPLAN_TIMEOUTS="action=1s")
    assert "alert: statistics: 2 polls in a row did not read" in ran.err


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_the_poller_cleanly_and_gives_the_lease_back(desk: Desk, number: int, code: int) -> None:
    running = desk.start(*POLL)
    line_of(running, "polling every 60 s")
    line_of(running, "published: 3 ok")
    running.send_signal(number)
    out, err = running.communicate(timeout=20)
    assert (running.returncode, out, "Traceback" in err) == (code, "", False), err
    assert desk("usage", "poll", "--once", "--out", "usage.json", "--lock-timeout", "0s").code == 0


@pytest.mark.parametrize("mode", ["--every=60s", "--once"])
def test_a_signal_while_the_api_is_waited_for_ends_it_with_the_code_of_the_signal(desk: Desk, mode: str) -> None:
    desk.fault(method="GET", path="/stats/daily", fault="429", retry_after=15, times=100)
    running = desk.start(*POLL, mode)
    line_of(running, "waiting 15 s: the API asked to slow down")
    running.send_signal(signal.SIGTERM)
    _, err = running.communicate(timeout=20)
    assert (running.returncode, "Traceback" in err) == (143, False), err
    assert not (desk.folder / "usage.json").exists()
    desk.http("DELETE", "/_emulator/faults")
    assert desk("usage", "poll", "--once", "--out", "usage.json", "--lock-timeout", "0s").code == 0


def test_of_two_pollers_one_publishes_and_the_other_stands_by_until_it_dies(desk: Desk) -> None:
    first = desk.start(*POLL, "--every", "1s")
    try:
        line_of(first, "published: 3 ok")
        refused = desk("usage", "poll", "--once", "--out", "usage.json", "--lock-timeout", "0s")
        assert refused.code == 6
        assert "another poller publishes this usage" in refused.err
        assert f"(process {first.pid})" in refused.err

        second = desk.start(*POLL, "--every", "1s")
        try:
            line_of(second, "waiting up to 60 s for the lock: it is held by")
            line_of(first, "published: 3 ok")
            first.kill()
            line_of(second, "published: 3 ok")
            seq = json.loads((desk.folder / "usage.json").read_text())["seq"]
            assert "second_publisher" not in line_of(second, "published: 3 ok")
            assert json.loads((desk.folder / "usage.json").read_text())["seq"] > seq
        finally:
            second.kill()
            second.communicate(timeout=20)
    finally:
        first.kill()
        first.communicate(timeout=20)


def test_a_foreign_hand_on_the_file_is_an_alert_of_the_running_poller(desk: Desk) -> None:
    running = desk.start(*POLL, "--every", "1s")
    try:
        line_of(running, "published: 3 ok")
        (desk.folder / "usage.json").unlink()
        assert "somebody else took the file away" in line_of(running, "alert: second_publisher")
        line_of(running, "published: 3 ok")
    finally:
        running.send_signal(signal.SIGTERM)
        running.communicate(timeout=20)


def test_a_token_that_is_no_longer_taken_ends_the_poller_with_exit_7_after_a_last_publication(desk: Desk) -> None:
    running = desk.start(*POLL, "--every", "1s")
    line_of(running, "published: 3 ok")
    desk.fault(method="GET", path="/stats/daily", fault="token-expired", times=1000)
    _, err = running.communicate(timeout=30)
    assert running.returncode == 7, err
    assert "published: 3 stale" in err


def test_a_token_file_is_read_again(desk: Desk) -> None:
    (desk.folder / "token").write_text("first")
    running = desk.start(*POLL, "--every", "1s", FB_JWT="", FB_JWT_FILE="token")
    try:
        line_of(running, "published: 3 ok")
        desk.fault(method="GET", path="/stats/daily", fault="token-expired", times=2)
        assert "FB_JWT_FILE is read again" in line_of(running, "alert: auth")
        line_of(running, "published: 3 ok")
    finally:
        running.send_signal(signal.SIGTERM)
        running.communicate(timeout=20)
