"""Workspaces: GET and POST /workspace, GET, PUT and DELETE /workspace/{id}."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable

from fbplan.emulator.answers import Answer, Rejected
from fbplan.emulator.call import Call, Operation, Role, iso
from fbplan.emulator.documents import texts

WORKSPACE_MANAGER = 2  # organisation role bits (api/README.md §1): 2 workspaces, 254 administrator, 255 owner

BLOCKERS = (
    ("bucket", "SELECT count(*) FROM bucket WHERE workspace_id = ? AND deleted_at IS NULL"),
    ("repository", "SELECT count(*) FROM repository WHERE workspace_id = ? AND deleted_at IS NULL"),
    ("credential", "SELECT count(*) FROM credential WHERE workspace_id = ?"),
)


def live_workspace(call: Call, workspace_id: str, role: Role, status: int = 404) -> sqlite3.Row:
    """The workspace, when it exists and the caller holds `role` in it. Raises Rejected."""
    row = call.row("SELECT * FROM workspace WHERE id = ? AND deleted_at IS NULL", workspace_id)
    if row is None:
        raise Rejected(status, "Workspace not found")
    call.demand(workspace_id, role)
    return row


def _read(call: Call, rows: Iterable[sqlite3.Row]) -> list[dict[str, object]]:
    org_id = call.store.meta("org_id")
    members: dict[str, list[dict[str, object]]] = {}
    for member in call.rows(
        "SELECT m.workspace_id, m.role, a.* FROM member m JOIN account a ON a.id = m.user_id"
        " ORDER BY m.workspace_id, a.seq",
    ):
        user = {
            "id": member["id"],
            "name": member["name"],
            "lastName": member["last_name"],
            "email": member["email"],
            "orgRole": member["org_role"],
        }
        members.setdefault(member["workspace_id"], []).append(
            {"userId": member["id"], "role": member["role"], "user": user}
        )
    return [
        {"id": row["id"], "name": row["name"], "orgId": org_id, "users": members.get(row["id"], [])} for row in rows
    ]


def list_workspaces(call: Call) -> Answer:
    condition, values = call.visible("id")
    rows = call.rows(f"SELECT * FROM workspace WHERE deleted_at IS NULL AND {condition} ORDER BY seq", *values)  # noqa: S608
    return Answer({"success": True, "workspaces": _read(call, rows)})


def create_workspace(call: Call) -> Answer:
    name = texts(call.document, required=("name",))["name"]
    if not call.caller.org_role & WORKSPACE_MANAGER:
        raise Rejected(403, "Insufficient permissions to create workspaces")
    workspace_id = call.store.next_id()
    call.write("INSERT INTO workspace (id, name, created_at) VALUES (?, ?, ?)", workspace_id, name, iso(call.now))
    call.write("INSERT INTO member VALUES (?, ?, 'ADMIN')", workspace_id, call.caller.user_id)
    call.record("workspace", "created", workspace_id, workspace_id)
    return Answer({"success": True, "workspace": _one(call, workspace_id)}, 201)


def get_workspace(call: Call, workspace_id: str) -> Answer:
    live_workspace(call, workspace_id, "READ")
    return Answer({"success": True, "workspace": _one(call, workspace_id)})


def update_workspace(call: Call, workspace_id: str) -> Answer:
    live_workspace(call, workspace_id, "ADMIN")
    name = texts(call.document, required=("name",))["name"]
    call.write("UPDATE workspace SET name = ? WHERE id = ?", name, workspace_id)
    call.record("workspace", "updated", workspace_id, workspace_id)
    return Answer({"success": True, "workspace": _one(call, workspace_id)})


def delete_workspace(call: Call, workspace_id: str) -> Answer:
    live_workspace(call, workspace_id, "ADMIN")
    for noun, sql in BLOCKERS:
        is_blocking = noun != "credential" or call.settings.credentials_block_workspace
        if is_blocking and call.count(sql, workspace_id):
            raise Rejected(400, f"Cannot delete workspace with an existing {noun}")
    call.write("UPDATE workspace SET deleted_at = ? WHERE id = ?", iso(call.now), workspace_id)
    call.record("workspace", "deleted", workspace_id, workspace_id)
    return Answer({"success": True})


def _one(call: Call, workspace_id: str) -> dict[str, object]:
    return _read(call, call.rows("SELECT * FROM workspace WHERE id = ?", workspace_id))[0]


OPERATIONS = (
    Operation("GET", "/workspace", list_workspaces),
    Operation("POST", "/workspace", create_workspace, writes=True),
    Operation("GET", "/workspace/<workspace_id>", get_workspace),
    Operation("PUT", "/workspace/<workspace_id>", update_workspace, writes=True),
    Operation("DELETE", "/workspace/<workspace_id>", delete_workspace, writes=True),
)
