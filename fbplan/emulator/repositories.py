"""Repositories: a name, a client protocol, a mode, and attached buckets."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Sequence

from fbplan.emulator.answers import Answer, Form, Rejected
from fbplan.emulator.attachments import Attachment, attached, attachments_in, broken_rule, check_attachments
from fbplan.emulator.buckets import read_bucket, storage_type
from fbplan.emulator.call import Call, Operation, Role, iso
from fbplan.emulator.documents import STORAGE_TYPES, mapping, one_of, texts
from fbplan.emulator.keys import read_key
from fbplan.emulator.workspaces import live_workspace

MODES = {
    "NORMAL": "NORMAL",
    "MIRROR": "MIRROR",
    "BACKUP": "BACKUP",
}  # BACKUP is in the vendor's pages only (api/README.md §5)


def live_repository(call: Call, repo_id: str, role: Role) -> sqlite3.Row:
    """The repository, when it is live and the caller holds `role` in its workspace. Raises Rejected."""
    row = call.row("SELECT * FROM repository WHERE id = ? AND deleted_at IS NULL", repo_id)
    if row is None:
        raise Rejected(404, "Repository not found")
    call.demand(row["workspace_id"], role)
    return row


def list_repositories(call: Call) -> Answer:
    condition, values = call.visible("workspace_id")
    repo_id, wallet = call.filter("repoId"), call.filter("walletAddress")
    rows = call.rows(
        f"SELECT * FROM repository WHERE deleted_at IS NULL AND {condition} AND (? IS NULL OR id = ?)"  # noqa: S608
        " AND (? IS NULL OR wallet_address = ?) ORDER BY seq",
        *values, repo_id, repo_id, wallet, wallet,
    )  # fmt: skip
    return Answer({"success": True, "repos": _read(call, rows, repo_id)})


def _read(call: Call, rows: Iterable[sqlite3.Row], only: str | None) -> list[dict[str, object]]:
    buckets: dict[str, list[dict[str, object]]] = {}
    for row in call.rows(
        "SELECT a.repo_id, a.folder, a.master, b.* FROM attachment a JOIN bucket b ON b.id = a.bucket_id"
        " WHERE (? IS NULL OR a.repo_id = ?) ORDER BY a.seq", only, only,
    ):  # fmt: skip
        buckets.setdefault(row["repo_id"], []).append(
            {
                "folder": row["folder"],
                "master": bool(row["master"]),
                "bucketId": row["id"],
                "bucket": read_bucket(call, row),
            }
        )
    keys: dict[str, list[dict[str, object]]] = {}
    for row in call.rows("SELECT * FROM repo_key WHERE (? IS NULL OR repo_id = ?) ORDER BY seq", only, only):
        keys.setdefault(row["repo_id"], []).append(read_key(call, row))
    return [
        {
            "id": row["id"],
            "name": row["name"],
            "storageType": storage_type(call, row["storage_type"]),
            "mode": row["mode"],
            "workspaceId": row["workspace_id"],
            "buckets": buckets.get(row["id"], []),
            "aiLlms": _read_ai_llms(call, row["ai_llms"]),
            "apiKeys": keys.get(row["id"], []),
            "aiApiKeys": [],
            "createdAt": row["created_at"],
            "disabled": bool(row["disabled"]),
            "walletAddress": row["wallet_address"],
        }
        for row in rows
    ]


def _read_ai_llms(call: Call, stored: str) -> list[dict[str, object]]:
    name = call.settings.ai_llm_id
    return [
        {"name": f"llm-{place}"} | ({} if name == "none" else {name: llm})
        for place, llm in enumerate(json.loads(stored), 1)
    ]


def _ai_llms_in(document: object) -> str:
    if not isinstance(document, list):
        raise Rejected(400, "repoAiLlms must be a list")
    return json.dumps([texts(entry, required=("aiLlmId",))["aiLlmId"] for entry in document])


def create_repository(call: Call) -> Answer:
    body = _body(call)
    document = mapping(call.document)
    live_workspace(call, body["workspaceId"], "WRITE", status=400)
    wanted = attachments_in(document.get("repoBuckets") or [])
    ai_llms = _ai_llms_in(document.get("repoAiLlms") or [])
    _check_name(call, body["name"], "")
    if call.is_full("repository", call.settings.repo_quota):
        raise broken_rule(call, "QUOTA_EXCEEDED", call.settings.repo_quota_status)
    check_attachments(call, None, body["mode"], wanted)
    repo_id = call.store.next_id()
    call.write(
        "INSERT INTO repository (id, name, storage_type, mode, workspace_id, wallet_address, ai_llms, created_at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        repo_id, body["name"], body["storageType"], body["mode"], body["workspaceId"], body.get("walletAddress"),
        ai_llms, iso(call.now),
    )  # fmt: skip
    _attach(call, repo_id, wanted)
    call.record("repo", "created", repo_id, body["workspaceId"])
    return Answer({"success": True, "repoId": repo_id})


def _body(call: Call, *, has_workspace: bool = True) -> dict[str, str]:
    fields = ("name", "storageType", "mode")
    required, optional = ((*fields, "workspaceId"), ()) if has_workspace else (fields, ("workspaceId",))
    body = texts(call.document, required=required, optional=(*optional, "walletAddress"))
    body["storageType"] = one_of("storageType", body["storageType"], STORAGE_TYPES)
    body["mode"] = one_of("mode", body["mode"], MODES)
    return body


def _check_name(call: Call, name: str, own_id: str) -> None:
    living = "" if call.settings.deleted_names == "blocked" else "AND deleted_at IS NULL"
    if call.count(f"SELECT count(*) FROM repository WHERE name = ? AND id <> ? {living}", name, own_id):  # noqa: S608
        raise broken_rule(call, "NAME_ALREADY_USED")


def _attach(call: Call, repo_id: str, wanted: Sequence[Attachment]) -> None:
    call.write("DELETE FROM attachment WHERE repo_id = ?", repo_id)
    for attachment in wanted:
        call.write(
            "INSERT INTO attachment (repo_id, bucket_id, folder, master) VALUES (?, ?, ?, ?)",
            repo_id, attachment.bucket_id, attachment.folder, attachment.master,
        )  # fmt: skip


def update_repository(call: Call, repo_id: str) -> Answer:
    """Replace the repository. workspaceId is not in the vendor's example, so without it the workspace stays."""
    row = live_repository(call, repo_id, "WRITE")
    body = {"workspaceId": row["workspace_id"], **_body(call, has_workspace=False)}
    live_workspace(call, body["workspaceId"], "WRITE", status=400)
    keeps_absent = call.settings.put_repository == "keep-absent"
    listed, llms = (mapping(call.document).get(name) for name in ("repoBuckets", "repoAiLlms"))
    wanted = (
        attached(call, repo_id) if listed is None and keeps_absent else attachments_in([] if listed is None else listed)
    )
    ai_llms = row["ai_llms"] if llms is None and keeps_absent else _ai_llms_in([] if llms is None else llms)
    if call.settings.immutable_change == "refused":
        for wire, column in (("storageType", "storage_type"), ("mode", "mode"), ("workspaceId", "workspace_id")):
            if body[wire] != row[column]:
                raise Rejected(400, f"{wire} cannot be changed")
    _check_name(call, body["name"], repo_id)
    check_attachments(call, row, body["mode"], wanted)
    call.write(
        "UPDATE repository SET name = ?, storage_type = ?, mode = ?, workspace_id = ?, wallet_address = ?, ai_llms = ?"
        " WHERE id = ?",
        body["name"], body["storageType"], body["mode"], body["workspaceId"],
        body.get("walletAddress", row["wallet_address"]), ai_llms, repo_id,
    )  # fmt: skip
    _attach(call, repo_id, wanted)
    call.record("repo", "updated", repo_id, body["workspaceId"])
    return Answer({"success": True, "repoId": repo_id})


