"""The guide's case by hand, over real HTTP: one emulator process, one process per command."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from desk import GUIDE, Desk, opened


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with opened(tmp_path) as found:
        yield found


def test_the_guides_case_by_hand(desk: Desk) -> None:
    assert desk("plan", "--detailed-exitcode").code == 2
    applied = desk("apply", "--yes")
    assert (applied.code, applied.out.splitlines()[0].split(" in ")[0]) == (
        0,
        "Production: 4 created, 2 issued, policy published",
    )
    assert desk("plan", "--detailed-exitcode").code == 0
    held = (desk.folder / "secrets" / "app-data-writer.env").read_text()
    assert {line.split("=")[0] for line in held.splitlines()} == {"FB_KEY_ID", "FB_KEY_SECRET", "FB_REPO_ID"}
    assert (desk.folder / "secrets" / "app-data-writer.env").stat().st_mode & 0o777 == 0o600

    bucket = next(b for b in desk.http("GET", "/bucket")["buckets"] if b["name"] == "app-logs-aws")
    desk.http("PUT", f"/bucket/{bucket['id']}", {"region": "mars-1"})
    drifted = desk("plan", "--detailed-exitcode", "--out", "plan.json")
    assert drifted.code == 2
    assert "changed by hand" in drifted.out
    assert (desk.folder / "plan.json").stat().st_mode & 0o777 == 0o600
    assert desk("show", "plan.json").out == drifted.out

    desk.http("PUT", f"/bucket/{bucket['id']}", {"region": "venus-2"})
    stale = desk("apply", "plan.json")
    assert stale.code == 5
    assert "bucket.app-logs-aws was changed" in stale.err
    assert desk("plan", "--out", "plan.json").code == 0
    assert desk("apply", "plan.json").code == 0
    assert desk("plan", "--detailed-exitcode").code == 0

    whole = desk("history", "--verify")
    assert (whole.code, whole.err.strip().rpartition("; ")[2]) == (0, "the newest is the one that the ledger knows")
    receipts = desk.folder / "fbplan.ledger.receipts.jsonl"
    receipts.write_bytes(b"".join(receipts.read_bytes().splitlines(keepends=True)[:-1]))
    assert desk("history", "--verify").code == 1


def test_each_way_to_fail_has_its_code(desk: Desk) -> None:
    assert desk("apply", "--yes").code == 0
    desk.spec(
        GUIDE.replace(
            "    soft_cap: {limit: 1TB, soft: 100%}", "    soft_cap: {limit: 1TB, soft: 100%}\n    protect: true"
        )
    )
    assert desk("apply", "--yes").code == 0
    without = GUIDE.replace("      - {bucket: app-logs-azure, folder: azure}\n", "").replace(", app-logs-azure]", "]")
    start, end = without.index("  app-logs-azure:"), without.index("repositories:")
    desk.spec(without[:start] + without[end:])
    refused = desk("apply", "--yes", "-o", "json=refused.json", "-o", "human")
    assert refused.code == 4
    told = json.loads((desk.folder / "refused.json").read_text())
    assert (told["format"], told["exit"]["code"]) == ("fbplan.plan", 4), "the error that ends it does not replace it"
    assert "--allow delete:bucket.app-logs-azure" in refused.out + refused.err
    assert desk("plan").code == 4
    assert desk("apply", "--yes", "--allow", "delete:bucket.app-logs-azure").code == 0

    assert desk("plan", FB_API_URL="http://127.0.0.1:9").code == 8
    assert desk("plan", FB_JWT="").code == 7
    desk.http(
        "POST",
        "/_emulator/faults",
        {"faults": [{"method": "GET", "path": "/workspace", "fault": "token-expired", "times": 9}]},
    )
    assert desk("plan").code == 7
    desk.http("DELETE", "/_emulator/faults")
    desk.spec(
        GUIDE.replace("storage_type: GCS", "storage_type: GCP")
        .replace("500GB", "500G")
        .replace("secret: {env: GCP_PRIVATE_KEY}", "secret: canary-literal-1")
    )
    bad = desk("apply", "--yes")
    assert bad.code == 65
    assert [line.split()[1] for line in bad.err.splitlines() if line.startswith("fbplan.yaml:")] == [
        "FB105",
        "FB108",
        "FB109",
    ]
    assert "canary-literal-1" not in bad.err
    desk.spec(GUIDE)
    assert desk("apply").code == 64
    assert desk("plan", "--no-such").code == 64
    assert desk("nonsense").code == 64


def test_a_token_never_comes_from_a_flag_and_every_command_has_an_example(desk: Desk) -> None:
    for command in (
        ["init"],
        ["validate"],
        ["schema"],
        ["plan"],
        ["show"],
        ["apply"],
        ["whoami"],
        ["policy", "render"],
        ["policy", "diff"],
        ["policy", "check"],
        ["policy", "module"],
        ["demo"],
        ["emulator"],
        ["ledger", "list"],
        ["journal", "show"],
    ):
        told = desk(*command, "--help").out
        assert "Example" in told, command
        assert "--token " not in told


def test_a_failed_apply_exits_nonzero_and_keeps_its_report_with_json_and_detailed_exitcode(desk: Desk) -> None:
    """deck loses the report with the changes exit code, and exits 0 with JSON output; here is the case for both."""
    desk.http(
        "POST",
        "/_emulator/faults",
        {"faults": [{"method": "POST", "path": "/repo", "fault": "500-before", "times": 9}]},
    )
    assert desk("plan", "--out", "plan.json").code == 0
    failed = desk("apply", "plan.json", "-o", "json")
    report = json.loads(failed.out)
    assert failed.code == 3
    told = {o["next"] for o in report["outcomes"]}
    assert any("plan again: fbplan plan" in way for way in told), "a saved plan of which a part was done is stale"
    assert not any("same command" in way for way in told)
    assert report["exit"] == {"code": 3, "name": "partial", "retryable": True}
    assert {o["address"]: o["result"] for o in report["outcomes"]}["api_key.app-data.writer"] == "skipped"
    desk.http("DELETE", "/_emulator/faults")
    planned = desk("plan", "--detailed-exitcode", "-o", "json")
    assert planned.code == 2
    assert json.loads(planned.out)["summary"] == {"create": 3}
    assert desk("apply", "--yes").code == 0


def test_expect_plans_again_and_compares(desk: Desk) -> None:
    plan_id = json.loads(desk("plan", "-o", "json").out)["plan_id"]
    wrong = desk("apply", "--expect", "sha256:" + "0" * 64)
    assert wrong.code == 5
    assert "bucket.app-logs-gcp" in wrong.err
    assert desk("apply", "--expect", plan_id).code == 0


def test_outputs_go_where_they_are_sent(desk: Desk) -> None:
    ran = desk("plan", "-o", "json=plan-doc.json", "-o", "md=comment.md", "-o", "github")
    assert ran.out.startswith("::notice title=fbplan plan::Production: 6 to create")
    assert json.loads((desk.folder / "plan-doc.json").read_text())["exit"]["code"] == 0
    assert "**create 6**" in (desk.folder / "comment.md").read_text()
    assert desk("plan", "-o", "json", "-o", "md").code == 64
    assert desk("plan", "-o", "xml").code == 64


def test_a_wrong_spec_is_shown_where_its_plan_would_have_been(desk: Desk) -> None:
    desk.spec("version: 1\nbuckets: {a: {bucket: x}}\n")
    ran = desk("plan", "-o", "md=comment.md", "-o", "github")
    assert (ran.code, ran.out.count("::error file=fbplan.yaml,line=2")) == (65, 1)
    comment = (desk.folder / "comment.md").read_text()
    assert comment.startswith("### fbplan: the spec has 1 problem\n")
    assert "`bucket.a`" in comment


def test_colour_obeys_the_environment(desk: Desk) -> None:
    assert "\x1b[" not in desk("plan").out
    assert "\x1b[" in desk("plan", FORCE_COLOR="1").out
    assert "\x1b[" not in desk("plan", FORCE_COLOR="1", NO_COLOR="1").out


def test_a_second_apply_at_the_same_time_is_told_who_holds_the_lock(desk: Desk) -> None:
    import fcntl

    lock = desk.folder / "fbplan.ledger.lock"
    with lock.open("w") as file:
        file.write("process 4711")
        file.flush()
        fcntl.flock(file, fcntl.LOCK_EX)
        ran = desk("apply", "--yes", "--lock-timeout", "0s")
    assert ran.code == 6
    assert "process 4711" in ran.err
    assert desk("apply", "--yes").code == 0


def test_login_as_a_machine_user(desk: Desk) -> None:
    (desk.folder / "pw").write_text("canary-password\n")
    ran = desk("whoami", FB_JWT="", FB_EMAIL="robot@acme.example", FB_PASSWORD_FILE="pw")
    assert ran.code == 0
    assert "robot@acme.example" in ran.out
    assert "canary-password" not in ran.out + ran.err
    assert desk("whoami", FB_JWT="", FB_EMAIL="robot@acme.example").code == 7


def test_a_story_that_nobody_can_be_told_does_not_stop_an_apply(desk: Desk) -> None:
    command = f"{sys.executable} -m fbplan apply --yes 2>/dev/full"
    out, _ = (running := desk.start("bash", "-c", command)).communicate(timeout=60)
    assert (running.returncode, "4 created, 2 issued" in out) == (0, True)
    assert desk("plan", "--detailed-exitcode").code == 0


def test_an_address_with_a_password_is_refused_and_not_repeated(desk: Desk) -> None:
    ran = desk("plan", FB_API_URL="http://user:canary-hunter@127.0.0.1:1")
    assert (ran.code, "canary-hunter" in ran.out + ran.err) == (64, False)
