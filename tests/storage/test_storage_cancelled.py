"""A job that a CI service cancels while calls hang: SIGINT, SIGTERM after 7.5 s, SIGKILL at 10 s, all to the entry
process alone, and then the machine is gone. Its times pass ten times as fast here; nothing is measured."""

from __future__ import annotations

import pytest
from stand import SLOW, Stand, on

from fbplan.ledger import read_ledger
from fbplan.storage import Storage

FAST = 0.1
IN_TIME, TOO_LONG = f"--grace 1s {SLOW}", f"--grace 1m {SLOW}"
SHORT_LEASE = {"FBPLAN_LEASE_SECONDS": "2"}
"""A fifteenth of what it is with nothing set, as the run that is cancelled has it. The next job has nothing set."""


def cancelled(stand: Stand, script: str, scale: float, **environ: str) -> tuple[int, str]:
    """What becomes of an apply that is cancelled while both its buckets are being made; they are made after all."""
    stand.rule = on("POST", "/bucket")
    running = stand.start(script, **environ)
    stand.waits_for(2)
    code, told = running.cancelled(scale)
    stand.release()
    return code, told


def next_job(stand: Stand, place: Storage) -> str:
    """What the next job tells: with nothing set it converges, and doubles nothing."""
    code, told = stand.start("exec FBPLAN apply --yes").ended()
    assert code == 0, told
    assert sorted(row["name"] for row in stand.rig.http("GET", "/bucket")["buckets"]) == ["a", "b"]
    assert len(stand.rig.http("GET", "/apikeys")["apiKeys"]) == 1
    ledger = read_ledger(place)
    assert sorted(ledger.entries) == ["bucket.a", "bucket.b", "credential.main"]
    assert (ledger.pending, place.names("journal."), place.holder()) == ((), [], None)
    assert not stand.rig.plan().has_changes
    return told


def test_the_grace_ends_a_run_before_the_second_signal_and_all_of_it_is_on_the_books(
    stand: Stand, place: Storage
) -> None:
    code, told = cancelled(stand, f"exec FBPLAN apply --yes {IN_TIME}", 1)  # it is over long before the second one
    assert (code, "1 created, 2 with an unknown outcome" in told) == (130, True), told
    assert (place.holder(), place.names("journal.")) == (None, [])
    assert sorted(p.address for p in read_ledger(place).pending) == ["bucket.a", "bucket.b"]
    assert "was made after all" in next_job(stand, place)


@pytest.mark.parametrize(
    ("script", "code", "last"),
    [
        (f"exec FBPLAN apply --yes {TOO_LONG}", 143, "stopped at once; what was on the way stands in the journal"),
        (f"FBPLAN apply --yes {TOO_LONG}; exit $?", -15, ""),  # bash, which tells fbplan nothing
    ],
    ids=["a grace that is too long", "a child of bash"],
)
def test_what_a_run_leaves_that_had_no_time_to_end_is_enough_for_the_next_job(
    stand: Stand, place: Storage, script: str, code: int, last: str
) -> None:
    found, told = cancelled(stand, script, FAST, **SHORT_LEASE)
    assert (found, last in told) == (code, True), told
    assert len(place.names("journal.")) == 1
    assert place.holder() is not None
    told = next_job(stand, place)
    assert "no heartbeat for 2 s" in told
    assert "did not end: of 3 steps 1 was done, 2 were on the way" in told
    assert told.count("was made after all") == 2
