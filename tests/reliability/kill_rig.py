"""A rig that can be killed, and what must hold of its world afterwards."""

from __future__ import annotations

import copy
import json
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from kill_plans import KillPlan
from rig import CANARIES, ENVIRON, Rig
from seams import Seams, WatchedFiles, watched_app

from fbplan.apply import Setting, execute
from fbplan.books import Keeping
from fbplan.cli.leasing import begun_of, holder_of
from fbplan.cli.pipeline import Planned, make_plan
from fbplan.cli.recovering import recover
from fbplan.client.api import WriteClient
from fbplan.errors import ExitCode
from fbplan.journal import Ended, Intent, Issued, Record, read_journal
from fbplan.ledger import read_ledger
from fbplan.observe import find_workspace
from fbplan.recovery import in_force
from fbplan.spec.load import load_spec
from fbplan.storage import Holder, Lease
from fbplan.storage.base import JOURNAL

KEEP = '#!/bin/sh\ncat >> "secrets/$1.json"\n'


class Unlocked(Lease):
    """A lock that keeps nobody apart, as on a file system that only pretends to have locks."""

    def __init__(self, holder: Holder) -> None:
        self.holder = holder

    def is_held(self) -> bool:
        return True

    def release(self) -> None:
        pass


class KillRig(Rig):
    """The whole of an apply under one lock, with every seam counted."""

    def __init__(self, folder: Path, seams: Seams, *, concurrency: int = 1, loses: bool = False) -> None:
        self.seams, self._concurrency = seams, concurrency
        self.storage = WatchedFiles(folder / "fbplan.ledger.json", seams, loses=loses)
        self.now: Callable[[], float] = time.time
        super().__init__(folder)

    def _observed(self, environ: dict[str, Any], start_response: Any) -> Any:
        return watched_app(super()._observed, self.seams)(environ, start_response)

    def watch(self, seams: Seams, *, loses: bool = False) -> None:
        """Count from here on with other seams."""
        self.seams, self.storage = seams, WatchedFiles(Path(self.storage.label), seams, loses=loses)

    def rival(self) -> KillRig:
        """Somebody else with the same folder and the same organisation."""
        other = copy.copy(self)
        other.watch(Seams())
        other.session = other._session()
        return other

    def run(self, *allow: str, is_locked: bool = True) -> tuple[ExitCode, str]:
        """`fbplan apply`, from the lock to the last write: the exit code and whatever was told."""
        loaded, client = load_spec(self.path), WriteClient(self.session)
        lease = self.storage.lease(holder_of({}), 0, lambda _: None) if is_locked else Unlocked(holder_of({}))
        try:
            workspace = find_workspace(client, loaded.spec.workspace, read_ledger(self.storage).workspace_id)
            recovered = recover(self.storage, client, workspace.id, self.folder, self.now)
            planned: Planned = make_plan(loaded, client, tuple(sorted(allow)))
            told = [*recovered.story, *(f"refused: {r.address}: {r.what}: {r.why}" for r in planned.plan.refusals)]
            if planned.plan.refusals:
                return ExitCode.REFUSED, "\n".join(told)
            if not planned.plan.has_changes:
                return ExitCode.OK, "\n".join(told)
            keeping = Keeping(self.storage, lease, begun_of(lease, planned.plan, planned))
            environ = {**ENVIRON, "PATH": os.defpath}
            setting = Setting(client, self.folder, environ, self.now, self._concurrency, keeping=keeping)
            report = execute(planned.plan, planned.observation, planned.ledger, setting)
            told += [f"{o.verb} {o.address}: {o.result.value}: {o.told}" for o in report.outcomes]
            told += [str(report.unrecorded)] if report.unrecorded is not None else []
            return report.exit_code, "\n".join(told)
        finally:
            lease.release()

    def journals(self) -> str:
        """What was left behind, in short: each record of each journal."""
        out = []
        for name in self.storage.names(JOURNAL):
            found = read_journal(self.storage, name)
            out += [f"{name}{' (torn)' if found.is_torn else ''}", *map(_short, found.records)]
        return "\n        ".join(out)


