"""What stands in the way of a saved plan, and what a second signal says."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest
from rig import Rig

from fbplan.cli.reviewed import Request, planned_for
from fbplan.cli.stop import RECORDED, UNRECORDED, Stop
from fbplan.client.api import WriteClient
from fbplan.errors import Refused
from fbplan.plan import Plan
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


def taken_up(rig: Rig, plan: Plan) -> None:
    request = Request(Path("plan.json"), plan, yes=True, expect=None, allow=(), api_url=None, concurrency=4)
    storage = open_storage(plan.ledger, rig.folder)
    planned_for(request, None, WriteClient(rig.session), storage, rig.folder, ())


def test_a_saved_plan_waits_for_a_question_that_came_up_since(rig: Rig) -> None:
    rig.spec(SPEC)
    rig.fault(method="POST", path="/repo/*/apikey", fault="cut-before", times=9)
    rig.apply()
    rig.http("DELETE", "/_emulator/faults")
    saved = rig.plan()
    for _ in range(2):  # two POSTs that nobody answered take effect late
        rig.http("POST", f"/repo/{rig.ids('repository')['app']}/apikey", {"name": "w", "accessType": "WRITE"})
    with pytest.raises(Refused, match="2 new live objects are called 'w'") as fault:
        taken_up(rig, saved)
    assert (fault.value.where, "fbplan plan" in fault.value.next) == ("api_key.app.w", True)
    assert saved.refusals == ()


@pytest.mark.parametrize(
    ("is_recorded", "told"),
    [(True, "stands in the journal: run the same command again"), (False, "with `ledger: none` nothing tells")],
)
def test_a_second_signal_promises_no_journal_where_there_is_none(
    capfd: pytest.CaptureFixture[str], told: str, *, is_recorded: bool
) -> None:
    left: list[int] = []
    stop = Stop(leave=left.append, last_words=RECORDED if is_recorded else UNRECORDED)
    for _ in range(2):
        stop.request(signal.SIGINT)
    assert left == [130]
    assert told in capfd.readouterr().err
