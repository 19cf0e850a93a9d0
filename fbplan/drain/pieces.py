"""What contract would do, piece by piece, and what each piece depends on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from fbplan.kinds import KINDS
from fbplan.kinds.api_key import narrows_access
from fbplan.kinds.base import Trait, split_address
from fbplan.ledger import Ledger
from fbplan.plan import Action, Change
from fbplan.state import DesiredState, World


@dataclass(frozen=True, slots=True)
class Piece:
    item: str
    """How the ledger calls it: addresses, so that it means the same in every run."""
    address: str
    what: str
    step: str
    home: str
    seconds: int
    path: str = ""
    """The field change it is; empty for a delete."""
    attachment: str = ""
    needs: tuple[str, ...] = ()


def pieces_of(
    change: Change, desired: DesiredState, world: World, ledger: Ledger, renamed: Mapping[str, str]
) -> Iterator[Piece]:
    home = home_of(change.address, renamed)
    seconds = _seconds(home, desired, ledger)
    if change.action is Action.DELETE:
        inside = f"{home}/{change.address}" if home not in {"", change.address} else change.address
        needs = tuple(sorted(set(_lets_go(change.address, world, renamed))))
        yield Piece(inside, change.address, "delete", f"{change.address}:delete", home, seconds, needs=needs)
    if change.action is not Action.UPDATE:
        return
    kind, live = KINDS[split_address(change.address)[0]], world.live[change.address]
    for found in change.fields:
        step = f"{change.address}:narrow"
        facts = next((f for f in kind.compared if f.name == found.path.split(".", 1)[0]), None)
        if facts is None:
            continue
        if facts.items and found.after is None:
            gone = found.path.split(".", 1)[1]
            bucket = next(b for i in live.fields.get(facts.name) or [] if short(b := str(i["bucket"])) == gone)
            yield Piece(f"{home}/{bucket}", change.address, f"detach {bucket}", step, home, seconds, found.path, bucket)
        elif facts.has(Trait.RANKED) and narrows_access(found.before, found.after):
            yield Piece(
                f"{home}/{change.address}={found.after}",  # a delete after a downgrade is another thing, and waits anew
                change.address,
                f"{found.path} {found.before} → {found.after}",
                step,
                home,
                seconds,
                found.path,
            )


def short(address: str) -> str:
    kind, names = split_address(address)
    return names[-1] if kind in KINDS else address


def home_of(address: str, renamed: Mapping[str, str]) -> str:
    """The repository that a change belongs to; empty for what belongs to none."""
    kind, names = split_address(address)
    if kind not in KINDS:
        return ""
    parent = KINDS[kind].parent
    found = f"{parent}.{names[0]}" if parent else address if KINDS[kind].routes else ""
    return renamed.get(found, found)


def _seconds(home: str, desired: DesiredState, ledger: Ledger) -> int:
    """What the spec says; of a repository that left it, what the ledger remembers."""
    if home in desired.resources:
        return desired.resources[home].drain
    return ledger.entries[home].drain if home in ledger.entries else 0


def _lets_go(address: str, world: World, renamed: Mapping[str, str]) -> Iterator[str]:
    """The items that a delete depends on, whether they exist or not."""
    for user in world.users.get(address, ()):
        yield from (user, f"{home_of(user, renamed)}/{address}")
    live = world.live.get(address)
    if live is not None and KINDS[live.kind].routes:
        home = home_of(address, renamed)
        yield from (f"{home}/{a}" for a, child in world.live.items() if child.parent_id == live.id)
