"""`journal show`: what an apply that did not end, or one that is under way, has written down."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import click

from fbplan.cli.options import spec_argument
from fbplan.cli.output import story
from fbplan.commands import given
from fbplan.errors import ExitCode

if TYPE_CHECKING:
    from fbplan.journal.reading import Unfinished
    from fbplan.ledger import Pending


@click.group()
def journal() -> None:
    """Look at what an apply that did not end left behind."""


@journal.command("show", epilog="\b\nExample:\n  fbplan journal show")
@spec_argument
def show(spec: Path) -> int:
    """Show each step of an unfinished apply: done, failed, or on the way. Reads no API.

    Of a damaged journal it shows what can be read, and the command that moves it aside.
    """
    from fbplan.journal.reading import journal_names, read_journal
    from fbplan.journal.recovery import in_force
    from fbplan.journal.underway import apart, sentence
    from fbplan.spec.load import load_spec
    from fbplan.storage import open_storage

    loaded = load_spec(spec)
    storage = open_storage(loaded.spec.ledger, loaded.folder, spec=loaded.document.label)
    shown = [] if storage is None else [read_journal(storage, name) for name in journal_names(storage)]
    for left in shown:
        for line in _lines(left):
            click.echo(line)
    found, running = apart(in_force(storage), storage)
    for line in _pending(found.ledger.pending):
        click.echo(line)
    if running is not None:
        story(
            f"{sentence(running)}; what is on the way is its own\nnext: wait for it to end, or: fbplan unlock{running.given}"
        )
    elif not found.journals and not found.ledger.pending:
        story("no apply was left unfinished")
    else:
        story(f"next: fbplan apply{given(loaded.document.label)}  (it finds out what is open by reading, and goes on)")
    return int(ExitCode.OK)


def _pending(pending: tuple[Pending, ...]) -> list[str]:
    """A line for each address; a step may have sent its create more than once."""
    counted = Counter(p.address for p in pending)
    return [
        f"pending       {address}  its create got no answer; the next apply looks for it"
        if count == 1
        else f"pending       {address}  its create was sent {count} times and got no answer; the next apply looks for each"
        for address, count in counted.items()
    ]


def _lines(left: Unfinished) -> list[str]:
    from fbplan.drain.verdict import rfc3339
    from fbplan.journal.records import DrainsBegun, DrainsOver, Ended, Intent, Issued, PolicyPublished

    begun = left.begun
    out = [
        f"{left.name}: begun {begun.at} by {begun.who} on {begun.host}, process {begun.process}, {begun.steps:,} steps, plan {begun.plan_id}"
        if begun is not None
        else f"{left.name}: how it began is not told"
        if left.damage is not None
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
    if left.damage is not None:
        out.append(f"  line {left.damage.line} cannot be read: {left.damage.why}; what else can be read stands above")
    return out
