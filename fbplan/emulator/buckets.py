"""Buckets: registrations of provider buckets, their uniqueness, and what keeps them from being deleted."""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Iterable, Mapping

from fbplan.emulator.answers import Answer, Rejected
from fbplan.emulator.call import Call, Operation, Role, iso
from fbplan.emulator.credentials import known_credential, masked
from fbplan.emulator.documents import STORAGE_TYPES, mapping, one_of, texts
from fbplan.emulator.workspaces import live_workspace

COLUMNS = {
    "name": "name",
    "bucket": "bucket",
    "storageType": "storage_type",
    "key": "key",
    "endpoint": "endpoint",
    "region": "region",
    "workspaceId": "workspace_id",
    "walletAddress": "wallet_address",
    "apiKeyUuid": "credential_id",
}
REQUIRED = ("name", "bucket", "storageType", "workspaceId")
OPTIONAL = ("key", "secret", "endpoint", "region", "walletAddress", "apiKeyUuid")
IMMUTABLE = ("bucket", "storageType", "workspaceId")
LATENCY_MS = 38


def live_bucket(call: Call, bucket_id: str, role: Role) -> sqlite3.Row:
    """The bucket, when it is live and the caller holds `role` in its workspace. Raises Rejected."""
    row = call.row("SELECT * FROM bucket WHERE id = ? AND deleted_at IS NULL", bucket_id)
    if row is None:
        raise Rejected(404, "Bucket not found")
    call.demand(row["workspace_id"], role)
    return row


ENVELOPE = {"key": 48, "iv": 12, "authTag": 16, "message": 64}  # the fields of a ciphertext envelope, and their sizes


def new_envelope() -> str:
    """A ciphertext envelope of random text: it is not derived from the secret, so nothing can be taken out of it."""
    return " ".join(secrets.token_urlsafe(size) for size in ENVELOPE.values())


def storage_type(call: Call, stored: str) -> str:
    """A storage type as reads name it."""
    return call.settings.azure_reads if stored == "BLOB" else stored


def read_bucket(call: Call, row: sqlite3.Row) -> dict[str, object]:
    """A bucket as lists show it, without the repositories that use it."""
    read: dict[str, object] = {
        "id": row["id"],
        "name": row["name"],
        "bucket": row["bucket"],
        "storageType": storage_type(call, row["storage_type"]),
        "key": masked(call, row["key"]),
        "endpoint": row["endpoint"],
        "region": row["region"],
        "status": row["status"],
        "lastStatusAt": row["created_at"],
        "createdAt": row["created_at"],
        "workspaceId": row["workspace_id"],
        "walletAddress": row["wallet_address"],
        "apiKeyId": row["credential_id"],
    }
    match call.settings.secret_reads:
        case "envelope":
            read["secret"] = dict(zip(ENVELOPE, row["envelope"].split(), strict=True)) if row["envelope"] else None
        case "empty":
            read["secret"] = {}
        case "null":
            read["secret"] = None
        case "absent":
            pass
    return read


def _read(call: Call, rows: Iterable[sqlite3.Row]) -> list[dict[str, object]]:
    attached: dict[str, list[str]] = {}
    for repo_id, bucket_id in call.rows("SELECT repo_id, bucket_id FROM attachment"):
        attached.setdefault(repo_id, []).append(bucket_id)
    users: dict[str, list[dict[str, object]]] = {}
    for repo in call.rows(
        "SELECT id, name, storage_type, created_at FROM repository WHERE deleted_at IS NULL ORDER BY seq"
    ):
        read = {
            "id": repo["id"],
            "name": repo["name"],
            "storageType": storage_type(call, repo["storage_type"]),
            "createdAt": repo["created_at"],
        }
        for bucket_id in attached.get(repo["id"], ()):
            users.setdefault(bucket_id, []).append(read)
    return [read_bucket(call, row) | {"repos": users.get(row["id"], [])} for row in rows]


def list_buckets(call: Call) -> Answer:
    condition, values = call.visible("workspace_id")
    wallet = call.filter("walletAddress")
    rows = call.rows(
        f"SELECT * FROM bucket WHERE deleted_at IS NULL AND {condition}"  # noqa: S608
        " AND (? IS NULL OR wallet_address = ?) ORDER BY seq",
        *values, wallet, wallet,
    )  # fmt: skip
    return Answer({"success": True, "buckets": _read(call, rows)})


def list_available(call: Call) -> Answer:
    condition, values = call.visible("workspace_id")
    rows = call.rows(
        f"SELECT * FROM bucket WHERE deleted_at IS NULL AND {condition} AND id NOT IN"  # noqa: S608
        " (SELECT a.bucket_id FROM attachment a JOIN repository r ON r.id = a.repo_id WHERE r.mode = 'MIRROR')"
        " ORDER BY seq",
        *values,
    )
    return Answer(_read(call, rows))


def create_bucket(call: Call) -> Answer:
    body = texts(call.document, required=REQUIRED, optional=OPTIONAL)
    body["storageType"] = one_of("storageType", body["storageType"], STORAGE_TYPES)
    live_workspace(call, body["workspaceId"], "WRITE", status=400)
    _check_credentials(call, body, is_needed=True)
    _check_names(call, body, "")
    _check_quota(call)
    bucket_id = call.store.next_id()
    call.write(
        "INSERT INTO bucket (id, envelope, status, created_at, name, bucket, storage_type, key, endpoint, region,"
        " workspace_id, wallet_address, credential_id) VALUES (?, ?, 'ONLINE', ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        bucket_id, new_envelope() if "secret" in body else None, iso(call.now), *(body.get(wire) for wire in COLUMNS),
    )  # fmt: skip
    call.record("bucket", "created", bucket_id, body["workspaceId"])
    return Answer({"success": True, "bucketId": bucket_id})


