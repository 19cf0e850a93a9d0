"""May it go? Protection, use elsewhere, replaces, wallets, drains."""

from __future__ import annotations

from collections.abc import Iterator

from fbplan.guards.situation import Situation
from fbplan.kinds import KINDS
from fbplan.kinds.amounts import span
from fbplan.kinds.base import split_address
from fbplan.plan import Action, Refusal
from fbplan.state import Desired, Observed


def protected(s: Situation) -> Iterator[Refusal]:
    """What is due was asked about when its drain began, and is not asked about again."""
    for change in s.changes:
        if change.is_due:
            continue
        entry, declared = s.entry(change), s.desired.resources.get(change.address)
        is_protected = (entry is not None and entry.protect) or (declared is not None and declared.protect)
        if is_protected and change.action in {Action.DELETE, Action.REPLACE}:
            allow = f"{change.action.value}:{change.address}"
            if not s.allows(allow):
                yield Refusal(
                    "protect",
                    change.address,
                    f"{change.action.value} of a protected resource",
                    "it was declared with `protect: true`",
                    "take the protection off in an apply of its own, or:",
                    allow,
                )


def replaces(s: Situation) -> Iterator[Refusal]:
    for change in s.changes:
        if change.action is not Action.REPLACE:
            continue
        kind, live = KINDS[split_address(change.address)[0]], s.world.live[change.address]
        what = "; ".join(
            f"{f.path} cannot change in place ({f.before} → {f.after})" for f in change.fields if f.is_immutable
        )
        users = s.world.users.get(change.address, ())
        name = split_address(change.address)[1][-1]
        if users:
            yield Refusal(
                "replace-attached",
                change.address,
                what,
                f"it is attached to {', '.join(users)}",
                f"declare the new one under another name, put it in `order`, set `state: drain` on '{name}'; when it is drained, take '{name}' out",
            )
        elif kind.routes and _is_in_use(s, change.address, live):
            yield Refusal(
                "replace-in-use",
                change.address,
                what,
                "applications use its endpoint, keys and folders",
                "declare the new repository under another name, move the applications to its keys, then take the old one out",
            )
        elif live.id in s.named:
            yield Refusal(
                "replace-routed",
                change.address,
                what,
                "the published policy still sends clients to it",
                f"go back to the old value and take '{name}' out of the routing with an apply of its own; then replace it",
            )
        elif not s.allows(f"replace:{change.address}"):
            yield Refusal(
                "replace",
                change.address,
                what,
                "the object is made again and gets a new id",
                "go back to the old value, or:",
                f"replace:{change.address}",
            )


def _is_in_use(s: Situation, address: str, live: Observed) -> bool:
    return bool(live.fields.get("buckets") or live.children) or any(
        o.parent_id == live.id for a, o in s.world.live.items() if a != address
    )


def attached(s: Situation) -> Iterator[Refusal]:
    going = s.leaving | {c.address for c in s.changes if c.action is Action.DELETE}
    for change in s.changes:
        if change.action is not Action.DELETE:
            continue
        for user in s.world.users.get(change.address, ()):
            if user not in going and not _drops(s.desired.resources.get(user), change.address):
                yield Refusal(
                    "in-use",
                    change.address,
                    f"{user} still uses it",
                    "the API refuses to delete what is in use",
                    f"take it out of {user} first"
                    if not user.startswith("unmanaged:")
                    else "detach it there by hand first, or `forget:` it here",
                )


def _drops(user: Desired | None, address: str) -> bool:
    """Whether the declared state of `user` no longer refers to `address`."""
    if user is None:
        return False
    kind = KINDS[user.kind]
    declared = [f for f in kind.compared if (f.ref is not None or f.items) and f.name in user.fields]
    return bool(declared) and not any(address in _targets(user.fields[f.name]) for f in declared)


def _targets(value: object) -> list[object]:
    if isinstance(value, list):
        return [inner for item in value for inner in item.values()]
    return [value]


def web3(s: Situation) -> Iterator[Refusal]:
    for change in s.changes:
        live = s.world.live.get(change.address)
        if change.action is Action.DELETE and live is not None and KINDS[live.kind].routes:
            attached = [s.world.live.get(str(a.get("bucket"))) for a in live.fields.get("buckets") or []]
            if live.is_web3 or any(b is not None and b.is_web3 for b in attached):
                yield Refusal(
                    "web3",
                    change.address,
                    "deleting a Web3 repository removes its buckets for good",
                    "it, or a bucket of it, belongs to a wallet",
                    "`forget:` it here and remove it in the wallet's own tools",
                )


def unremembered(s: Situation) -> Iterator[Refusal]:
    """A drain without a ledger would begin again with every apply."""
    for address, seconds in () if s.ledger.is_kept else s.draining.items():
        yield Refusal(
            "drain",
            address,
            f"its drain of {span(seconds)} could not be remembered",
            "when a drain began is kept in the ledger, and there is none",
            "keep a ledger, or set `drain: 0s` and remove it at once",
        )
