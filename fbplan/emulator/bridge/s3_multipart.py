"""Multipart uploads: create, upload a part, list parts, complete, abort."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

from fbplan.emulator.bridge import objects, pieces, uploads
from fbplan.emulator.bridge.checksums import PREFIX
from fbplan.emulator.bridge.errand import Errand
from fbplan.emulator.bridge.markup import document, element, entries
from fbplan.emulator.bridge.refusals import Refusal
from fbplan.emulator.bridge.replies import Reply
from fbplan.emulator.bridge.s3_buckets import XML
from fbplan.emulator.bridge.s3_objects import SOURCE, kept_headers, writable
from fbplan.emulator.call import iso

MOST_PARTS = 10_000
PAGE = 1000


def _names(errand: Errand, upload_id: str) -> tuple[str, ...]:
    request = errand.request
    return element("Bucket", request.bucket), element("Key", request.key), element("UploadId", upload_id)


def create_upload(errand: Errand) -> Reply:
    upload_id = pieces.begin(errand, kept_headers(errand.request))
    return Reply(200, XML, document("InitiateMultipartUploadResult", *_names(errand, upload_id)))


def upload_part(errand: Errand) -> Reply:
    request = errand.request
    if request.header(SOURCE):
        raise Refusal("NotImplemented", "UploadPartCopy is not implemented.")
    received = pieces.take(errand, request.query["uploadId"], _number(request.query["partNumber"]), request.length)
    return Reply(200, (("ETag", f'"{received.md5}"'), *received.checksums.items()))


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:9]) <= MOST_PARTS):
        raise Refusal("InvalidArgument", f"Part number must be an integer between 1 and {MOST_PARTS}, inclusive")
    return int(text)


def list_parts(errand: Errand) -> Reply:
    place, query, upload_id = errand.place, errand.request.query, errand.request.query["uploadId"]
    marker, most = (
        query.get(name, default) for name, default in (("part-number-marker", "0"), ("max-parts", str(PAGE)))
    )
    if not all(text.isascii() and text.isdigit() and len(text) < 10 for text in (marker, most)):
        raise Refusal("InvalidArgument", "max-parts and part-number-marker are numbers")
    with errand.store.reading() as db:
        uploads.headers_of(db, upload_id, place.container, errand.key)
        rest = [piece for piece in uploads.pieces(db, upload_id) if piece.number > int(marker)]
    shown = rest[: min(int(most), PAGE)]
    body = document(
        "ListPartsResult",
        *_names(errand, upload_id),
        element("PartNumberMarker", marker),
        element("NextPartNumberMarker", shown[-1].number if shown else 0),
        element("MaxParts", most),
        element("IsTruncated", str(len(shown) < len(rest)).lower()),
        (
            element(
                "Part",
                element("PartNumber", piece.number),
                element("LastModified", iso(datetime.fromtimestamp(piece.modified, UTC))),
                element("ETag", f'"{piece.etag}"'),
                element("Size", piece.size),
            )
            for piece in shown
        ),
    )
    return Reply(200, XML, body)


def complete_upload(errand: Errand) -> Reply:
    """Join the parts into the object. Raises Refusal when a part is missing, too small, or out of order."""
    place, upload_id = errand.place, errand.request.query["uploadId"]
    wanted = _wanted(errand)
    with errand.store.reading() as db:
        headers = uploads.headers_of(db, upload_id, place.container, errand.key)
        parts = uploads.chosen(uploads.pieces(db, upload_id), wanted)
        writable(errand)(objects.find(db, place.container, errand.key))
    stored = pieces.join(errand, parts, uploads.joined_etag(parts), headers, writable(errand))
    pieces.end(errand, upload_id)
    body = document(
        "CompleteMultipartUploadResult", *_names(errand, upload_id)[:2], element("ETag", f'"{stored.etag}"')
    )
    return Reply(200, XML, body)


def _wanted(errand: Errand) -> Sequence[tuple[int, str]]:
    # A checksum in the headers of a completion is that of the joined object, not of this document.
    headers = {name: value for name, value in errand.request.headers.items() if not name.startswith(PREFIX)}
    raw = replace(errand, request=replace(errand.request, headers=headers)).read_document()
    try:
        parts = entries(raw, "CompleteMultipartUpload", "Part")
        return [(int(part["PartNumber"]), part["ETag"].strip('"')) for part in parts]
    except (ValueError, KeyError):
        raise Refusal("MalformedXML", "The XML you provided was not well-formed or did not validate.") from None


def abort_upload(errand: Errand) -> Reply:
    upload_id = errand.request.query["uploadId"]
    with errand.store.reading() as db:
        uploads.headers_of(db, upload_id, errand.place.container, errand.key)
    pieces.end(errand, upload_id)
    return Reply(204)
