"""Operations on whole objects."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from urllib.parse import unquote

from werkzeug.http import http_date

from fbplan.emulator.bridge import objects, traffic
from fbplan.emulator.bridge.conditions import check_read, check_write, range_of
from fbplan.emulator.bridge.credit import charge
from fbplan.emulator.bridge.errand import Errand
from fbplan.emulator.bridge.objects import Stored
from fbplan.emulator.bridge.refusals import Refusal
from fbplan.emulator.bridge.replies import PIECE, Part, Reply
from fbplan.emulator.bridge.s3_request import S3Request
from fbplan.emulator.bridge.s3_xml import document, element, entries, flag
from fbplan.emulator.bridge.store import Incoming
from fbplan.emulator.call import iso

META = "x-amz-meta-"
MOST_METADATA = 2048
MOST_DELETES = 1000
KEPT = ("content-type", "cache-control", "content-disposition", "content-encoding", "content-language", "expires")
SOURCE = "x-amz-copy-source"


def kept_headers(request: S3Request) -> dict[str, str]:
    """What an object gives back to its readers: its type and the user's metadata. Raises Refusal."""
    kept = {name: request.header(name) for name in KEPT if request.header(name)}
    codings = [coding.strip() for coding in kept.pop("content-encoding", "").split(",")]
    if coding := ",".join(coding for coding in codings if coding and coding != "aws-chunked"):
        kept["content-encoding"] = coding
    kept.setdefault("content-type", "binary/octet-stream")
    # A presigned URL may carry metadata in its query, where the signature covers it.
    named = {**request.query, **request.headers}
    metadata = {name.lower(): value for name, value in named.items() if name.lower().startswith(META)}
    if sum(len(name) - len(META) + len(value.encode()) for name, value in metadata.items()) > MOST_METADATA:
        raise Refusal("MetadataTooLarge", "Your metadata headers exceed the maximum allowed metadata size")
    return kept | metadata


def put_object(errand: Errand) -> Reply:
    request, place = errand.request, errand.place
    headers = kept_headers(request)
    with errand.store.reading() as db:  # refuse before reading what will not be kept
        before = objects.find(db, place.container, errand.key)
        check_write(request, before)
        growth = request.length - (before.size if before else 0)
        charge(db, place.bucket_id, errand.now, up=request.length, growth=growth)
    with errand.store.incoming() as coming:
        received = errand.receive(coming.file)
        stored = Stored(coming.name, received.size, received.md5, errand.now.timestamp(), headers, received.checksums)
        commit(errand, stored, coming, up=received.size)
    return Reply(200, (("ETag", f'"{stored.etag}"'), *received.checksums.items()))


def commit(errand: Errand, stored: Stored, coming: Incoming, *, up: int) -> None:
    """Make a written file the object: conditions, credit, index and count in one transaction. Raises Refusal."""
    place, key = errand.place, errand.key
    with errand.store.writing() as db:
        before = objects.find(db, place.container, key)
        check_write(errand.request, before)
        growth = stored.size - (before.size if before else 0)
        charge(db, place.bucket_id, errand.now, up=up, growth=growth)
        coming.keep()
        objects.put(db, place.container, key, stored)
        traffic.note(db, errand.now, place.bucket_id, errand.visitor.repo_id, up=up, size=growth)
    if before is not None:
        errand.store.drop(before.file)


def get_object(errand: Errand) -> Reply:
    """The object or a range of it. It counts as downloaded when its answer begins."""
    request, place = errand.request, errand.place
    with errand.store.writing() as db:
        stored = _found(objects.find(db, place.container, errand.key))
        check_read(request, stored)
        part = range_of(request, stored.size)
        start, length = part or (0, stored.size)
        file = errand.store.open(stored.file)  # under the lock, so that nobody drops it before
        traffic.note(db, errand.now, place.bucket_id, errand.visitor.repo_id, down=length)
    headers = _headers(request, stored, is_whole=part is None)
    if part is not None:
        headers = (*headers, ("Content-Range", f"bytes {start}-{start + length - 1}/{stored.size}"))
    return Reply(200 if part is None else 206, headers, Part(file, start, length), length)


