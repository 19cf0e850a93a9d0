"""Who may do what at a Bridge Node: a repository's live keys, and the buckets attached to that repository."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass, field

from fbplan.emulator.bridge.refusals import Refusal
from fbplan.emulator.key_forms import secret_of
from fbplan.emulator.settings import Settings
from fbplan.emulator.store import Store

UNREACHABLE = frozenset({"OFFLINE", "DISCONNECTED"})


@dataclass(frozen=True, slots=True)
class Place:
    """An attached bucket as its repository sees it: under an address, below the attachment's folder."""

    bucket_id: str
    address: str
    container: str
    prefix: str
    region: str
    status: str
    created_at: str


@dataclass(frozen=True, slots=True)
class Visitor:
    """The holder of a live key."""

    key: str
    secret: str = field(repr=False)
    access: str
    repo_id: str
    is_disabled: bool
    places: tuple[Place, ...]
    public_key: str | None = None
    """What the signatures of a key with a private key are checked with."""

    def place(self, address: str) -> Place:
        """The attached bucket behind an address. Raises Refusal."""
        found = next((place for place in self.places if place.address == address), None)
        if found is None:
            raise Refusal("NoSuchBucket", "The specified bucket does not exist")
        if found.status in UNREACHABLE:
            raise Refusal("ServiceUnavailable", f"The bucket is {found.status}.")
        return found

    def demand_write(self) -> None:
        """Raise the Refusal of a key that only reads, or of a repository that the platform disabled."""
        if self.access == "READ":
            raise Refusal("AccessDenied", "Access Denied")
        if self.is_disabled:
            raise Refusal("AccessDenied", "The repository is disabled")


def visitor_of(store: Store, settings: Settings, key: str) -> Visitor:
    """The holder of an access key id. Raises Refusal for a key that never was, or is no more."""
    row = store.db.execute(
        "SELECT k.access_type, k.public_key, r.id, r.disabled FROM repo_key k JOIN repository r ON r.id = k.repo_id"
        " WHERE k.key = ? AND r.deleted_at IS NULL",
        (key,),
    ).fetchone()
    if row is None:
        raise Refusal("InvalidAccessKeyId", "The AWS Access Key Id you provided does not exist in our records.")
    attached = store.db.execute(
        "SELECT b.*, a.folder FROM attachment a JOIN bucket b ON b.id = a.bucket_id"
        " WHERE a.repo_id = ? AND b.deleted_at IS NULL ORDER BY a.seq",
        (row["id"],),
    ).fetchall()
    places = tuple(_place(bucket, settings) for bucket in attached)
    secret = secret_of(key, store.meta("signing_key"))
    return Visitor(key, secret, row["access_type"], row["id"], bool(row["disabled"]), places, row["public_key"])


def _place(row: sqlite3.Row, settings: Settings) -> Place:
    folder = row["folder"].strip("/")
    match settings.bridge_address:
        case "name":
            address = row["name"]
        case "container":
            address = row["bucket"]
        case "folder":
            address = folder or row["name"]
    return Place(
        bucket_id=row["id"],
        address=address,
        container=f"{row['storage_type']}/{row['bucket']}",
        prefix=f"{folder}/" if folder else "",
        region=row["region"] or "us-east-1",
        status=row["status"],
        created_at=row["created_at"],
    )
