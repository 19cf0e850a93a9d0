"""A holder that slept: whoever went on meanwhile must not lose a key, nor the sink that holds it (L4)."""

from __future__ import annotations

from rig import ENVIRON, Rig
from test_recovery import SPEC, converged, the_only_key_is_in_its_sink
from typing_extensions import override
from volatile import Volatile, Watched

from fbplan.apply import Setting, execute
from fbplan.apply.books import Keeping
from fbplan.cli.leasing import begun_of, holder_of
from fbplan.client.api import WriteClient
from fbplan.outcome import Report, Result
from fbplan.storage import Storage, open_storage
from fbplan.storage.base import Holder, Lease, Log

MORE = SPEC.replace(
    "repositories:",
    "  b: {bucket: acme-b, storage_type: S3, region: r, credential: main, soft_cap: {limit: 1GB}}\nrepositories:",
)


class Sleeper(Lease):
    """A lease that somebody breaks while its holder is stopped."""

    def __init__(self, holder: Holder) -> None:
        self.holder, self.is_broken = holder, False

    def is_held(self) -> bool:
        return not self.is_broken

    def release(self) -> None:
        pass


def execute_with(rig: Rig, lease: Sleeper, storage: Storage | None = None) -> Report:
    planned = rig.planned()
    storage = storage or open_storage(planned.plan.ledger, rig.folder)
    keeping = Keeping(storage, lease, begun_of(lease, planned.plan, planned))
    setting = Setting(
        WriteClient(rig.session), rig.folder, ENVIRON, lambda: rig._clock().timestamp(), 4, keeping=keeping
    )
    return execute(planned.plan, planned.observation, planned.ledger, setting)


def stopped(
    rig: Rig, *, notices: bool = True, at: tuple[str, str] = ("POST", "/apikey"), then: str = SPEC, cut: bool = False
) -> Report:
    """An apply that is stopped before it sends something; another one applies `then` meanwhile; then it wakes.

    With `cut`, what it was about to send is lost, and it is told of that only now.
    """
    lease = Sleeper(holder_of({}))

    def stop(method: str, path: str, body: object) -> None:
        del body
        if method == at[0] and path.endswith(at[1]):
            rig.observer = None
            lease.is_broken = notices
            rig.spec(then)
            converged(rig)
            if cut:
                rig.fault(method=method, path=f"*{at[1]}", fault="cut-before")

    rig.observer = stop
    return execute_with(rig, lease)


def test_a_holder_that_lost_its_lock_takes_its_key_back_and_leaves_the_sink_alone(rig: Rig) -> None:
    rig.spec(SPEC)
    report = stopped(rig)

    told = {o.address: o for o in report.outcomes}["api_key.app.w"]
    assert told.result is Result.FAILED
    assert "the lock was lost" in told.told
    the_only_key_is_in_its_sink(rig)
    assert not rig.plan().has_changes


def test_a_key_that_a_late_writer_drove_out_of_the_sink_is_an_orphan(rig: Rig) -> None:
    """The lock did not keep the two apart at all: the sink holds the late key, and nobody has the other's secret."""
    rig.spec(SPEC)
    stopped(rig, notices=False)

    plan = rig.plan()

    assert [c.address for c in plan.changes] == ["api_key.app.w@orphan"]
    converged(rig)
    the_only_key_is_in_its_sink(rig)


def test_a_holder_that_lost_its_lock_with_the_answer_does_not_take_the_other_s_key_for_its_orphan(rig: Rig) -> None:
    """One cut of the network is enough for both: the key under that name is who went on's, and its secret is stored."""
    rig.spec(SPEC)
    report = stopped(rig, cut=True)

    told = {o.address: o for o in report.outcomes}["api_key.app.w"]
    assert told.result is Result.UNKNOWN
    assert "the lock was lost" in told.told
    the_only_key_is_in_its_sink(rig)
    converged(rig)
    the_only_key_is_in_its_sink(rig)


def test_a_holder_that_lost_its_lock_with_the_answer_does_not_send_its_update_again(rig: Rig) -> None:
    rig.spec(SPEC)
    converged(rig)
    rig.spec(SPEC.replace("region: r,", "region: r2,"))

    report = stopped(rig, at=("PUT", ""), then=SPEC.replace("region: r,", "region: r3,"), cut=True)

    assert report.outcomes[0].result is Result.UNKNOWN
    assert not rig.plan().has_changes


def test_a_holder_that_lost_its_lock_with_the_answer_does_not_send_its_delete_again(rig: Rig) -> None:
    """Who went on keeps the bucket: its spec has it again."""
    rig.spec(MORE)
    converged(rig)
    rig.spec(SPEC)

    report = stopped(rig, at=("DELETE", ""), then=MORE, cut=True)

    assert report.outcomes[0].result is Result.UNKNOWN
    assert "b" in rig.ids("bucket")
    assert not rig.plan().has_changes


class Slow(Volatile):
    """Books so slow that the lock is lost while it is written down that a policy is about to be published."""

    lease: Sleeper

    @override
    def open_log(self, name: str) -> Log:
        return SlowLog(super().open_log(name), name, self)


class SlowLog(Watched):
    storage: Slow

    @override
    def append(self, content: bytes) -> None:
        super().append(content)
        self.storage.lease.is_broken |= b'"record":"published"' in content


def test_a_holder_that_lost_its_lock_does_not_publish_over_who_went_on(rig: Rig) -> None:
    rig.spec(SPEC)
    storage = Slow(rig.folder / "fbplan.ledger.json")
    storage.lease = Sleeper(holder_of({}))

    report = execute_with(rig, storage.lease, storage)

    assert report.outcomes[-1].result is Result.SKIPPED
    assert "the lock was lost" in report.outcomes[-1].told
    assert not (rig.folder / "routing-policy.json").exists()
    converged(rig)
