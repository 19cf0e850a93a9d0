"""The right to apply: taken before the first look, given back at the end."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime

from fbplan.cli.output import story
from fbplan.cli.pipeline import Planned
from fbplan.cli.whence import from_here, new_holder
from fbplan.journal import Begun
from fbplan.plan import Plan
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
    return new_holder(from_here(environ), " ".join(["fbplan", *sys.argv[1:]]), datetime.now(UTC))


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
