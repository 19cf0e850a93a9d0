"""A call that is sent again, and does not get out: the first one may still take effect, and is not told as unsent."""

from __future__ import annotations

import threading

import pytest
from carrying import carry_out
from rig import ENVIRON, Rig
from test_recovery import SPEC, converged
from volatile import Volatile

from fbplan.apply import Setting, execute
from fbplan.client.api import WriteClient
from fbplan.client.auth import Identity
from fbplan.client.session import Session, Settings
from fbplan.errors import ExitCode
from fbplan.journal.records import Left
from fbplan.outcome import Outcome, Result
from fbplan.secrets import Secret

KEYLESS = SPEC.replace("    api_keys: {w: {access: WRITE, sink: {file: w.env}}}\n", "")


def stopped_before_the_second(rig: Rig, method: str) -> Outcome:
    """Apply; the first answer is lost, the second call is asked to wait, and a signal comes while it does."""
    planned, stop = rig.planned(), threading.Event()
    faults = [
        {"method": method, "path": "*", "fault": "cut-before"},
        {"method": method, "path": "*", "fault": "429", "nth": 2, "retry_after": 5},
    ]
    rig.http("POST", "/_emulator/faults", {"faults": faults})
    with Session(
        Settings("emulator:", 4),
        Identity(Secret("rig")),
        app=rig.app,
        sleep=lambda _: stop.set(),
        stopped=stop.is_set,
    ) as session:
        setting = Setting(WriteClient(session), rig.folder, ENVIRON, lambda: rig._clock().timestamp(), 4)
        report = execute(planned.plan, planned.observation, planned.ledger, setting)
    assert stop.is_set(), report.outcomes
    return report.outcomes[0]


@pytest.mark.parametrize(
    ("method", "before", "after"),
    [("PUT", SPEC, SPEC.replace("region: r,", "region: r2,")), ("DELETE", SPEC, KEYLESS)],
)
def test_what_was_sent_once_is_not_told_as_never_sent(rig: Rig, method: str, before: str, after: str) -> None:
    rig.spec(before)
    converged(rig)
    rig.spec(after)

    outcome = stopped_before_the_second(rig, method)

    assert outcome.result in {Result.FAILED, Result.UNKNOWN}
    assert "lost on the way" in outcome.told
    converged(rig)


def test_a_second_key_is_asked_for_once_a_power_cut_would_leave_the_first_in_the_books(rig: Rig) -> None:
    """Both may come. A kill loses what an object store was not told of yet, as a power cut does on a disk."""
    rig.spec(SPEC)
    planned = rig.planned()
    storage = Volatile(rig.folder / planned.plan.ledger)
    posts: list[int] = []

    def look(method: str, path: str, body: object) -> None:
        del body
        if method == "POST" and path.endswith("/apikey"):
            posts.append(sum(isinstance(record, Left) for record in storage.durable_records()))

    rig.observer = look
    rig.fault(method="POST", path="*/apikey", fault="cut-before")
    assert carry_out(rig, planned, storage).exit_code is ExitCode.OK
    assert posts == [0, 1]
