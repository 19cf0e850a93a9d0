"""What a plan says beside its changes: notes, warnings, places, and how much is still written to what goes."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from fbplan.client.api import ReadClient
from fbplan.drain.schedule import Held
from fbplan.errors import FbplanError
from fbplan.kinds import KINDS
from fbplan.kinds.base import split_address
from fbplan.ledger import Ledger
from fbplan.observe import Observation, recent_uploads
from fbplan.plan import Action, Change, Refusal
from fbplan.spec.load import LoadedSpec
from fbplan.state import DesiredState, World


def noted(change: Change, world: World, ledger: Ledger, held: Held) -> Change:
    """What a reader should know of a change beyond its fields."""
    notes = list(change.notes)
    now = [f for f in change.fields if (change.address, f.path) not in held.fields]
    detached = [f.path.split(".", 1)[1] for f in now if f.path.startswith("buckets.") and f.after is None]
    if detached and change.action is Action.UPDATE:
        notes.append(
            f"writers that still follow the old policy fail on {', '.join(detached)} until they reload it; its objects stay at the provider"
        )
    live = world.live.get(change.address)
    if change.action is Action.DELETE and live is not None and live.children:
        owned = sum(
            len(e.keys)
            for a, e in ledger.entries.items()
            if split_address(a)[1][:1] == split_address(change.address)[1]
        )
        if live.children > owned:
            notes.append(
                f"{live.children - owned} of its {live.children} API keys are not declared here and end with it"
            )
    if change.action is Action.REPLACE:
        notes.append("a new object with a new id takes its place")
    if change.action is Action.ROTATE:
        notes.append("a new key is issued beside it; the one in use stays valid until it is deleted")
    downgraded = next((f for f in now if f.path == "access" and f.after == "READ"), None)
    if downgraded is not None and change.action is Action.UPDATE:
        notes.append("clients that write with this key fail at once")
    return replace(change, notes=tuple(notes))


def places(
    loaded: LoadedSpec, changes: tuple[Change, ...], refused: tuple[Refusal, ...], desired: DesiredState
) -> dict[str, str]:
    """Where replaces and refusals come from. Positions cost a second parse, so nothing else has one."""
    wanted = {c.address for c in changes if c.action is Action.REPLACE} | {r.address for r in refused}
    return {a: loaded.where(desired.resources[a].place) for a in sorted(wanted) if a in desired.resources}


def warnings(loaded: LoadedSpec, changes: tuple[Change, ...]) -> list[str]:
    out = []
    rotating = [
        f"api_key.{n}.{k}"
        for n, r in loaded.spec.repositories.items()
        for k, d in (r.api_keys or {}).items()
        if d.rotate is not None
    ]
    if rotating:
        out.append(f"{', '.join(rotating)}: `rotate:` is checked and kept, but this version does not rotate by age")
    if loaded.spec.ledger == "none" and any(c.action is Action.CREATE for c in changes):
        out.append("`ledger: none`: fbplan will not remember what it makes, and so will never delete it")
    return out


def activity(
    client: ReadClient, observation: Observation, changes: tuple[Change, ...], now: datetime
) -> dict[str, int]:
    """Bytes written in the last 30 days to what would be deleted; a failure here is no reason to refuse a plan."""
    going = [c.address for c in changes if c.action is Action.DELETE and KINDS[split_address(c.address)[0]].measured_by]
    if not going:
        return {}
    end = now.replace(microsecond=0)
    try:
        return recent_uploads(
            client,
            observation,
            going[:200],
            (end - timedelta(days=30)).isoformat().replace("+00:00", "Z"),
            end.isoformat().replace("+00:00", "Z"),
        )
    except FbplanError:
        return {}
