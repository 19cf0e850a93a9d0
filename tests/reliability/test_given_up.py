"""A call that was given up, and ends after all: the books are closed by then, and it changes nothing in them."""

from __future__ import annotations

import threading
from typing import Any

from rig import ENVIRON, Rig
from test_recovery import SPEC, converged

from fbplan.apply import Setting, execute
from fbplan.apply.books import Keeping
from fbplan.cli.leasing import begun_of, holder_of
from fbplan.client.api import WriteClient
from fbplan.outcome import Result
from fbplan.storage import open_storage


def test_what_ends_after_the_books_are_closed_changes_nothing_in_them(rig: Rig) -> None:
    rig.spec(SPEC)
    planned = rig.planned()
    storage = open_storage(planned.plan.ledger, rig.folder)
    assert storage is not None
    lease = storage.lease(holder_of({}), 0, lambda _: None)
    arrived, may_go_on = threading.Event(), threading.Event()

    def hang(method: str, path: str, body: Any) -> None:
        del body
        if (method, path) == ("POST", "/bucket"):
            rig.observer = None
            arrived.set()
            assert may_go_on.wait(60)

    rig.observer = hang
    before = set(threading.enumerate())
    setting = Setting(
        WriteClient(rig.session),
        rig.folder,
        ENVIRON,
        lambda: rig._clock().timestamp(),
        4,
        keeping=Keeping(storage, lease, begun_of(lease, planned.plan, planned), arrived.is_set),
        is_out_of_grace=arrived.is_set,
    )
    report = execute(planned.plan, planned.observation, planned.ledger, setting)
    assert report.is_abandoned
    told = {o.address: o.result for o in report.outcomes}
    assert told["bucket.a"] is Result.UNKNOWN
    entries = dict(report.ledger.entries)

    may_go_on.set()
    for thread in set(threading.enumerate()) - before:
        thread.join(60)

    assert "a" in rig.ids("bucket")  # it did end
    assert dict(report.ledger.entries) == entries
    lease.release()
    converged(rig)