def head_object(errand: Errand) -> Reply:
    place = errand.place
    with errand.store.reading() as db:
        stored = _found(objects.find(db, place.container, errand.key))
    check_read(errand.request, stored)
    part = range_of(errand.request, stored.size)
    headers = _headers(errand.request, stored, is_whole=part is None)
    if part is not None:
        headers = (*headers, ("Content-Range", f"bytes {part[0]}-{part[0] + part[1] - 1}/{stored.size}"))
    return Reply(200 if part is None else 206, headers, b"", stored.size if part is None else part[1])


def _found(stored: Stored | None) -> Stored:
    if stored is None:
        raise Refusal("NoSuchKey", "The specified key does not exist.")
    return stored


def _headers(request: S3Request, stored: Stored, *, is_whole: bool) -> tuple[tuple[str, str], ...]:
    shown: dict[str, str] = dict(stored.headers)
    for name in KEPT:
        if f"response-{name}" in request.query:
            shown[name] = request.query[f"response-{name}"]
    if is_whole and request.header("x-amz-checksum-mode").upper() == "ENABLED":
        shown |= stored.checksums  # of the whole; clients would compare it to a range
    facts = {"ETag": f'"{stored.etag}"', "Last-Modified": http_date(stored.modified), "Accept-Ranges": "bytes"}
    return (*facts.items(), *shown.items())


def copy_object(errand: Errand) -> Reply:
    """A copy between attached buckets; it counts as ingress, and as egress of another source bucket."""
    request, place, key = errand.request, errand.place, errand.key
    bucket, _, name = unquote(request.header(SOURCE)).removeprefix("/").partition("?")[0].partition("/")
    source = errand.visitor.place(bucket)
    replaces = request.header("x-amz-metadata-directive").upper() == "REPLACE"
    if (source.container, source.prefix + name) == (place.container, key) and not replaces:
        raise Refusal(
            "InvalidRequest",
            "This copy request is illegal because it is trying to copy an object to itself without changing the object's metadata.",
        )
    with errand.store.reading() as db:
        found = _found(objects.find(db, source.container, source.prefix + name))
        check_read(request, found, f"{SOURCE}-")
        charge(db, place.bucket_id, errand.now, up=found.size, growth=0)
        file = errand.store.open(found.file)
    with file, errand.store.incoming() as coming:
        shutil.copyfileobj(file, coming.file, PIECE)
        headers: Mapping[str, str] = kept_headers(request) if replaces else found.headers
        etag = found.etag
        stored = Stored(coming.name, found.size, etag, errand.now.timestamp(), headers, found.checksums)
        commit(errand, stored, coming, up=found.size)
    if source.bucket_id != place.bucket_id:
        with errand.store.writing() as db:
            traffic.note(db, errand.now, source.bucket_id, errand.visitor.repo_id, down=found.size)
    body = document("CopyObjectResult", element("ETag", f'"{etag}"'), element("LastModified", iso(errand.now)))
    return Reply(200, (("Content-Type", "application/xml"),), body)


def delete_object(errand: Errand) -> Reply:
    """Gone, or never there: both are 204."""
    _delete(errand, errand.key)
    return Reply(204)


def _delete(errand: Errand, key: str) -> None:
    place = errand.place
    with errand.store.writing() as db:
        stored = objects.find(db, place.container, key)
        if stored is None:
            return
        objects.remove(db, place.container, key)
        traffic.note(db, errand.now, place.bucket_id, errand.visitor.repo_id, size=-stored.size)
    errand.store.drop(stored.file)


def delete_objects(errand: Errand) -> Reply:
    """Many at once. Raises Refusal for a list that is not one."""
    raw = errand.read_document()
    try:
        wanted = [entry["Key"] for entry in entries(raw, "Delete", "Object")]
    except (ValueError, KeyError):
        wanted = []
    if not 0 < len(wanted) <= MOST_DELETES:
        raise Refusal("MalformedXML", "The XML you provided was not well-formed or did not validate.")
    return Reply(
        200,
        (("Content-Type", "application/xml"),),
        document("DeleteResult", _deleted(errand, wanted, flag(raw, "Quiet"))),
    )


def _deleted(errand: Errand, wanted: list[str], is_quiet: bool) -> Iterator[str]:
    for key in wanted:
        _delete(errand, errand.place.prefix + key)
        if not is_quiet:
            yield element("Deleted", element("Key", key))
