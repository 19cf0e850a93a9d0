"""What is refused before the first write, and the exact words that allow it. Pure.

A guard reads the changes and the world; it never changes either. There is no flag that opens everything.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from fbplan.errors import UsageFault
from fbplan.kinds import KINDS
from fbplan.kinds.base import Kind, Trait, split_address
from fbplan.ledger import Ledger
from fbplan.plan import Action, Change, Refusal
from fbplan.state import Desired, DesiredState, Observed, World

_ALLOWANCE = re.compile(
    r"(replace|rename|adopt|delete):([A-Za-z_]+\.[A-Za-z0-9_.-]+)|max-deletes=\d{1,6}|max-change=\d{1,3}%|short-listing:[a-z_]+"
)


@dataclass(frozen=True, slots=True)
class Limits:
    """How much one apply may remove or change before it asks."""

    max_deletes: int = 5
    max_change_ppm: int = 300_000


@dataclass(frozen=True, slots=True)
class Situation:
    """What the guards look at."""

    desired: DesiredState
    world: World
    ledger: Ledger
    changes: tuple[Change, ...]
    limits: Limits
    allowances: frozenset[str]
    routed: frozenset[str]
    """Addresses of buckets that the published or the coming policy sends writes to."""
    drains: Mapping[str, int] = field(default_factory=dict)
    """Seconds of drain by repository address, where it is more than none."""

    def allows(self, text: str) -> bool:
        return text in self.allowances

    def bound(self, name: str, default: int) -> int:
        given = [int(a.split("=")[1].rstrip("%")) for a in self.allowances if a.startswith(name + "=")]
        return max([default, *given])


def checked_allowances(given: tuple[str, ...]) -> tuple[str, ...]:
    """`--allow` values, sorted; raises UsageFault for one that means nothing."""
    for text in given:
        if not _ALLOWANCE.fullmatch(text):
            raise UsageFault(
                f"--allow '{text}' means nothing",
                "",
                "",
                "use one of replace:ADDR, rename:ADDR, adopt:ADDR, delete:ADDR, max-deletes=N, max-change=N%, short-listing:SECTION",
            )
    return tuple(sorted(set(given)))


def refusals(situation: Situation) -> tuple[Refusal, ...]:
    """Everything that is refused, in a stable order."""
    found = [refusal for guard in _GUARDS for refusal in guard(situation)]
    return tuple(sorted(found, key=lambda r: (r.address, r.guard, r.what)))


def _ambiguous(s: Situation) -> Iterator[Refusal]:
    for found in s.world.ambiguous:
        ids = ", ".join(found.ids)
        yield Refusal(
            "ambiguous",
            found.address,
            f"{len(found.ids)} live objects are called '{found.name}'",
            f"ids: {ids}",
            "rename or delete all but one by hand; fbplan does not guess",
        )


def _short_listings(s: Situation) -> Iterator[Refusal]:
    for kind in KINDS.values():
        owned = s.ledger.owned(kind.name)
        there = sum(a in s.world.live for a in owned)
        total = s.world.counts.get(kind.name, 0)
        allow = f"short-listing:{kind.section}"
        if s.allows(allow):
            continue
        if owned and total == 0 and kind.parent is None:
            yield Refusal(
                "short-listing",
                kind.section,
                f"the API lists no {kind.section} at all",
                f"the ledger owns {len(owned)}",
                "check the token and the workspace; if they really are gone:",
                allow,
            )
        elif len(owned) >= 10 and there * 2 < len(owned):
            yield Refusal(
                "short-listing",
                kind.section,
                f"the API lists {there} of {len(owned)} owned {kind.section}",
                "a listing cut short looks like this",
                "plan again; if they really are gone:",
                allow,
            )


def _protected(s: Situation) -> Iterator[Refusal]:
    for change in s.changes:
        entry, declared = s.ledger.entries.get(change.address), s.desired.resources.get(change.address)
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


def _replaces(s: Situation) -> Iterator[Refusal]:
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
    return bool(live.fields.get("buckets")) or any(
        o.parent_id == live.id for a, o in s.world.live.items() if a != address
    )


def _adoptions(s: Situation) -> Iterator[Refusal]:
    for change in s.changes:
        declared = s.desired.resources.get(change.address)
        if change.is_adopted and change.fields and declared is not None and not declared.adopts:
            allow = f"adopt:{change.address}"
            if not s.allows(allow):
                yield Refusal(
                    "adopt",
                    change.address,
                    f"a live {KINDS[declared.kind].name.replace('_', ' ')} of this name differs and is not owned",
                    "somebody else may have made it",
                    "declare it as it is, set `adopt: true`, or:",
                    allow,
                )


def _renames(s: Situation) -> Iterator[Refusal]:
    for change in s.changes:
        if change.address not in s.routed or change.action is not Action.UPDATE:
            continue
        kind = KINDS[split_address(change.address)[0]]
        renamed = next((f for f in change.fields if _is_name(kind, f.path)), None)
        allow = f"rename:{change.address}"
        if renamed is not None and not s.allows(allow):
            yield Refusal(
                "rename",
                change.address,
                f"renames a bucket that writes are routed to ({renamed.before} → {renamed.after})",
                "writers that still follow the old policy address it by its old name and fail until they reload",
                "rename it when it is out of every `order`, or:",
                allow,
            )


def _is_name(kind: Kind, path: str) -> bool:
    return any(f.name == path and f.has(Trait.NAME) for f in kind.fields)


def _attached(s: Situation) -> Iterator[Refusal]:
    going = {c.address for c in s.changes if c.action is Action.DELETE}
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


def _web3(s: Situation) -> Iterator[Refusal]:
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


def _folders(s: Situation) -> Iterator[Refusal]:
    for change in s.changes:
        for field_change in change.fields:
            if (
                change.action is Action.UPDATE
                and field_change.path.startswith("buckets.")
                and field_change.path.endswith(".folder")
            ):
                yield Refusal(
                    "folder",
                    change.address,
                    f"{field_change.path}: '{field_change.before}' → '{field_change.after}'",
                    "the API cannot change the folder of an attachment",
                    "take the attachment out in one apply and attach it with the new folder in the next; objects under the old folder stay where they are",
                )


def _movers(s: Situation) -> Iterator[Refusal]:
    """An attachment that another repository gives up in the same apply: the API refuses it while both hold it."""
    for change in s.changes:
        declared = s.desired.resources.get(change.address)
        if declared is None or not KINDS[declared.kind].routes or change.action not in {Action.CREATE, Action.UPDATE}:
            continue
        live = s.world.live.get(change.address)
        mine = {a["bucket"] for a in (live.fields.get("buckets") or [])} if live else set()
        mode = declared.fields.get("mode", "NORMAL")
        for item in declared.fields.get("buckets") or []:
            if item["bucket"] in mine:
                continue
            for user in s.world.users.get(item["bucket"], ()):
                other = s.world.live.get(user)
                if other is None or other.kind != declared.kind or user == change.address:
                    continue
                same_folder = any(
                    a["bucket"] == item["bucket"]
                    and a.get("folder", "").strip("/") == item.get("folder", "").strip("/")
                    for a in other.fields.get("buckets") or []
                )
                if "MIRROR" in {mode, other.fields.get("mode")} or same_folder:
                    yield Refusal(
                        "attachment-moves",
                        change.address,
                        f"{user} holds {item['bucket']} now",
                        "the API refuses an attachment that two repositories would hold",
                        f"take it out of {user} in one apply, attach it here in the next",
                    )


def _impossible(s: Situation) -> Iterator[Refusal]:
    for change in s.changes:
        declared = s.desired.resources.get(change.address)
        if declared is None:
            continue
        kind, live = KINDS[declared.kind], s.world.live.get(change.address)
        if change.action is Action.CREATE:
            yield from _cannot_create(kind, declared)
        if live is not None and change.action in {Action.UPDATE, Action.REPLACE}:
            for name, readable in kind.readable_values:
                if live.fields.get(name) not in readable:
                    yield Refusal(
                        "unreadable",
                        change.address,
                        f"its live {name} is '{live.fields.get(name)}'",
                        "fbplan does not know what that means and will not write over it",
                        "change it by hand, or `forget:` it",
                    )
            if live.carried.get("unreadable"):
                yield Refusal(
                    "carried",
                    change.address,
                    "its AI attachments cannot be read",
                    "an update would have to send them back and could lose them",
                    "detach them by hand, or leave this repository as it is",
                )
        if (
            change.action is Action.UPDATE
            and any(f.path == "version" or f.after is None for f in change.fields)
            and kind.write_only
            and not declared.secrets
            and "credential" not in declared.fields
        ):
            yield Refusal(
                "no-secret",
                change.address,
                "a new version is declared and no secret to send",
                "",
                "declare `key:` and `secret:` beside `version:`",
            )


def _cannot_create(kind: Kind, declared: Desired) -> Iterator[Refusal]:
    if declared.sink == "external":
        yield Refusal(
            "external",
            declared.address,
            "an external key is not there",
            "keys with `sink: external` are made by hand and never issued",
            f"create a key named '{declared.name}' in the repository by hand, or give it another sink",
        )
    if kind.write_only and not declared.secrets and declared.fields.get("credential") is None:
        yield Refusal(
            "no-secret",
            declared.address,
            "no credentials to create it with",
            "",
            "declare `key:` and `secret:`"
            + (", or `credential:`" if any(f.name == "credential" for f in kind.fields) else ""),
        )
    if (
        any(f.name == "region" for f in kind.fields)
        and kind.in_workspace
        and kind.marker_field is None
        and "region" not in declared.fields
    ):
        yield Refusal("no-region", declared.address, "no region to create it in", "", "declare `region:`")


def _limits(s: Situation) -> Iterator[Refusal]:
    removed = sum(c.action in {Action.DELETE, Action.REPLACE} for c in s.changes)
    if removed > s.bound("max-deletes", s.limits.max_deletes):
        yield Refusal(
            "max-deletes",
            "limits",
            f"{removed} resources would be deleted or replaced",
            f"the limit is {s.limits.max_deletes}",
            "split the change, raise `limits.max_deletes`, or:",
            f"max-deletes={removed}",
        )
    owned = len(s.ledger.entries)
    touched = sum(
        c.action in {Action.DELETE, Action.REPLACE, Action.UPDATE}
        and not c.is_adopted
        and c.address in s.ledger.entries
        for c in s.changes
    )
    allowed_ppm = max(s.limits.max_change_ppm, s.bound("max-change", 0) * 10_000)
    if owned >= 10 and touched * 1_000_000 > allowed_ppm * owned:
        percent = math.ceil(touched * 100 / owned)
        yield Refusal(
            "max-change",
            "limits",
            f"{touched} of {owned} owned resources would change ({percent}%)",
            f"the limit is {s.limits.max_change_ppm / 10_000:g}%",
            "split the change, raise `limits.max_change`, or:",
            f"max-change={percent}%",
        )


def _drained(s: Situation) -> Iterator[Refusal]:
    for change in s.changes:
        seconds = s.drains.get(change.address)
        narrows = change.action is Action.DELETE or any(
            f.after is None and f.path.startswith("buckets.") for f in change.fields
        )
        if seconds and narrows:
            yield Refusal(
                "drain",
                change.address,
                f"a drain of {seconds} seconds would have to pass before this is removed",
                "this version removes in the same apply",
                "set `state: drain` on the bucket, apply, wait, then set `drain: 0s` and remove it",
            )


_GUARDS: tuple[Callable[[Situation], Iterator[Refusal]], ...] = (
    _ambiguous,
    _short_listings,
    _protected,
    _replaces,
    _adoptions,
    _renames,
    _attached,
    _web3,
    _folders,
    _movers,
    _impossible,
    _limits,
    _drained,
)
