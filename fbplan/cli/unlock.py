"""`unlock`: who holds the right to apply, and taking it away from a holder that hangs."""

from __future__ import annotations

import os
import socket
import sys
from datetime import UTC, datetime
from pathlib import Path

import click

from fbplan.cli.output import story
from fbplan.commands import given
from fbplan.errors import ExitCode, FbplanError, UsageFault
from fbplan.storage import Holder, Storage, open_storage
from fbplan.storage.base import Clock
from fbplan.storage.holding import sentence


@click.command(
    epilog="\b\nExamples:\n  fbplan unlock\n  fbplan unlock 20260301T100000Z-3f2a9c41\n  fbplan unlock infra/fbplan.yaml 20260301T100000Z-3f2a9c41 --yes"
)
@click.argument("words", metavar="[SPEC] [LEASE_ID]", nargs=-1)
@click.option("--yes", is_flag=True, help="Do not ask; needed where nobody can answer.")
def unlock(words: tuple[str, ...], yes: bool) -> int:
    """Show who holds the lock of a spec; with the id of its lease, take the lock away."""
    spec, lease_id = _asked(words)
    storage = storage_of(spec)
    holder = storage.holder()
    if holder is None:
        click.echo(f"{storage.label}: nobody holds the lock")
        return int(ExitCode.OK)
    if lease_id is None:
        click.echo("\n".join(about(holder, storage, spec, datetime.now(UTC), Clock())))
        return int(ExitCode.OK)
    if holder.id == lease_id and not yes and not _confirmed(holder, spec):
        story("not unlocked")
        return int(ExitCode.ERROR)
    storage.break_lease(lease_id)
    freed = (
        "the lock is free"
        if storage.is_local
        else f"the lock is free in {holder.seconds:.0f} s, when its holder must have noticed"
    )
    click.echo(f"{storage.label}: the lease {lease_id} is broken; {freed}\nnext: fbplan plan{given(str(spec))}")
    return int(ExitCode.OK)


def about(holder: Holder, storage: Storage, spec: Path, now: datetime, clock: Clock) -> list[str]:
    """What is known of a holder, and the command that breaks its lease."""
    rows = [
        ("held by", f"{holder.who} on {holder.host}" if holder.host else holder.who),
        ("process", str(holder.process or "not told")),
        ("run", holder.run_url),
        ("command", holder.command),
        ("since", f"{holder.since} ({_age(holder.since, now)})" if holder.since else "not told"),
        ("alive", _alive(holder, storage, clock)),
        ("lease", holder.id),
    ]
    lines = [storage.label, *(f"  {name.ljust(9)}{value}" for name, value in rows if value)]
    return [*lines, f"to take the lock away from it: fbplan unlock{given(str(spec))} {holder.id}"]


def storage_of(spec: Path) -> Storage:
    """Where the ledger of a spec is kept. Raises FbplanError when it keeps none."""
    from fbplan.spec.load import load_spec

    loaded = load_spec(spec)
    found = open_storage(loaded.spec.ledger, loaded.folder, spec=loaded.document.label)
    if found is None:
        raise FbplanError(
            "this spec keeps no ledger",
            loaded.document.label,
            "`ledger: none`: there is no lock, and there are no receipts",
            "name a file or the URL of an object under `ledger:`",
        )
    return found


def _alive(holder: Holder, storage: Storage, clock: Clock) -> str:
    if storage.is_local:
        if holder.host == socket.gethostname() and holder.process and not _runs(holder.process):
            return "its process is gone, a child of it still holds the lock"
        return "yes: the kernel frees the lock when the process ends; it may hang"
    patience = holder.seconds / 2 + 1
    story(f"watching its heartbeat for up to {patience:.0f} s")
    end = clock.now() + patience
    while clock.now() < end:
        clock.sleep(min(1.0, holder.seconds / 10 + 0.1))
        found = storage.holder()
        if found is None or found.id != holder.id:
            return "it gave the lock back just now"
        if found.beat != holder.beat:
            return "yes: its heart beats"
    return f"no heartbeat for {patience:.0f} s; the next apply that waits takes over {holder.seconds:.0f} s after the last one"


def _runs(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def _age(since: str, now: datetime) -> str:
    try:
        seconds = int((now - datetime.fromisoformat(since)).total_seconds())
    except (ValueError, TypeError):
        return "age unknown"
    if seconds < 0:
        return "in the future: the clocks of the two machines differ"
    for size, unit in ((86_400, "day"), (3600, "hour"), (60, "minute")):
        if seconds >= size:
            return f"{seconds // size} {unit}{'s' if seconds >= 2 * size else ''} ago"
    return f"{seconds} s ago"


def _asked(words: tuple[str, ...]) -> tuple[Path, str | None]:
    """A word that is a file or a folder here, or is written like one, is the spec; any other is the id of a lease."""
    specs = [w for w in words if Path(w).suffix in {".yaml", ".yml"} or "/" in w or Path(w).exists()]
    ids = [w for w in words if w not in specs]
    if len(ids) > 1 or len(specs) > 1:
        raise UsageFault("one spec and one lease id at most", "", "", "fbplan unlock [SPEC] [LEASE_ID]")
    return Path(specs[0]) if specs else Path("fbplan.yaml"), ids[0] if ids else None


def _confirmed(holder: Holder, spec: Path) -> bool:
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UsageFault(
            "nobody is there to confirm this",
            "",
            "stdin or stdout is not a terminal",
            f"fbplan unlock{given(str(spec))} {holder.id} --yes",
        )
    story(f"the lock is held by {sentence(holder)}")
    return click.confirm("it stops before its next write. Take the lock away?", default=False)
