"""Who watches that nothing is removed while clients are sent to it: `emulator.watch`, POST /_emulator/watch.

Before each write the published policy is read anew. A violation is a write that deletes, detaches or narrows what the
policy names at that moment, whether or not the API lets it pass, and a policy that came to name what is not there.
Each tells whose client it was, by the first word of its User-Agent: an edit by hand is no mistake of a writer.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from fbplan.emulator.call import RANKS

Policy = Mapping[str, Any]
PUBLISHED = "policy"
"""Stands for the client, where it is the published file that is wrong."""


class Watch:
    """The violations since the watch began, oldest first. Not thread-safe: the emulator holds its lock."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._found: list[dict[str, object]] = []
        standing = self._read()
        # what somebody else broke before the watch began is nobody's violation now
        self._judged = None if standing is None else standing.get("digest")

    def before_write(
        self, db: sqlite3.Connection, request: str, named: Mapping[str, str], body: Policy, agent: str
    ) -> None:
        """Look at one write that is about to be carried out: method and rule of its path, what the path names, and the
        User-Agent that it came with."""
        policy = self._read()
        if policy is None:
            return
        self._judge(db, policy)
        for what in _broken(db, policy, request, named, body):
            self._note(policy, what, request, agent.partition("/")[0].partition(" ")[0])

    def violations(self, db: sqlite3.Connection) -> list[dict[str, object]]:
        """All of them; a policy that was published after the last write is judged here."""
        policy = self._read()
        if policy is not None:
            self._judge(db, policy)
        return [dict(found) for found in self._found]

    def _read(self) -> Policy | None:
        """The policy as it stands. What is no policy routes nobody anywhere."""
        try:
            document = json.loads(self.path.read_bytes())
        except (OSError, ValueError, RecursionError):
            return None
        is_one = isinstance(document, dict) and all(
            isinstance(document.get(section), dict) and all(isinstance(e, dict) for e in document[section].values())
            for section in ("repositories", "buckets")
        )
        return document if is_one else None

    def _judge(self, db: sqlite3.Connection, policy: Policy) -> None:
        """Once per policy: is everything there that it names?"""
        if policy.get("digest") == self._judged:
            return
        self._judged = policy.get("digest")
        for name, entry in policy["repositories"].items():
            if not _is_there(db, "repository", entry.get("repo_id")):
                self._note(policy, f"the policy names repository '{name}', which is not there")
            for use, key_id in _keys_of(entry):
                if not db.execute("SELECT 1 FROM repo_key WHERE key = ?", (key_id,)).fetchone():
                    self._note(policy, f"the policy names the {use} key of repository '{name}', which is not there")
        for name, entry in policy["buckets"].items():
            if not _is_there(db, "bucket", entry.get("bucket_id")):
                self._note(policy, f"the policy names bucket '{name}', which is not there")

    def _note(self, policy: Policy, what: str, request: str = "", by: str = PUBLISHED) -> None:
        self._found.append(
            {
                "sequence": len(self._found) + 1,
                "what": what,
                "request": request,
                "by": by,
                "generation": policy.get("generation"),
            }
        )


def _keys_of(entry: Policy) -> Iterator[tuple[str, str]]:
    """(use, access key id) of the keys that an entry names by id; one made by hand may stand without."""
    keys = entry.get("keys")
    for use, key in keys.items() if isinstance(keys, dict) else ():
        if isinstance(key, dict) and isinstance(key.get("key_id"), str):
            yield use, key["key_id"]


def _is_there(db: sqlite3.Connection, table: str, remote: object) -> bool:
    found = db.execute(f"SELECT 1 FROM {table} WHERE id = ? AND deleted_at IS NULL", (str(remote),))  # noqa: S608
    return found.fetchone() is not None


def _broken(
    db: sqlite3.Connection, policy: Policy, request: str, named: Mapping[str, str], body: Mapping[str, Any]
) -> Iterator[str]:
    """What one write takes away from under the policy."""
    repositories: Mapping[str, Policy] = policy["repositories"]
    buckets = {name: str(entry.get("bucket_id")) for name, entry in policy["buckets"].items()}
    homes = {str(entry.get("repo_id")): name for name, entry in repositories.items()}
    match request:
        case "DELETE /bucket/<bucket_id>":
            names = (n for n, remote in buckets.items() if remote == named["bucket_id"])
            yield from (f"deletes bucket '{name}', which is routed to" for name in names)
        case "DELETE /repo/<repo_id>" if named["repo_id"] in homes:
            yield f"deletes repository '{homes[named['repo_id']]}', which is routed to"
        case "PUT /repo/<repo_id>" if named["repo_id"] in homes and isinstance(body.get("repoBuckets"), list):
            home = homes[named["repo_id"]]
            kept = {_bucket_of(entry) for entry in body["repoBuckets"]}
            for name, remote in buckets.items():
                entry = policy["buckets"][name]
                is_routed = name in (repositories[home].get("order") or ()) or home in (entry.get("folders") or ())
                if is_routed and remote not in kept:
                    yield f"detaches bucket '{name}' from repository '{home}', which routes to it"
        case "DELETE /repo/<repo_id>/apikey/<key_id>" | "PUT /repo/<repo_id>/apikey/<key_id>":
            yield from _broken_keys(db, repositories, named["key_id"], body, is_delete=request[0] == "D")


def _broken_keys(
    db: sqlite3.Connection, repositories: Mapping[str, Policy], key_id: str, body: Mapping[str, Any], *, is_delete: bool
) -> Iterator[str]:
    row = db.execute("SELECT key, access_type FROM repo_key WHERE id = ?", (key_id,)).fetchone()
    for name, entry in repositories.items() if row is not None else ():
        for use, named in _keys_of(entry):
            if named != row["key"]:
                continue
            access = RANKS.get(str(body.get("accessType")), RANKS["ADMIN"])
            if is_delete:
                yield f"deletes the {use} key of repository '{name}', which clients are told to use"
            elif use == "write" and access < RANKS["WRITE"]:
                yield f"lets the write key of repository '{name}' only read, while clients are told to write with it"


def _bucket_of(entry: object) -> object:
    """The bucket of an attachment, in any of the forms that the API reads."""
    if not isinstance(entry, dict):
        return None
    nested = entry.get("bucket")
    return entry.get("bucketId") or entry.get("unitId") or (nested.get("id") if isinstance(nested, dict) else None)