def _short(record: Record) -> str:
    match record:
        case Intent():
            return f"intent {record.step}"
        case Ended():
            return f"outcome {record.step}: {record.result}"
        case Issued():
            return f"issued {record.step}: {record.key_id}"
        case _:
            return type(record).__name__.lower()


def strangers(rig: Rig) -> None:
    """What no spec declares: objects of somebody else, in the workspace and in nobody's keeping."""
    workspace = rig.http("GET", "/workspace")["workspaces"][0]["id"]
    place = {"storageType": "S3", "region": "x", "workspaceId": workspace, "key": "k", "secret": "s"}
    theirs = rig.http("POST", "/bucket", {"name": "theirs", "bucket": "theirs", **place})["bucketId"]
    shared = {"provider": "AWS", "key": "k", "secret": "s", "description": "theirs", "workspaceId": workspace}
    rig.http("POST", "/apikeys", shared)
    made = {"name": "theirs", "storageType": "S3", "mode": "NORMAL", "workspaceId": workspace}
    home = rig.http("POST", "/repo", {**made, "repoBuckets": [{"bucketId": theirs, "folder": "t", "master": False}]})
    rig.http("POST", f"/repo/{home['repoId']}/apikey", {"name": "theirs", "accessType": "READ"})


def foreign(rig: Rig) -> list[Any]:
    """The rows of the strangers, as the API shows them."""
    workspace = rig.http("GET", "/workspace")["workspaces"][0]["id"]
    rows = [
        row
        for path, key in (("/bucket", "buckets"), ("/repo", "repos"), ("/apikeys", "apiKeys"))
        for row in rig.http("GET", f"{path}?workspaceId={workspace}")[key]
        if "theirs" in {row.get("name"), row.get("description")}
    ]
    return [*rows, rig.keys("theirs")["theirs"]]


def wrong_at_the_kill(rig: KillRig) -> Iterator[str]:
    """L3 and L6 hold at every instant, and what was written can be read."""
    in_force(rig.storage)
    yield from secrets_seen(rig)
    yield from _routed_to_nothing(rig)


def secrets_seen(rig: KillRig) -> Iterator[str]:
    """L3: no file but a sink holds a secret."""
    issued = [v for name in _sink_files(rig) for v in held_by(name).values() if v]
    for path in rig.folder.rglob("*"):
        if path.is_file() and path.relative_to(rig.folder).parts[0] not in {"secrets", "emulator"}:
            content = path.read_bytes()
            if any(secret.encode() in content for secret in (*CANARIES, *issued)):
                yield f"L3: {path.name} holds a secret"


def _routed_to_nothing(rig: KillRig) -> Iterator[str]:
    if not (rig.folder / "routing-policy.json").exists():
        return
    workspace = rig.http("GET", "/workspace")["workspaces"][0]["id"]
    attached = {
        r["id"]: {b["bucketId"] for b in r["buckets"]}
        for r in rig.http("GET", f"/repo?workspaceId={workspace}")["repos"]
    }
    policy = rig.policy()
    ids = {name: b["bucket_id"] for name, b in policy["buckets"].items()}
    for name, repository in policy["repositories"].items():
        if not {ids[b] for b in repository["order"]} <= attached.get(repository["repo_id"], set()):
            yield f"L6: the policy routes repository {name} to what is not attached"


def generation(rig: Rig) -> int:
    return int(rig.policy()["generation"]) if (rig.folder / "routing-policy.json").exists() else 0


