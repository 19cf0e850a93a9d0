"""Lost answers, late commits, lists that lag, and what the next apply makes of them."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from rig import Rig

from fbplan.cli.recovering import recover, wanted_by
from fbplan.client.api import ReadClient
from fbplan.errors import ExitCode
from fbplan.journal.recovery import in_force
from fbplan.outcome import Report, Result
from fbplan.render.human import plan_text
from fbplan.spec.load import load_spec
from fbplan.state import desired_state
from fbplan.storage import open_storage

SPEC = """
credentials:
  main: {provider: AWS, key: {env: K2}, secret: {env: S2}, region: eu}
buckets:
  a: {bucket: acme-a, storage_type: S3, region: r, credential: main, soft_cap: {limit: 1GB}}
repositories:
  app:
    storage_type: S3
    buckets: [{bucket: a, folder: a}]
    api_keys: {w: {access: WRITE, sink: {file: w.env}}}
"""


def converged(rig: Rig) -> Report:
    report = rig.apply()
    assert report.exit_code is ExitCode.OK, report.outcomes
    assert not rig.plan().has_changes, plan_text(rig.plan())
    assert in_force(open_storage("fbplan.ledger.json", rig.folder)).journals == ()
    return report


def held(rig: Rig) -> str:
    text = (rig.folder / "w.env").read_text()
    return next(line.split("=", 1)[1].strip("'\"") for line in text.splitlines() if line.startswith("FB_KEY_ID"))


def the_only_key_is_in_its_sink(rig: Rig) -> None:
    assert [key["key"] for key in rig.keys("app").values()] == [held(rig)]


def by_hand(rig: Rig, name: str = "w") -> None:
    rig.http("POST", f"/repo/{rig.ids('repository')['app']}/apikey", {"name": name, "accessType": "WRITE"})


def test_a_key_whose_answer_was_lost_is_deleted_and_issued_again(rig: Rig) -> None:
    rig.spec(SPEC)
    rig.fault(method="POST", path="/repo/*/apikey", fault="cut-after")
    assert rig.apply().exit_code is ExitCode.OK
    the_only_key_is_in_its_sink(rig)


def test_two_lost_answers_in_a_row_leave_no_key_behind(rig: Rig) -> None:
    rig.spec(SPEC)
    rig.fault(method="POST", path="/repo/*/apikey", fault="cut-after", times=2)
    assert rig.apply().exit_code is ExitCode.PARTIAL
    assert rig.keys("app") == {}
    converged(rig)
    the_only_key_is_in_its_sink(rig)


def test_a_key_that_comes_late_is_an_orphan_and_the_next_plan_deletes_it(rig: Rig) -> None:
    rig.spec(SPEC)
    rig.fault(method="POST", path="/repo/*/apikey", fault="cut-before")
    assert rig.apply().exit_code is ExitCode.OK
    by_hand(rig)  # the first POST, which nobody answered, takes effect only now
    plan = rig.plan()
    assert [(c.address, c.action.value, c.reason.value) for c in plan.changes] == [
        ("api_key.app.w@orphan", "delete", "left behind by a lost answer")
    ]
    assert "api_key.app.w@orphan  left behind by a lost answer" in plan_text(plan)
    converged(rig)
    the_only_key_is_in_its_sink(rig)


def test_a_credential_that_comes_late_is_an_orphan_too(rig: Rig) -> None:
    rig.spec(SPEC)
    rig.fault(method="POST", path="/apikeys", fault="cut-before")
    assert rig.apply().exit_code is ExitCode.PARTIAL
    converged(rig)
    workspace = rig.http("GET", "/workspace")["workspaces"][0]["id"]
    late = {"workspaceId": workspace, "provider": "AWS", "key": "k", "secret": "s", "region": "eu"}
    rig.http("POST", "/apikeys", {**late, "description": "[fbplan:main]"})
    assert [c.address for c in rig.plan().changes] == ["credential.main@orphan"]
    converged(rig)
    assert len(rig.http("GET", f"/apikeys?workspaceId={workspace}")["apiKeys"]) == 1


def test_between_two_candidates_fbplan_asks(rig: Rig) -> None:
    rig.spec(SPEC)
    rig.fault(method="POST", path="/repo/*/apikey", fault="cut-before", times=2)
    assert rig.apply().exit_code is ExitCode.PARTIAL
    by_hand(rig)
    by_hand(rig)
    refused = {r.guard: r for r in rig.plan().refusals}
    assert "unsettled" in refused
    assert "2 new live objects are called 'w'" in refused["unsettled"].what
    workspace = rig.http("GET", f"/repo/{rig.ids('repository')['app']}/apikey")["keys"]
    rig.http("DELETE", f"/repo/{rig.ids('repository')['app']}/apikey/{workspace[0]['id']}")
    converged(rig)
    the_only_key_is_in_its_sink(rig)


def test_a_key_that_was_there_before_is_never_taken_for_an_orphan(rig: Rig) -> None:
    rig.spec(SPEC.replace("{access: WRITE, sink: {file: w.env}}", "{access: WRITE, sink: external}"))
    rig.spec(SPEC.split("    api_keys", maxsplit=1)[0])
    converged(rig)
    by_hand(rig, "w")
    theirs = rig.keys("app")["w"]["id"]
    rig.spec(SPEC)
    rig.fault(method="POST", path="/repo/*/apikey", fault="cut-before", times=2)
    assert rig.apply().exit_code is ExitCode.PARTIAL
    converged(rig)
    assert theirs in {key["id"] for key in rig.keys("app").values()}


def test_a_sink_that_fails_and_a_key_that_cannot_be_taken_back_is_taken_back_by_the_next_apply(rig: Rig) -> None:
    rig.spec(SPEC)
    planned = rig.planned()

    def spoil(method: str, path: str, body: object) -> None:
        if method == "POST" and path.endswith("/apikey"):
            (rig.folder / "w.env").mkdir(exist_ok=True)  # the sink passed its check, and is spoilt by now
            rig.fault(method="DELETE", path="/repo/*/apikey/*", fault="500-before", times=2)

    rig.observer = spoil
    report = rig.execute(planned)
    rig.observer = None
    assert report.exit_code is ExitCode.SINK
    assert len(rig.keys("app")) == 1
    (rig.folder / "w.env").rmdir()
    converged(rig)
    the_only_key_is_in_its_sink(rig)


@pytest.mark.parametrize("kind", ["bucket", "repository", "credential"])
def test_a_create_without_an_answer_is_found_by_reading(rig: Rig, kind: str) -> None:
    rig.spec(SPEC)
    path = {"bucket": "/bucket", "repository": "/repo", "credential": "/apikeys"}[kind]
    rig.fault(method="POST", path=path, fault="truncated-json")
    assert rig.apply().exit_code is ExitCode.OK
    assert not rig.plan().has_changes


def test_what_cannot_be_read_stays_unknown_and_on_the_books(rig: Rig) -> None:
    rig.spec(SPEC)
    planned = rig.planned()
    rig.fault(method="POST", path="/bucket", fault="cut-after")
    rig.fault(method="GET", path="/bucket", fault="502-html", times=99)
    report = rig.execute(planned)
    outcomes = {o.address: o for o in report.outcomes if o.verb != "publish"}
    assert outcomes["bucket.a"].result is Result.UNKNOWN, outcomes["bucket.a"]
    assert "not started" in outcomes["repository.app"].told
    rig.http("DELETE", "/_emulator/faults")
    assert "bucket.a was made after all" in " ".join(rig.recover().story)
    converged(rig)


def test_lists_that_lag_behind_writes_are_waited_for(open_rig: Callable[..., Rig]) -> None:
    rig = open_rig(list_delay=3)
    rig.sleeps = rig.app.store.move_clock
    rig.spec(SPEC)
    rig.fault(method="POST", path="/bucket", fault="cut-after")
    assert rig.apply().exit_code is ExitCode.OK
    assert not rig.plan().has_changes, plan_text(rig.plan())
    rig.spec(SPEC.replace("region: r,", "region: r2,").replace("{access: WRITE,", "{access: READ,"))
    assert rig.apply().exit_code is ExitCode.OK
    rig.app.store.move_clock(10)
    assert not rig.plan().has_changes, plan_text(rig.plan())


def test_a_credential_without_our_mark_is_never_taken_for_ours(rig: Rig) -> None:
    rig.spec(SPEC)
    rig.fault(method="POST", path="/apikeys", fault="cut-before")
    assert rig.apply().exit_code is ExitCode.PARTIAL
    workspace = rig.http("GET", "/workspace")["workspaces"][0]["id"]
    rig.http("POST", "/apikeys", {"workspaceId": workspace, "provider": "AWS", "key": "k", "secret": "s"})
    assert [c.action.value for c in rig.plan().changes if c.address == "credential.main"] == ["create"]
    converged(rig)
    assert len(rig.http("GET", f"/apikeys?workspaceId={workspace}")["apiKeys"]) == 2


def test_a_question_stays_until_it_is_answered(rig: Rig) -> None:
    rig.spec(SPEC)
    rig.fault(method="POST", path="/repo/*/apikey", fault="cut-before", times=2)
    assert rig.apply().exit_code is ExitCode.PARTIAL
    by_hand(rig)
    by_hand(rig)
    loaded, client = load_spec(rig.path), ReadClient(rig.session)
    storage = open_storage(loaded.spec.ledger, rig.folder)
    workspace = rig.http("GET", "/workspace")["workspaces"][0]["id"]
    wanted = wanted_by(desired_state(loaded.spec))
    recover(storage, client, workspace, rig.folder, wanted, lambda: time.time() + 2 * 86_400)
    assert "unsettled" in {r.guard for r in rig.plan().refusals}
