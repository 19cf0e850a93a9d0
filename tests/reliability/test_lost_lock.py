"""A holder that slept: whoever went on meanwhile must not lose a key, nor the sink that holds it (L4)."""

from __future__ import annotations

from rig import ENVIRON, Rig
from test_recovery import SPEC, converged, the_only_key_is_in_its_sink

from fbplan.apply import Setting, execute
from fbplan.apply.books import Keeping
from fbplan.cli.leasing import begun_of, holder_of
from fbplan.client.api import WriteClient
from fbplan.outcome import Report, Result
from fbplan.storage import open_storage
from fbplan.storage.base import Holder, Lease


class Sleeper(Lease):
    """A lease that somebody breaks while its holder is stopped."""

    def __init__(self, holder: Holder) -> None:
        self.holder, self.is_broken = holder, False

    def is_held(self) -> bool:
        return not self.is_broken

    def release(self) -> None:
        pass


def execute_with(rig: Rig, lease: Sleeper) -> Report:
    planned = rig.planned()
    storage = open_storage(planned.plan.ledger, rig.folder)
    keeping = Keeping(storage, lease, begun_of(lease, planned.plan, planned))
    setting = Setting(
        WriteClient(rig.session), rig.folder, ENVIRON, lambda: rig._clock().timestamp(), 4, keeping=keeping
    )
    return execute(planned.plan, planned.observation, planned.ledger, setting)


def stopped(rig: Rig, *, notices: bool = True) -> Report:
    """An apply that is stopped before its POST of a key; another one issues the key meanwhile; then it wakes."""
    rig.spec(SPEC)
    lease = Sleeper(holder_of({}))

    def stop(method: str, path: str, body: object) -> None:
        del body
        if method == "POST" and path.endswith("/apikey"):
            rig.observer = None
            lease.is_broken = notices
            converged(rig)

    rig.observer = stop
    return execute_with(rig, lease)


def test_a_holder_that_lost_its_lock_takes_its_key_back_and_leaves_the_sink_alone(rig: Rig) -> None:
    report = stopped(rig)

    told = {o.address: o for o in report.outcomes}["api_key.app.w"]
    assert told.result is Result.FAILED
    assert "the lock was lost" in told.told
    the_only_key_is_in_its_sink(rig)
    assert not rig.plan().has_changes


def test_a_key_that_a_late_writer_drove_out_of_the_sink_is_an_orphan(rig: Rig) -> None:
    """The lock did not keep the two apart at all: the sink holds the late key, and nobody has the other's secret."""
    stopped(rig, notices=False)

    plan = rig.plan()

    assert [c.address for c in plan.changes] == ["api_key.app.w@orphan"]
    converged(rig)
    the_only_key_is_in_its_sink(rig)
