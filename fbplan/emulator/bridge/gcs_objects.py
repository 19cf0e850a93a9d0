"""Reading over the JSON API: buckets, a listing, an object's media and its metadata; and deleting."""

from __future__ import annotations

from functools import partial

from werkzeug.http import http_date

from fbplan.emulator.bridge import holdings
from fbplan.emulator.bridge.access import Place
from fbplan.emulator.bridge.conditions import range_of
from fbplan.emulator.bridge.errand import Errand
from fbplan.emulator.bridge.gcs_conditions import readable, writable
from fbplan.emulator.bridge.gcs_words import etag, hashes, resource, told
from fbplan.emulator.bridge.listing import cursor, most_of, page_of
from fbplan.emulator.bridge.refusals import Refusal
from fbplan.emulator.bridge.replies import Reply
from fbplan.emulator.bridge.s3_objects import META

HASHES = {"md5Hash": "md5", "crc32c": "crc32c"}


def get_object(errand: Errand) -> Reply:
    """The media with alt=media, else the metadata."""
    request = errand.request
    if request.query.get("alt", "json") == "json":
        reading = holdings.look(errand, readable(request))
        return told(resource(request.bucket, request.key, reading.stored))
    reading = holdings.read(errand, readable(request), partial(range_of, request))
    stored = reading.stored
    shown = {name: value for name, value in stored.headers.items() if not name.startswith(META)}
    facts = {
        "ETag": etag(stored),
        "Last-Modified": http_date(stored.modified),
        "Accept-Ranges": "bytes",
        "x-goog-generation": str(stored.version),
        "x-goog-metageneration": "1",
        "x-goog-stored-content-length": str(stored.size),
        "x-goog-stored-content-encoding": shown.get("content-encoding", "identity"),
    }
    known = [f"{HASHES[name]}={value}" for name, value in hashes(stored).items() if value]
    hashed = (("x-goog-hash", ",".join(known)),) if known else ()
    headers = (*facts.items(), *shown.items(), *hashed, *reading.content_range)
    return Reply(reading.status, headers, reading.body or b"", reading.length)


def delete_object(errand: Errand) -> Reply:
    if not holdings.delete(errand, errand.key, writable(errand.request)):
        raise Refusal("NoSuchKey", f"No such object: {errand.request.bucket}/{errand.request.key}")
    return Reply(204)


def list_objects(errand: Errand) -> Reply:
    query, bucket = errand.request.query, errand.request.bucket
    token = query.get("pageToken", "")
    page = page_of(errand, cursor(token) if token else "", most_of(errand, "maxResults"))
    said: dict[str, object] = {"kind": "storage#objects"}
    if page.is_truncated:
        said["nextPageToken"] = page.token
    if page.prefixes:
        said["prefixes"] = page.prefixes
    if page.entries:
        said["items"] = [resource(bucket, name, stored) for name, stored in page.entries]
    return told(said)


def list_buckets(errand: Errand) -> Reply:
    """Only what is attached to the key's repository."""
    return told({"kind": "storage#buckets", "items": [_bucket(place) for place in errand.visitor.places]})


def get_bucket(errand: Errand) -> Reply:
    return told(_bucket(errand.place))


def _bucket(place: Place) -> dict[str, object]:
    named = {"id": place.address, "name": place.address, "location": place.region.upper()}
    return {"kind": "storage#bucket", **named, "timeCreated": place.created_at, "storageClass": "STANDARD"}
