"""How objects come in over the JSON API: the media alone, media after its metadata, or a session of several requests."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import IO, cast
from urllib.parse import urlencode

from fbplan.emulator.bridge import holdings, pieces, uploads
from fbplan.emulator.bridge.errand import Errand
from fbplan.emulator.bridge.gcs_conditions import writable
from fbplan.emulator.bridge.gcs_words import CRC, PROPERTIES, document, resource, told
from fbplan.emulator.bridge.refusals import Refusal
from fbplan.emulator.bridge.related import open_related
from fbplan.emulator.bridge.replies import Reply
from fbplan.emulator.bridge.s3_objects import META

DIGESTS = ("crc32c",)
_RANGE = re.compile(r"bytes (?:(?P<first>\d{1,18})-(?P<last>\d{1,18}|\*)|\*)/(?P<total>\d{1,18}|\*)")
"""Content-Range: `bytes 0-99/1000`, of unknown size `0-99/*`, of unknown end `0-*/*`, or a question `*/1000`."""


def upload(errand: Errand) -> Reply:
    """The object that a request brings whole."""
    errand = replace(errand, digests=DIGESTS)
    match errand.request.query.get("uploadType"):
        case "media":
            return _media(errand)
        case "multipart":
            return _multipart(errand)
        case "resumable":
            return _begin(errand)
        case other:
            raise Refusal("InvalidArgument", f"uploadType cannot be {other}.")


def _media(errand: Errand) -> Reply:
    request = errand.request
    errand = errand.at(_name({}, errand))
    least = 0 if request.is_endless else request.length
    kind = request.header("content-type") or "application/octet-stream"
    return _stored(errand, {"content-type": kind}, least)


def _multipart(errand: Errand) -> Reply:
    request = errand.request
    length = 0 if request.is_endless else request.length
    said, kind, media, least = open_related(request.header("content-type"), request.body, length)
    metadata = document(said)
    # the body is what stands between the boundaries, of a size that shows at its end
    inner = {name: value for name, value in request.headers.items() if name not in {"content-length", "content-md5"}}
    for name, header in (("md5Hash", "content-md5"), ("crc32c", CRC)):
        if isinstance(claimed := metadata.get(name), str):
            inner[header] = claimed
    inner["transfer-encoding"] = "chunked"
    inner_request = replace(request, headers=inner, body=cast("IO[bytes]", media))
    errand = replace(errand, request=inner_request).at(_name(metadata, errand))
    return _stored(errand, _kept(metadata, kind), least)


def _stored(errand: Errand, headers: Mapping[str, str], least: int) -> Reply:
    stored = holdings.put(errand, headers, writable(errand.request), least)
    return told(resource(errand.request.bucket, errand.request.key, stored))


def _begin(errand: Errand) -> Reply:
    """A session; its URL says what it is about, and the conditions that are looked at again when it ends."""
    request = errand.request
    metadata = document(errand.read_document())
    errand = errand.at(_name(metadata, errand))
    headers = _kept(metadata, request.header("x-upload-content-type"))
    upload_id = pieces.begin(errand, headers, writable(request))
    query = {**request.query, "name": errand.request.key, "upload_id": upload_id}
    return Reply(200, (("Location", f"http://{request.header('host')}{request.raw_path}?{urlencode(query)}"),))


def proceed(errand: Errand) -> Reply:
    """A part of a session, the last of them, or the question how far it got."""
    request = errand.request
    errand = replace(errand, digests=DIGESTS).at(_name({}, errand))
    upload_id = request.query.get("upload_id", "")
    with errand.store.reading() as db:
        headers = uploads.headers_of(db, upload_id, errand.place.container, errand.key)
        held = sum(piece.size for piece in uploads.pieces(db, upload_id))
    text = request.header("content-range")
    read = _RANGE.fullmatch(text.strip() or "bytes 0-*/*")
    if read is None:
        raise Refusal("InvalidArgument", "Failed to parse Content-Range header.")
    if read["first"] is not None:
        if int(read["first"]) != held:
            return _goes_on(held)  # where to go on from
        least = 0 if request.is_endless else request.length
        if read["last"] != "*" and not request.is_endless and int(read["last"]) != held + least - 1:
            raise Refusal("InvalidArgument", "Content-Range and Content-Length do not agree.")
        held += pieces.take(replace(errand, digests=()), upload_id, held, least).size
    ends = held == int(read["total"]) if read["total"] != "*" else read["last"] == "*"
    if not ends:
        return _goes_on(held)
    with errand.store.reading() as db:
        parts = uploads.pieces(db, upload_id)
    stored = pieces.join(errand, parts, None, headers, writable(request))
    pieces.end(errand, upload_id)
    return told(resource(request.bucket, errand.request.key, stored))


def _goes_on(held: int) -> Reply:
    return Reply(308, (("Range", f"bytes=0-{held - 1}"),) if held else ())


def _name(metadata: Mapping[str, object], errand: Errand) -> str:
    name = metadata.get("name", errand.request.query.get("name"))
    if not isinstance(name, str) or not name:
        raise Refusal("InvalidArgument", "Required parameter: name")
    return name


def _kept(metadata: Mapping[str, object], kind: str) -> dict[str, str]:
    """What an object gives back to its readers. Raises Refusal."""
    kept = {"content-type": kind or "application/octet-stream"}
    kept |= {header: str(metadata[name]) for header, name in PROPERTIES.items() if metadata.get(name)}
    users = metadata.get("metadata") or {}
    if not isinstance(users, dict):
        raise Refusal("InvalidArgument", "metadata must be an object")
    return kept | {META + str(name): str(value) for name, value in users.items()}
