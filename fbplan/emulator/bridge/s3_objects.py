"""Operations on whole objects."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from functools import partial
from urllib.parse import unquote

from werkzeug.http import http_date

from fbplan.emulator.bridge import holdings, objects, traffic
from fbplan.emulator.bridge.conditions import check_read, check_write, range_of
from fbplan.emulator.bridge.credit import charge
from fbplan.emulator.bridge.errand import Errand
from fbplan.emulator.bridge.holdings import Check, Reading
from fbplan.emulator.bridge.markup import document, element, entries, flag
from fbplan.emulator.bridge.node_request import NodeRequest
from fbplan.emulator.bridge.objects import Stored
from fbplan.emulator.bridge.refusals import Refusal
from fbplan.emulator.bridge.replies import PIECE, Reply
from fbplan.emulator.call import iso

META = "x-amz-meta-"
MOST_METADATA = 2048
MOST_DELETES = 1000
KEPT = ("content-type", "cache-control", "content-disposition", "content-encoding", "content-language", "expires")
SOURCE = "x-amz-copy-source"


def kept_headers(request: NodeRequest) -> dict[str, str]:
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


def writable(errand: Errand) -> Check:
    """The conditions of a write as S3 states them: in the headers."""
    return partial(check_write, errand.request)


def put_object(errand: Errand) -> Reply:
    stored = holdings.put(errand, kept_headers(errand.request), writable(errand), errand.request.length)
    return Reply(200, (("ETag", f'"{stored.etag}"'), *stored.checksums.items()))


def get_object(errand: Errand) -> Reply:
    request = errand.request
    return _shown(request, holdings.read(errand, partial(check_read, request), partial(range_of, request)))


def head_object(errand: Errand) -> Reply:
    request = errand.request
    return _shown(request, holdings.look(errand, partial(check_read, request), partial(range_of, request)))


def _shown(request: NodeRequest, reading: Reading) -> Reply:
    headers = (*_headers(request, reading.stored, is_whole=reading.part is None), *reading.content_range)
    return Reply(reading.status, headers, reading.body or b"", reading.length)


def _headers(request: NodeRequest, stored: Stored, *, is_whole: bool) -> tuple[tuple[str, str], ...]:
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
        found = holdings.found(objects.find(db, source.container, source.prefix + name))
        check_read(request, found, f"{SOURCE}-")
        charge(db, place.bucket_id, errand.now, up=found.size, growth=0)
        file = errand.store.open(found.file)
    with file, errand.store.incoming() as coming:
        shutil.copyfileobj(file, coming.file, PIECE)
        headers: Mapping[str, str] = kept_headers(request) if replaces else found.headers
        etag = found.etag
        stored = Stored(coming.name, found.size, etag, errand.now.timestamp(), headers, found.checksums)
        holdings.commit(errand, stored, coming, writable(errand), up=found.size)
    if source.bucket_id != place.bucket_id:
        with errand.store.writing() as db:
            traffic.note(db, errand.now, source.bucket_id, errand.visitor.repo_id, down=found.size)
    body = document("CopyObjectResult", element("ETag", f'"{etag}"'), element("LastModified", iso(errand.now)))
    return Reply(200, (("Content-Type", "application/xml"),), body)


def delete_object(errand: Errand) -> Reply:
    """Gone, or never there: both are 204."""
    holdings.delete(errand, errand.key)
    return Reply(204)


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
        holdings.delete(errand, errand.place.prefix + key)
        if not is_quiet:
            yield element("Deleted", element("Key", key))
