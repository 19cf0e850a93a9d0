"""The right to apply: taken before the first look, given back at the end."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime

from fbplan.cli.output import story
from fbplan.cli.pipeline import Planned
from fbplan.cli.whence import Whence, from_here, new_holder, without_userinfo
from fbplan.errors import ExitCode, FbplanError
from fbplan.journal.records import Begun
from fbplan.ledger import anchor_receipt
from fbplan.outcome import Report
from fbplan.plan import Plan
from fbplan.receipts import append_receipt, receipt_of
from fbplan.storage import Holder, Lease, Storage


@contextmanager
def leased(storage: Storage | None, wait: float, environ: Mapping[str, str]) -> Iterator[Lease | None]:
    """Hold the right to apply for as long as the block runs; with `ledger: none` there is none to hold."""
    if storage is None:
        yield None
        return
    lease = storage.lease(holder_of(environ), wait, story)
    try:
        yield lease
    finally:
        lease.release()


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


def begun_of(lease: Lease | None, plan: Plan, planned: Planned) -> Begun | None:
    """The first record of the journal of this run."""
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
        newest = append_receipt(storage, receipt)
    except FbplanError as fault:
        story(f"warning: no receipt of this apply could be kept: {fault}")
        return False
    if report.unrecorded is None and lease.is_held():
        try:
            anchor_receipt(report.ledger, storage, newest)
        except FbplanError as fault:
            story(f"warning: the receipt of this apply is kept, but the ledger could not be told of it: {fault}")
    return True
