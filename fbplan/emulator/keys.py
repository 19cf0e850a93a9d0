"""Repository API keys. The secret stands in the answer to POST and nowhere else, not even in the database."""

from __future__ import annotations

import sqlite3

from fbplan.emulator.answers import Answer, Rejected
from fbplan.emulator.call import RANKS, Call, Operation, Role, iso
from fbplan.emulator.documents import one_of, texts
from fbplan.emulator.key_forms import issued

ACCESS_TYPES = {name: name for name in RANKS}


def _demand_repository(call: Call, repo_id: str, role: Role) -> str:
    """The workspace of a live repository in which the caller holds `role`. Raises Rejected."""
    row = call.row("SELECT workspace_id FROM repository WHERE id = ? AND deleted_at IS NULL", repo_id)
    if row is None:
        raise Rejected(404, "Repository not found")
    call.demand(row["workspace_id"], role)
    return str(row["workspace_id"])


def _demand_key(call: Call, repo_id: str, key_id: str) -> str:
    workspace_id = _demand_repository(call, repo_id, "WRITE")
    if not call.count("SELECT count(*) FROM repo_key WHERE id = ? AND repo_id = ?", key_id, repo_id):
        raise Rejected(404, "API key not found")
    return workspace_id


def read_key(call: Call, row: sqlite3.Row) -> dict[str, object]:
    """A key as lists show it: the public part whole or masked, the secret never."""
    key = row["key"] if call.settings.key_masking == "none" else f"{row['key'][:4]}****"
    return {
        "id": row["id"],
        "name": row["name"],
        "accessType": row["access_type"],
        "key": key,
        "createdAt": row["created_at"],
    }


def list_keys(call: Call, repo_id: str) -> Answer:
    _demand_repository(call, repo_id, "READ")
    rows = call.rows("SELECT * FROM repo_key WHERE repo_id = ? ORDER BY seq", repo_id)
    return Answer({"success": True, "keys": [read_key(call, row) for row in rows]})


def _body(call: Call) -> dict[str, str]:
    body = texts(call.document, required=("name", "accessType"), optional=("repoId",))
    body["accessType"] = one_of("accessType", body["accessType"], ACCESS_TYPES)
    return body


def create_key(call: Call, repo_id: str) -> Answer:
    workspace_id = _demand_repository(call, repo_id, "WRITE")
    body = _body(call)
    key_id = call.store.next_id()
    drawn = f"FB{call.store.next_id().replace('-', '').upper()[:18]}"
    (protocol,) = call.row("SELECT storage_type FROM repository WHERE id = ?", repo_id) or ("",)
    made = issued(protocol, drawn, call.store.meta("signing_key"))
    call.write(
        "INSERT INTO repo_key (id, repo_id, name, access_type, key, created_at, public_key) VALUES (?, ?, ?, ?, ?, ?, ?)",
        key_id, repo_id, body["name"], body["accessType"], made.key, iso(call.now), made.public_key,
    )  # fmt: skip
    call.record("apikey", "created", key_id, workspace_id)
    return Answer({"success": True, "id": key_id, "key": made.key, "secret": made.secret})


def update_key(call: Call, repo_id: str, key_id: str) -> Answer:
    workspace_id = _demand_key(call, repo_id, key_id)
    body = _body(call)
    call.write("UPDATE repo_key SET name = ?, access_type = ? WHERE id = ?", body["name"], body["accessType"], key_id)
    call.record("apikey", "updated", key_id, workspace_id)
    return Answer({"success": True, "message": "API key updated"})


def delete_key(call: Call, repo_id: str, key_id: str) -> Answer:
    workspace_id = _demand_key(call, repo_id, key_id)
    call.write("DELETE FROM repo_key WHERE id = ?", key_id)
    call.record("apikey", "deleted", key_id, workspace_id)
    return Answer({"success": True, "message": "API key deleted"})


OPERATIONS = (
    Operation("GET", "/repo/<repo_id>/apikey", list_keys),
    Operation("POST", "/repo/<repo_id>/apikey", create_key, writes=True),
    Operation("PUT", "/repo/<repo_id>/apikey/<key_id>", update_key, writes=True),
    Operation("DELETE", "/repo/<repo_id>/apikey/<key_id>", delete_key, writes=True),
)
