"""Multipart uploads: create, upload a part, list parts, complete, abort."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

from fbplan.emulator.bridge import objects, traffic, uploads
from fbplan.emulator.bridge.checksums import PREFIX
from fbplan.emulator.bridge.conditions import check_write
from fbplan.emulator.bridge.credit import charge
from fbplan.emulator.bridge.errand import Errand
from fbplan.emulator.bridge.objects import Stored
from fbplan.emulator.bridge.refusals import Refusal
from fbplan.emulator.bridge.replies import PIECE, Reply
from fbplan.emulator.bridge.s3_buckets import XML
from fbplan.emulator.bridge.s3_objects import SOURCE, commit, kept_headers
from fbplan.emulator.bridge.s3_xml import document, element, entries
from fbplan.emulator.bridge.uploads import Piece
from fbplan.emulator.call import iso

MOST_PARTS = 10_000
PAGE = 1000


def _names(errand: Errand, upload_id: str) -> tuple[str, ...]:
    request = errand.request
    return element("Bucket", request.bucket), element("Key", request.key), element("UploadId", upload_id)


def create_upload(errand: Errand) -> Reply:
    place = errand.place
    headers = kept_headers(errand.request)
    with errand.store.writing() as db:
        charge(db, place.bucket_id, errand.now, up=1, growth=1)  # a full bucket says so before the first part
        upload_id = uploads.begin(db, place.container, errand.key, headers, errand.now.timestamp())
    return Reply(200, XML, document("InitiateMultipartUploadResult", *_names(errand, upload_id)))


def upload_part(errand: Errand) -> Reply:
    """A part counts as uploaded when it is stored, whatever becomes of the upload."""
    request, place, upload_id = errand.request, errand.place, errand.request.query["uploadId"]
    if request.header(SOURCE):
        raise Refusal("NotImplemented", "UploadPartCopy is not implemented.")
    number = _number(request.query["partNumber"])
    with errand.store.reading() as db:
        uploads.headers_of(db, upload_id, place.container, errand.key)
        charge(db, place.bucket_id, errand.now, up=request.length, growth=request.length)
    with errand.store.incoming() as coming:
        received = errand.receive(coming.file)
        with errand.store.writing() as db:
            uploads.headers_of(db, upload_id, place.container, errand.key)
            charge(db, place.bucket_id, errand.now, up=received.size, growth=received.size)
            coming.keep()
            piece = Piece(number, coming.name, received.size, received.md5, errand.now.timestamp())
            replaced = uploads.add(db, upload_id, piece)
            traffic.note(db, errand.now, place.bucket_id, errand.visitor.repo_id, up=received.size)
    errand.store.drop(*replaced)
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
        check_write(errand.request, objects.find(db, place.container, errand.key))
    etag = uploads.joined_etag(parts)
    with errand.store.incoming() as coming:
        for piece in parts:
            with errand.store.open(piece.file) as file:
                shutil.copyfileobj(file, coming.file, PIECE)
        size = sum(piece.size for piece in parts)
        commit(errand, Stored(coming.name, size, etag, errand.now.timestamp(), headers, {}), coming, up=0)
    _end(errand, upload_id)
    body = document("CompleteMultipartUploadResult", *_names(errand, upload_id)[:2], element("ETag", f'"{etag}"'))
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
    _end(errand, upload_id)
    return Reply(204)


def _end(errand: Errand, upload_id: str) -> None:
    with errand.store.writing() as db:
        files = uploads.end(db, upload_id)
    errand.store.drop(*files)
