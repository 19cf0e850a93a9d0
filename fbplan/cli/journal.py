"""`journal`: what an apply wrote down before and after each call, for people."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from fbplan.cli.options import spec_argument
from fbplan.cli.output import story
from fbplan.errors import ExitCode

if TYPE_CHECKING:
    from fbplan.journal.records import Unfinished


@click.group()
def journal() -> None:
    """Look at what an apply that did not end left behind."""


@journal.command("show", epilog="\b\nExample:\n  fbplan journal show")
@spec_argument
def show(spec: Path) -> int:
    """Show each step of an unfinished apply: done, failed, or on the way. Reads no API."""
    from fbplan.journal.recovery import in_force
    from fbplan.spec.load import load_spec
    from fbplan.storage import open_storage

    loaded = load_spec(spec)
    found = in_force(open_storage(loaded.spec.ledger, loaded.folder))
    for left in found.journals:
        for line in _lines(left):
            click.echo(line)
    for pending in found.ledger.pending:
        click.echo(f"pending       {pending.address}  its create got no answer; the next apply looks for it")
    if not found.journals and not found.ledger.pending:
        story("no apply was left unfinished")
    else:
        story("next: fbplan apply  (it finds out what is open by reading, and goes on)")
    return int(ExitCode.OK)


def _lines(left: Unfinished) -> list[str]:
    from fbplan.drain.verdict import rfc3339
    from fbplan.journal.records import DrainsBegun, DrainsOver, Ended, Intent, Issued, PolicyPublished

    begun = left.begun
    out = [
        f"{left.name}: begun {begun.at} by {begun.who} on {begun.host}, process {begun.process}, {begun.steps:,} steps, plan {begun.plan_id}"
        if begun is not None
        else f"{left.name}: nothing but its name was written"
    ]
    ended = {r.step: r for r in left.records if isinstance(r, Ended)}
    issued = {r.step for r in left.records if isinstance(r, Issued)}
    for record in left.records:
        match record:
            case Intent():
                end = ended.get(record.step)
                state = "on the way" if end is None or not end.is_settled else end.result
                note = "  made, its secret not known to be in the sink" if end is None and record.step in issued else ""
                out.append(f"  {state:<12}{record.verb:<8}{record.address}{note}")
            case PolicyPublished():
                out.append(f"  {'begun':<12}{'publish':<8}policy, generation {record.generation}")
            case DrainsOver():
                out += [f"  {'over':<12}{'drain':<8}{item}" for item in record.items]
            case DrainsBegun():
                out += [f"  {'begun':<12}{'drain':<8}{item}, {rfc3339(record.at)}" for item in record.items]
            case _:
                continue
    if left.is_torn:
        out.append("  (the last line was cut off while it was written; nothing was sent after it)")
    return out
