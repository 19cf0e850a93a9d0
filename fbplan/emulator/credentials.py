"""Provider credentials: /apikeys. The secret is dropped on arrival; no read shows one."""

from __future__ import annotations

import sqlite3

from fbplan.emulator.answers import Answer, Rejected
from fbplan.emulator.call import Call, Operation, Role, iso
from fbplan.emulator.documents import texts
from fbplan.emulator.workspaces import live_workspace

COLUMNS = {
    "provider": "provider",
    "key": "key",
    "endpoint": "endpoint",
    "region": "region",
    "tenantId": "tenant_id",
    "subscriptionId": "subscription_id",
    "description": "description",
}
STORAGE, AI, CLOUD = 1, 2, 4
CAPABILITIES = {"OPENAI": AI, "ANTHROPIC": AI}
LARGEST_PREFIX = 4


def masked(call: Call, key: str | None) -> str | None:
    """An access key id as reads show it."""
    if key is None or call.settings.key_masking == "none":
        return key
    return f"{key[:LARGEST_PREFIX]}****"


def known_credential(call: Call, credential_id: str, role: Role) -> sqlite3.Row:
    """The credential, when it exists and the caller holds `role` in its workspace. Raises Rejected."""
    row = call.row("SELECT * FROM credential WHERE id = ?", credential_id)
    if row is None:
        raise Rejected(404, "API key not found")
    call.demand(row["workspace_id"], role)
    return row


def list_credentials(call: Call) -> Answer:
    condition, values = call.visible("workspace_id")
    provider, wanted = call.filter("provider"), _capabilities(call)
    counts = dict(
        call.db.execute(
            "SELECT credential_id, count(*) FROM bucket"
            " WHERE credential_id IS NOT NULL AND deleted_at IS NULL GROUP BY 1"
        ).fetchall()
    )
    rows = call.rows(f"SELECT * FROM credential WHERE {condition} ORDER BY seq", *values)  # noqa: S608
    read = [
        {
            "id": row["id"],
            **{wire: row[column] for wire, column in COLUMNS.items()},
            "key": masked(call, row["key"]),
            "createdAt": row["created_at"],
            "bucket_count": counts.get(row["id"], 0),
            "aillm_count": 0,
        }
        for row in rows
        if provider in {None, row["provider"]} and CAPABILITIES.get(row["provider"], STORAGE | CLOUD) & wanted
    ]
    return Answer({"success": True, "apiKeys": read})


def _capabilities(call: Call) -> int:
    text = call.filter("capability")
    if text is None:
        return STORAGE | AI | CLOUD
    if not text.isascii() or not text.isdigit() or len(text) > 3:
        raise Rejected(400, "capability must be a bit mask")
    return int(text)


def create_credential(call: Call) -> Answer:
    body = texts(
        call.document,
        required=("workspaceId", "provider", "key", "secret"),
        optional=("endpoint", "region", "tenantId", "subscriptionId", "description"),
    )
    live_workspace(call, body["workspaceId"], "WRITE", status=400)
    credential_id = call.store.next_id()
    call.write(
        f"INSERT INTO credential (id, workspace_id, created_at, {', '.join(COLUMNS.values())})"  # noqa: S608
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        credential_id, body["workspaceId"], iso(call.now), *(body.get(wire) for wire in COLUMNS),
    )  # fmt: skip
    call.record("apikey", "created", credential_id, body["workspaceId"])
    return Answer({"success": True, "apiKeyId": credential_id}, call.settings.credential_create_status)


def update_credential(call: Call, credential_id: str) -> Answer:
    row = known_credential(call, credential_id, "WRITE")
    body = texts(call.document, optional=(*COLUMNS, "secret"))
    if not body:
        raise Rejected(400, "At least one field is required")
    for wire in ("provider", "key", "secret"):
        if body.get(wire) == "":
            raise Rejected(400, f"{wire} must not be empty")
    for wire, column in COLUMNS.items():
        if wire in body:
            call.write(f"UPDATE credential SET {column} = ? WHERE id = ?", body[wire], credential_id)  # noqa: S608
    call.record("apikey", "updated", credential_id, row["workspace_id"])
    return Answer({"success": True})


def delete_credential(call: Call, credential_id: str) -> Answer:
    row = known_credential(call, credential_id, "WRITE")
    if call.count("SELECT count(*) FROM bucket WHERE credential_id = ? AND deleted_at IS NULL", credential_id):
        raise Rejected(call.settings.credential_in_use_status, "API key is in use")
    call.write("DELETE FROM credential WHERE id = ?", credential_id)
    call.record("apikey", "deleted", credential_id, row["workspace_id"])
    return Answer({"success": True})


OPERATIONS = (
    Operation("GET", "/apikeys", list_credentials),
    Operation("POST", "/apikeys", create_credential, writes=True),
    Operation("PUT", "/apikeys/<credential_id>", update_credential, writes=True),
    Operation("DELETE", "/apikeys/<credential_id>", delete_credential, writes=True),
)
