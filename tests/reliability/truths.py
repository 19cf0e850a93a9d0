"""What must hold of a world, at any instant and in the end: L1, L3, L4, L6 and L7 as lists of what is wrong."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kill_plans import KillPlan
from kill_rig import KillRig
from rig import CANARIES, Rig

from fbplan.journal.recovery import in_force
from fbplan.ledger import read_ledger
from fbplan.storage.base import JOURNAL

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Live:
    """Everything there is, as the API shows it at one instant."""

    credentials: list[Row]
    buckets: list[Row]
    repositories: list[Row]
    keys: dict[str, list[Row]]
    """By the id of the repository."""

    def names(self) -> dict[str, list[str]]:
        """The live names of each kind, equal ones included; of a credential, its marker."""
        return {
            "credential": sorted(_marker(row) for row in self.credentials),
            "bucket": sorted(row["name"] for row in self.buckets),
            "repository": sorted(row["name"] for row in self.repositories),
        }

    def keys_of(self, repository: str) -> list[Row]:
        return [row for home in self.repositories if home["name"] == repository for row in self.keys[home["id"]]]

    def labelled(self) -> dict[str, str]:
        """Id → name of everything."""
        named = {row["id"]: row["name"] for row in (*self.buckets, *self.repositories)}
        keys = {row["id"]: row["name"] for rows in self.keys.values() for row in rows}
        return {**named, **keys, **{row["id"]: _marker(row) for row in self.credentials}}

    def strangers(self) -> list[Row]:
        """The rows of somebody else's objects."""
        rows = (*self.credentials, *self.buckets, *self.repositories, *self.keys_of("theirs"))
        return [row for row in rows if "theirs" in {row.get("name"), row.get("description")}]


def _marker(row: Row) -> str:
    """The name in a description such as `[fbplan:NAME]`, or the text itself."""
    return str(row.get("description")).removeprefix("[fbplan:").removesuffix("]")


def look(rig: Rig) -> Live:
    """Read everything, past fbplan."""
    workspace = rig.http("GET", "/workspace")["workspaces"][0]["id"]
    repositories = rig.http("GET", f"/repo?workspaceId={workspace}")["repos"]
    return Live(
        rig.http("GET", f"/apikeys?workspaceId={workspace}")["apiKeys"],
        rig.http("GET", f"/bucket?workspaceId={workspace}")["buckets"],
        repositories,
        {row["id"]: rig.http("GET", f"/repo/{row['id']}/apikey")["keys"] for row in repositories},
    )


def held_by(path: Path) -> dict[str, str]:
    """Access key id → secret, of every key that a sink was given."""
    text = path.read_text() if path.exists() else ""
    if path.suffix == ".json":
        rows = [json.loads(line) for line in text.splitlines()]
        return {row["key_id"]: row["secret"] for row in rows}
    lines = dict(line.split("=", 1) for line in text.splitlines() if "=" in line)
    plain = {name: value.strip("'\"") for name, value in lines.items()}
    return {plain["FB_KEY_ID"]: plain["FB_KEY_SECRET"]} if "FB_KEY_ID" in plain else {}


def generation(rig: Rig) -> int:
    """The generation of the published policy; 0 when there is none."""
    return int(rig.policy()["generation"]) if (rig.folder / "routing-policy.json").exists() else 0


def wrong_at_the_kill(rig: KillRig, live: Live) -> Iterator[str]:
    """L3 and L6 hold at every instant, and what was written can be read."""
    in_force(rig.storage)
    yield from secrets_seen(rig)
    yield from _routed_to_nothing(rig, live)


def secrets_seen(rig: KillRig) -> Iterator[str]:
    """L3: no file but a sink holds a secret."""
    sinks = [p for p in (rig.folder / "secrets").rglob("*") if p.is_file() and not p.name.startswith(".")]
    secrets = [secret.encode() for secret in (*CANARIES, *(v for p in sinks for v in held_by(p).values() if v))]
    for path in rig.folder.rglob("*"):
        if path.is_file() and path.relative_to(rig.folder).parts[0] not in {"secrets", "emulator"}:
            content = path.read_bytes()
            if any(secret in content for secret in secrets):
                yield f"L3: {path.name} holds a secret"


def _routed_to_nothing(rig: KillRig, live: Live) -> Iterator[str]:
    if not generation(rig):
        return
    attached = {row["id"]: {b["bucketId"] for b in row["buckets"]} for row in live.repositories}
    policy = rig.policy()
    ids = {name: b["bucket_id"] for name, b in policy["buckets"].items()}
    for name, repository in policy["repositories"].items():
        if not {ids[b] for b in repository["order"]} <= attached.get(repository["repo_id"], set()):
            yield f"L6: the policy routes repository {name} to what is not attached"


def wrong_in_the_end(rig: KillRig, plan: KillPlan, live: Live) -> Iterator[str]:
    """What of L1 and L4 does not hold once an apply has ended well."""
    again = rig.plan(*plan.allow)
    if again.has_changes or again.refusals:
        changes = [(c.address, c.action.value, c.why) for c in again.changes]
        yield f"L1: the plan is not empty: {changes}, {again.refusals}"
    wanted = {"credential": plan.credentials, "bucket": plan.buckets, "repository": plan.repositories}
    for kind, names in live.names().items():
        if names != sorted((*wanted[kind], "theirs")):
            yield f"L4: live {kind}: {names}, wanted {sorted((*wanted[kind], 'theirs'))}"
    for home, keys in {**plan.repositories, "theirs": ("theirs",)}.items():
        names = sorted(row["name"] for row in live.keys_of(home))
        if names != sorted(keys):
            yield f"L4: live keys of {home}: {names}, wanted {sorted(keys)}"
    for file, (home, name) in plan.sinks.items():
        held, there = held_by(rig.folder / file), [row["key"] for row in live.keys_of(home) if row["name"] == name]
        if not all(held.get(key) for key in there or [""]):
            yield f"L4: {file} does not hold the secret of {home}/{name}: it has {sorted(held)}, live are {there}"
    yield from _wrong_books(rig, plan, live)


def _wrong_books(rig: KillRig, plan: KillPlan, live: Live) -> Iterator[str]:
    ledger = read_ledger(rig.storage)
    if tuple(sorted(ledger.entries)) != plan.addresses:
        yield f"the ledger owns {sorted(ledger.entries)}, wanted {plan.addresses}"
    dead = {a: e.ids for a, e in ledger.entries.items() if not set(e.ids) <= live.labelled().keys()}
    if dead:
        yield f"the ledger owns what is not there: {dead}"
    if ledger.policy_generation != generation(rig):
        yield f"the ledger knows policy generation {ledger.policy_generation}, published is {generation(rig)}"
    litter = [str(p.relative_to(rig.folder)) for p in rig.folder.rglob("*.fbplan-tmp")]
    if litter or rig.storage.names(JOURNAL):
        yield f"left behind: {litter or rig.storage.names(JOURNAL)}"