def delete_repository(call: Call, repo_id: str) -> Answer:
    """Soft, keys dying at once; a Web3 repository goes for good and takes its buckets along (api/README.md §2)."""
    row = live_repository(call, repo_id, "WRITE")
    bucket_ids = [attachment.bucket_id for attachment in attached(call, repo_id)]
    call.write("DELETE FROM repo_key WHERE repo_id = ?", repo_id)
    call.write("DELETE FROM attachment WHERE repo_id = ?", repo_id)
    if row["wallet_address"]:
        call.write("DELETE FROM repository WHERE id = ?", repo_id)
        for bucket_id in bucket_ids:
            call.write("DELETE FROM attachment WHERE bucket_id = ?", bucket_id)
            call.write("DELETE FROM bucket WHERE id = ?", bucket_id)
            call.record("bucket", "deleted", bucket_id, row["workspace_id"])
    else:
        call.write("UPDATE repository SET deleted_at = ? WHERE id = ?", iso(call.now), repo_id)
    call.record("repo", "deleted", repo_id, row["workspace_id"])
    return Answer({"success": True})


def validate_new(call: Call) -> Answer:
    return _validate(call, None)


def validate_update(call: Call, repo_id: str) -> Answer:
    return _validate(call, live_repository(call, repo_id, "READ"))


def _validate(call: Call, repo: sqlite3.Row | None) -> Answer:
    mode = one_of("mode", texts(call.document, required=("mode",), optional=("repoId",))["mode"], MODES)
    check_attachments(call, repo, mode, attachments_in(mapping(call.document).get("repoBuckets")))
    return Answer({"success": True, "error_code": "SUCCESS"})


OPERATIONS = (
    Operation("GET", "/repo", list_repositories),
    Operation("POST", "/repo", create_repository, Form.REPOSITORY, writes=True),
    Operation("POST", "/repo/validate", validate_new, Form.REPOSITORY),
    Operation("PUT", "/repo/<repo_id>", update_repository, Form.REPOSITORY, writes=True),
    Operation("DELETE", "/repo/<repo_id>", delete_repository, writes=True),
    Operation("POST", "/repo/<repo_id>/validate", validate_update, Form.REPOSITORY),
)
