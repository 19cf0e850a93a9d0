"""The right to apply: taken before the first look, given back at the end."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from threading import Event, Lock
from time import monotonic

from fbplan.bounded import LOOK, begun
from fbplan.cli.output import story
from fbplan.cli.pipeline import Planned
from fbplan.cli.stop import interrupted
from fbplan.cli.whence import Whence, from_here, new_holder, without_userinfo
from fbplan.errors import ExitCode, FbplanError, Interrupted
from fbplan.journal.records import Begun
from fbplan.ledger import anchor_receipt
from fbplan.outcome import Report
from fbplan.plan import Plan
from fbplan.receipts import append_receipt, receipt_of
from fbplan.storage import Holder, Lease, Storage
from fbplan.storage.holding import lost_lock

LEFT_BEHIND = "warning: the lock could not be given back: its lease ends by itself, and an apply waits that long (fbplan unlock shows it)"


class Tenancy:
    """The right to apply of one run: asked for, held, given back once. Safe across threads.

    It may come while the run is leaving already: then it is given back at once.
    """

    def __init__(
        self, storage: Storage | None, wait: float, environ: Mapping[str, str], is_out_of_time: Callable[[], bool]
    ) -> None:
        """`is_out_of_time` says when the end of the run can no longer wait for the lock to be given back."""
        self._storage, self._wait, self._environ, self._is_out_of_time = storage, wait, environ, is_out_of_time
        self._turn, self._is_over, self._is_told = Lock(), False, False
        self._lease: Lease | None = None
        self._ended = Event()  # nothing of ours is in the lock, or on its way there; or that cannot be helped
        self._ended.set()
        self.is_left_behind = False

    @contextmanager
    def held(self) -> Iterator[Lease | None]:
        """Hold it for as long as the block runs; with `ledger: none` there is nothing to hold."""
        if self._storage is None:
            yield None
            return
        lease = self._taken(self._storage)
        try:
            yield lease
        except Interrupted as fault:
            lost = lost_lock(lease, self._storage)
            if lost is None:
                raise
            raise lost from fault  # planning waited for the API meanwhile: no signal ended it
        finally:
            self.give_back()

    def _taken(self, storage: Storage) -> Lease:
        with self._turn:
            if self._is_over:
                raise interrupted()
            self._ended.clear()
        try:
            lease = storage.lease(holder_of(self._environ), self._wait, story)
        except BaseException:
            self._ended.set()
            raise
        with self._turn:
            self._lease, is_late = lease, self._is_over
        if is_late:
            self._release(lease)
            raise interrupted()
        return lease

    def give_back(self, within: float | None = None) -> bool:
        """Whether the lock is free of this run after `within` seconds, else when the time is out; tells it if not."""
        end = None if within is None else monotonic() + within
        with self._turn:
            self._is_over = True
            lease, self._lease = self._lease, None
        if lease is not None:
            begun(lambda: self._release(lease))
        while not self._ended.wait(LOOK):
            if self._is_out_of_time() if end is None else monotonic() > end:
                self.is_left_behind = True
                break
        if self.is_left_behind and not self._is_told:
            self._is_told = True
            story(LEFT_BEHIND)
        return not self.is_left_behind

    def _release(self, lease: Lease) -> None:
        self.is_left_behind = not lease.release()
        self._ended.set()


def holder_of(environ: Mapping[str, str]) -> Holder:
    """Who this run is, for whoever waits for it."""
    return new_holder(from_here(environ), spoken_command(), datetime.now(UTC))


def spoken_command() -> str:
    """What was typed; a secret is no argument, and what somebody put into an address is taken out."""
    words = sys.argv[1:]
    shown = [
        f"***@{word.rpartition('@')[2]}" if before == "--api-url" and "@" in word and "://" not in word else word
        for before, word in zip(["", *words], words, strict=False)
    ]
    return " ".join(["fbplan", *(without_userinfo(word) for word in shown)])[:200]


def begun_of(lease: Lease | None, plan: Plan, planned: Planned, here: Whence | None = None) -> Begun | None:
    """The first record of the journal of this run. `here` is taken before the apply, as for its receipt."""
    if lease is None:
        return None
    holder = lease.holder
    return Begun(
        run=holder.id,
        at=holder.since,
        who=holder.who,
        host=holder.host,
        process=holder.process,
        plan_id=plan.plan_id,
        steps=len(plan.steps),
        workspace_id=planned.observation.workspace.id,
        serial=planned.ledger.serial,
        salt=planned.ledger.salt,
        command=holder.command,
        run_url=holder.run_url,
        workspace=plan.workspace,
        spec=plan.spec_path,
        spec_digest=plan.spec_digest,
        commit=here.commit if here is not None else "",
        is_dirty=here is not None and here.is_dirty,
        allowances=plan.allowances,
    )


def keep_receipt(
    here: Whence,
    storage: Storage | None,
    lease: Lease | None,
    plan: Plan,
    report: Report,
    code: ExitCode,
    seconds: float,
) -> bool:
    """Add the receipt of this apply. What was done is done all the same: a failure is told and changes nothing.

    Returns whether there is one now.

    `here` is taken before the apply: a ledger that git tracks makes the tree differ from its commit.
    """
    if storage is None or lease is None:
        return False
    receipt = receipt_of(
        plan,
        report,
        code,
        at=f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
        seconds=seconds,
        command=spoken_command(),
        who=here.who,
        host=here.host,
        run_url=here.run_url,
        commit=here.commit,
        is_dirty=here.is_dirty,
        lease=lease.holder.id,
    )
    try:
        newest = append_receipt(storage, receipt, report.ledger.receipt)
    except FbplanError as fault:
        story(f"warning: no receipt of this apply could be kept: {fault}")
        return False
    if report.unrecorded is None and lease.is_held():
        try:
            anchor_receipt(report.ledger, storage, newest)
        except FbplanError as fault:
            story(f"warning: the receipt of this apply is kept, but the ledger could not be told of it: {fault}")
    return True
