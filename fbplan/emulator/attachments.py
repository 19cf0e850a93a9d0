"""What a repository may attach: the mirror and folder rules (api/README.md §4), each with its code."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from fbplan.emulator.answers import Rejected
from fbplan.emulator.call import Call

MESSAGES = {
    "NAME_ALREADY_USED": "Repository name already in use",
    "QUOTA_EXCEEDED": "Repository quota exceeded",
    "MIRROR_MASTER_UNIT_MISSING": "A MIRROR repository needs a master bucket",
    "MIRROR_MASTER_UNIT_COUNT_INVALID": "A MIRROR repository has exactly one master bucket",
    "MIRROR_UNIT_ALREADY_IN_OTHER_REPO": "A bucket of a MIRROR repository cannot be used elsewhere",
    "NORMAL_UNIT_FOLDER_ALREADY_USED": "The folder of this bucket is already in use",
    "NORMAL_UNIT_CANNOT_EDIT_FOLDER": "The folder of an attached bucket cannot be edited",
    "NORMAL_UNIT_FOLDER_CANNOT_DELETE": "The folder of this bucket holds data and cannot be detached",
}


@dataclass(frozen=True, slots=True)
class Attachment:
    """A bucket in a repository. Folders keep the user's spelling and compare without outer slashes."""

    bucket_id: str
    folder: str
    master: bool

    @property
    def place(self) -> str:
        return self.folder.strip("/")


def broken_rule(call: Call, code: str, status: int | None = None) -> Rejected:
    """The refusal for a rule with a code; its status is a switch."""
    return Rejected(status or call.settings.validation_status, MESSAGES[code], code)


def attachments_in(document: object) -> tuple[Attachment, ...]:
    """The attachments of a body; nested bucket objects and the old word unitId are read too. Raises Rejected."""
    if not isinstance(document, list):
        raise Rejected(400, "repoBuckets must be a list")
    return tuple(_attachment(entry) for entry in document)


def _attachment(entry: object) -> Attachment:
    if not isinstance(entry, dict):
        raise Rejected(400, "an entry of repoBuckets must be an object")
    nested = entry.get("bucket")
    bucket_id = entry.get("bucketId") or entry.get("unitId") or (nested.get("id") if isinstance(nested, dict) else None)
    folder, master = entry.get("folder"), entry.get("master")
    if not isinstance(bucket_id, str):
        raise Rejected(400, "bucketId is required in every entry of repoBuckets")
    if not isinstance(folder, str | None) or not isinstance(master, bool | None):
        raise Rejected(400, "folder must be a string and master a boolean")
    return Attachment(bucket_id, folder or "", bool(master))


def attached(call: Call, repo_id: str) -> tuple[Attachment, ...]:
    """The attachments that a repository has."""
    rows = call.rows("SELECT bucket_id, folder, master FROM attachment WHERE repo_id = ? ORDER BY seq", repo_id)
    return tuple(Attachment(row["bucket_id"], row["folder"], bool(row["master"])) for row in rows)


def check_attachments(call: Call, repo: sqlite3.Row | None, mode: str, wanted: Sequence[Attachment]) -> None:
    """Raise the Rejected of the first rule that `wanted` breaks. `repo` is the repository before an update."""
    buckets = [_known_bucket(call, attachment.bucket_id) for attachment in wanted]
    for code in _broken_codes(call, repo, mode, wanted):
        raise broken_rule(call, code)
    _check_identifiers(call, buckets)


def _known_bucket(call: Call, bucket_id: str) -> sqlite3.Row:
    row = call.row("SELECT * FROM bucket WHERE id = ? AND deleted_at IS NULL", bucket_id)
    if row is None or call.role_in(row["workspace_id"]) is None:
        raise Rejected(404, "Bucket not found", "NOT_FOUND")
    return row


def _broken_codes(call: Call, repo: sqlite3.Row | None, mode: str, wanted: Sequence[Attachment]) -> Iterator[str]:
    if mode == "MIRROR":
        masters = sum(attachment.master for attachment in wanted)
        if masters == 0:
            yield "MIRROR_MASTER_UNIT_MISSING"
        if masters > 1:
            yield "MIRROR_MASTER_UNIT_COUNT_INVALID"
    repo_id = "" if repo is None else repo["id"]
    for attachment in wanted:
        for other in call.rows(
            "SELECT a.folder, r.mode FROM attachment a JOIN repository r ON r.id = a.repo_id"
            " WHERE a.bucket_id = ? AND r.id <> ?",
            attachment.bucket_id, repo_id,
        ):  # fmt: skip
            if "MIRROR" in {mode, other["mode"]}:
                yield "MIRROR_UNIT_ALREADY_IN_OTHER_REPO"
            elif other["mode"] == mode == "NORMAL" and other["folder"].strip("/") == attachment.place:
                yield "NORMAL_UNIT_FOLDER_ALREADY_USED"
    pairs = Counter((attachment.bucket_id, attachment.place) for attachment in wanted)
    if mode == "NORMAL" and any(count > 1 for count in pairs.values()):
        yield "NORMAL_UNIT_FOLDER_ALREADY_USED"
    if repo is not None and repo["mode"] == "NORMAL":
        yield from _broken_by_update(call, repo["id"], mode, wanted)


def _broken_by_update(call: Call, repo_id: str, mode: str, wanted: Sequence[Attachment]) -> Iterator[str]:
    places = {attachment.bucket_id: attachment.place for attachment in wanted}
    for before in attached(call, repo_id):
        if before.bucket_id not in places:
            if _may_not_go(call, repo_id, before.bucket_id):
                yield "NORMAL_UNIT_FOLDER_CANNOT_DELETE"
        elif mode == "NORMAL" and places[before.bucket_id] != before.place:
            yield "NORMAL_UNIT_CANNOT_EDIT_FOLDER"


def _may_not_go(call: Call, repo_id: str, bucket_id: str) -> bool:
    match call.settings.folder_delete:
        case "always":
            return True
        case "never":
            return False
        case "when-bytes":
            stored = "SELECT total(size_change) > 0 FROM usage WHERE bucket_id = ? AND (repo_id = ? OR repo_id IS NULL)"
            return bool(call.count(stored, bucket_id, repo_id))


def _check_identifiers(call: Call, buckets: Sequence[sqlite3.Row]) -> None:
    """Raise when two buckets have one identifier, or an Azure account the name of an S3 or GCS bucket."""
    names = [bucket["bucket"] for bucket in buckets]
    if len(set(names)) < len(names):
        raise Rejected(400, "Two buckets with one identifier cannot share a repository")
    plain = {bucket["bucket"] for bucket in buckets if bucket["storage_type"] != "BLOB"}
    for bucket in buckets:
        if bucket["storage_type"] == "BLOB" and _account(call, bucket) in plain:
            raise Rejected(400, "An Azure account cannot have the name of an attached bucket")


def _account(call: Call, bucket: sqlite3.Row) -> str | None:
    if bucket["credential_id"] is None:
        return str(bucket["key"])
    row = call.row("SELECT key FROM credential WHERE id = ?", bucket["credential_id"])
    return None if row is None else str(row["key"])