def wrong_in_the_end(rig: KillRig, plan: KillPlan) -> Iterator[str]:
    """What of L1 and L4 does not hold once an apply has ended well."""
    again = rig.plan(*plan.allow)
    if again.has_changes or again.refusals:
        yield f"L1: the plan is not empty: {[(c.address, c.action.value, c.why) for c in again.changes]}, {again.refusals}"
    live = {kind: live_names(rig, kind) for kind in ("credential", "bucket", "repository")}
    keys = {home: sorted(row["name"] for row in live_keys(rig, remote)) for home, remote in live["repository"]}
    wanted = {
        "credential": [*plan.credentials, "theirs"],
        "bucket": [*plan.buckets, "theirs"],
        "repository": [*plan.repositories, "theirs"],
    }
    for kind, names in wanted.items():
        if [name for name, _ in live[kind]] != sorted(names):
            yield f"L4: live {kind}: {[name for name, _ in live[kind]]}, wanted {sorted(names)}"
    for home, names in {**plan.repositories, "theirs": ("theirs",)}.items():
        if keys.get(home) != sorted(names):
            yield f"L4: live keys of {home}: {keys.get(home)}, wanted {sorted(names)}"
    yield from _wrong_sinks(rig, plan)
    yield from _wrong_ledger(rig, plan, live)
    litter = [str(p.relative_to(rig.folder)) for p in rig.folder.rglob("*.fbplan-tmp")]
    if litter or rig.storage.names(JOURNAL):
        yield f"left behind: {litter or rig.storage.names(JOURNAL)}"


def live_names(rig: Rig, kind: str) -> list[tuple[str, str]]:
    """The name (or marker) and id of every live object of a kind, equal names included."""
    path, key = {
        "bucket": ("/bucket", "buckets"),
        "repository": ("/repo", "repos"),
        "credential": ("/apikeys", "apiKeys"),
    }[kind]
    workspace = rig.http("GET", "/workspace")["workspaces"][0]["id"]
    rows = rig.http("GET", f"{path}?workspaceId={workspace}")[key]
    return sorted((_marker(str(row.get("name") or row.get("description"))), row["id"]) for row in rows)


def _marker(text: str) -> str:
    """The name in a description such as `[fbplan:NAME]`, or the text itself."""
    return text.removeprefix("[fbplan:").removesuffix("]")


def live_keys(rig: Rig, home: str) -> list[dict[str, Any]]:
    """The API keys of a repository, by its id."""
    found: list[dict[str, Any]] = rig.http("GET", f"/repo/{home}/apikey")["keys"]
    return found


def _sink_files(rig: Rig) -> list[Path]:
    return [p for p in (rig.folder / "secrets").rglob("*") if p.is_file() and not p.name.startswith(".")]


def held_by(path: Path) -> dict[str, str]:
    """Access key id → secret, of every key that a sink was given."""
    text = path.read_text() if path.exists() else ""
    if path.suffix == ".json":
        rows = [json.loads(line) for line in text.splitlines()]
        return {row["key_id"]: row["secret"] for row in rows}
    lines = dict(line.split("=", 1) for line in text.splitlines() if "=" in line)
    plain = {name: value.strip("'\"") for name, value in lines.items()}
    return {plain["FB_KEY_ID"]: plain["FB_KEY_SECRET"]} if "FB_KEY_ID" in plain else {}


def _wrong_sinks(rig: KillRig, plan: KillPlan) -> Iterator[str]:
    for file, (home, name) in plan.sinks.items():
        held = held_by(rig.folder / file)
        live = rig.keys(home).get(name, {}).get("key")
        if not held.get(live or ""):
            yield f"L4: {file} does not hold the secret of {home}/{name}: it has {sorted(held)}, live is {live}"


def _wrong_ledger(rig: KillRig, plan: KillPlan, live: dict[str, list[tuple[str, str]]]) -> Iterator[str]:
    ledger = read_ledger(rig.storage)
    if tuple(sorted(ledger.entries)) != plan.addresses:
        yield f"the ledger owns {sorted(ledger.entries)}, wanted {plan.addresses}"
    ids = {remote for rows in live.values() for _, remote in rows}
    ids |= {row["id"] for _, home in live["repository"] for row in live_keys(rig, home)}
    dead = {a: e.ids for a, e in ledger.entries.items() if not set(e.ids) <= ids}
    if dead:
        yield f"the ledger owns what is not there: {dead}"
    if ledger.policy_generation != generation(rig):
        yield f"the ledger knows policy generation {ledger.policy_generation}, published is {generation(rig)}"
