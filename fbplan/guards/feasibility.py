"""Can the API do it at all? What it would refuse half-way is refused here, with the way out."""

from __future__ import annotations

from collections.abc import Iterator

from fbplan.guards.situation import Situation
from fbplan.kinds import KINDS
from fbplan.kinds.base import Kind
from fbplan.plan import Action, Refusal
from fbplan.state import Desired


def folders(s: Situation) -> Iterator[Refusal]:
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


def movers(s: Situation) -> Iterator[Refusal]:
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


def impossible(s: Situation) -> Iterator[Refusal]:
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


def unattached(s: Situation) -> Iterator[Refusal]:
    """An order over attachments that the spec leaves to others must fit what is attached."""
    for address, order in s.orders.items():
        live = s.world.live.get(address)
        attached = {a["bucket"] for a in live.fields.get("buckets") or []} if live is not None else set()
        for bucket in order:
            if bucket not in attached:
                yield Refusal(
                    "unattached",
                    address,
                    f"{bucket} is in its order and not attached to it",
                    "writes would be routed to what is not there",
                    "declare `buckets:` with it, or take it out of `order`",
                )
