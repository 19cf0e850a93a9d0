"""Who belongs to a workspace: /workspace/{id}/users."""

from __future__ import annotations

from fbplan.emulator.answers import Answer, Rejected
from fbplan.emulator.call import RANKS, Call, Operation
from fbplan.emulator.documents import one_of, texts
from fbplan.emulator.workspaces import live_workspace

ROLES = {name: name for name in RANKS}


def add_member(call: Call, workspace_id: str) -> Answer:
    live_workspace(call, workspace_id, "ADMIN")
    body = texts(call.document, required=("userId", "role"))
    role = one_of("role", body["role"], ROLES)
    if not call.count("SELECT count(*) FROM account WHERE id = ?", body["userId"]):
        raise Rejected(404, "Workspace or user not found")
    call.write("INSERT OR REPLACE INTO member VALUES (?, ?, ?)", workspace_id, body["userId"], role)
    call.record("workspaceuser", "created", body["userId"], workspace_id)
    return Answer({"success": True})


def _demand_member(call: Call, workspace_id: str, user_id: str) -> None:
    live_workspace(call, workspace_id, "ADMIN")
    if not call.count("SELECT count(*) FROM member WHERE workspace_id = ? AND user_id = ?", workspace_id, user_id):
        raise Rejected(404, "Not found")


def update_member(call: Call, workspace_id: str, user_id: str) -> Answer:
    _demand_member(call, workspace_id, user_id)
    role = one_of("role", texts(call.document, required=("role",))["role"], ROLES)
    call.write("UPDATE member SET role = ? WHERE workspace_id = ? AND user_id = ?", role, workspace_id, user_id)
    call.record("workspaceuser", "updated", user_id, workspace_id)
    return Answer({"success": True})


def remove_member(call: Call, workspace_id: str, user_id: str) -> Answer:
    _demand_member(call, workspace_id, user_id)
    call.write("DELETE FROM member WHERE workspace_id = ? AND user_id = ?", workspace_id, user_id)
    call.record("workspaceuser", "deleted", user_id, workspace_id)
    return Answer({"success": True})


OPERATIONS = (
    Operation("POST", "/workspace/<workspace_id>/users", add_member, writes=True),
    Operation("PUT", "/workspace/<workspace_id>/users/<user_id>", update_member, writes=True),
    Operation("DELETE", "/workspace/<workspace_id>/users/<user_id>", remove_member, writes=True),
)