def _check_credentials(call: Call, body: Mapping[str, str], *, is_needed: bool) -> None:
    has_own, has_shared = "key" in body or "secret" in body, "apiKeyUuid" in body
    if has_own and has_shared:
        raise Rejected(400, "Send either key and secret or apiKeyUuid, not both")
    if has_own and not (body.get("key") and body.get("secret")):
        raise Rejected(400, "key and secret are required together")
    if is_needed and not has_own and not has_shared:
        raise Rejected(400, "key and secret, or apiKeyUuid, are required")
    if has_shared:
        try:
            known_credential(call, body["apiKeyUuid"], "READ")
        except Rejected:
            raise Rejected(400, "Unknown credential in apiKeyUuid") from None


def _check_names(call: Call, body: Mapping[str, str], own_id: str) -> None:
    living = "" if call.settings.deleted_names == "blocked" else "AND deleted_at IS NULL"
    columns = {"name": "Bucket name already in use", "bucket": "Provider bucket already registered"}
    if call.settings.bucket_uniqueness == "name":
        del columns["bucket"]
    for column, message in columns.items():
        taken = f"SELECT count(*) FROM bucket WHERE {column} = ? AND id <> ? {living}"  # noqa: S608
        if column in body and call.count(taken, body[column], own_id):
            raise Rejected(400, message)


def _check_quota(call: Call) -> None:
    if call.is_full("bucket", call.settings.bucket_quota):
        raise Rejected(429, "Bucket quota exceeded", body={"success": False, "bucketId": ""})


def update_bucket(call: Call, bucket_id: str) -> Answer:
    row = live_bucket(call, bucket_id, "WRITE")
    is_full = call.settings.put_bucket != "partial"
    body = texts(
        call.document, required=REQUIRED if is_full else (), optional=(*(() if is_full else REQUIRED), *OPTIONAL)
    )
    if not body:
        raise Rejected(400, "At least one field is required")
    for wire in REQUIRED:
        if body.get(wire) == "":
            raise Rejected(400, f"{wire} must not be empty")
    if "storageType" in body:
        body["storageType"] = one_of("storageType", body["storageType"], STORAGE_TYPES)
    if "workspaceId" in body:
        live_workspace(call, body["workspaceId"], "WRITE", status=400)
    _check_credentials(call, body, is_needed=call.settings.put_bucket == "full-credentials")
    _check_names(call, body, bucket_id)
    if call.settings.immutable_change == "refused":
        for wire in IMMUTABLE:
            if body.get(wire, row[COLUMNS[wire]]) != row[COLUMNS[wire]]:
                raise Rejected(400, f"{wire} cannot be changed")
    changed: dict[str, object] = {COLUMNS[wire]: body[wire] for wire in COLUMNS if wire in body}
    if is_full:
        changed = {"endpoint": None, "region": None, **changed}
    if "secret" in body:
        changed |= {"envelope": new_envelope(), "credential_id": None}
    if "apiKeyUuid" in body:
        changed |= {"envelope": None, "key": None}
    assignments = ", ".join(f"{column} = ?" for column in changed)
    call.write(f"UPDATE bucket SET {assignments} WHERE id = ?", *changed.values(), bucket_id)  # noqa: S608
    call.record("bucket", "updated", bucket_id, row["workspace_id"])
    return Answer({"success": True, "bucketId": bucket_id, "status": row["status"], "latency_ms": LATENCY_MS})


def delete_bucket(call: Call, bucket_id: str) -> Answer:
    row = live_bucket(call, bucket_id, "WRITE")
    if call.count("SELECT count(*) FROM attachment WHERE bucket_id = ?", bucket_id):
        raise Rejected(403, "Bucket is in use by a repository")
    call.write("UPDATE bucket SET deleted_at = ?, envelope = NULL WHERE id = ?", iso(call.now), bucket_id)
    call.record("bucket", "deleted", bucket_id, row["workspace_id"])
    return Answer({"success": True})


def validate_bucket(call: Call, bucket_id: str) -> Answer:
    row = live_bucket(call, bucket_id, "READ")
    if call.document is not None:
        texts(mapping(call.document), optional=("bucket", "key", "secret", "endpoint", "apiKeyUuid"))
    if row["status"] != "ONLINE":
        raise Rejected(400, "Bucket not accessible")
    return Answer({"success": True, "message": "Bucket reachable", "latency_ms": LATENCY_MS, "status": row["status"]})


OPERATIONS = (
    Operation("GET", "/bucket", list_buckets),
    Operation("POST", "/bucket", create_bucket, writes=True),
    Operation("GET", "/bucket/available", list_available),
    Operation("PUT", "/bucket/<bucket_id>", update_bucket, writes=True),
    Operation("DELETE", "/bucket/<bucket_id>", delete_bucket, writes=True),
    Operation("POST", "/bucket/<bucket_id>/validate", validate_bucket),
)
