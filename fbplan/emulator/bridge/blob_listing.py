"""Containers, and what is in them, as Azure's XML has it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from werkzeug.http import http_date

from fbplan.emulator.bridge.access import Place
from fbplan.emulator.bridge.blob_words import VERSION, XML, etag, md5_of, metadata_of
from fbplan.emulator.bridge.errand import Errand
from fbplan.emulator.bridge.listing import Page, cursor, most_of, page_of
from fbplan.emulator.bridge.markup import document, element
from fbplan.emulator.bridge.objects import Stored
from fbplan.emulator.bridge.replies import Reply

PAGE = 5000


def list_containers(errand: Errand) -> Reply:
    """Only what is attached to the key's repository."""
    containers = [
        element(
            "Container",
            element("Name", place.address),
            element("Properties", element("Last-Modified", _made(place)), element("Etag", f'"{place.bucket_id}"')),
        )
        for place in errand.visitor.places
    ]
    body = document("EnumerationResults", element("Containers", *containers), element("NextMarker"), namespace="")
    return Reply(200, XML, body)


def container_properties(errand: Errand) -> Reply:
    place = errand.place
    return Reply(200, (("ETag", f'"{place.bucket_id}"'), ("Last-Modified", _made(place)), ("x-ms-version", VERSION)))


def _made(place: Place) -> str:
    """A container changes when its registration is made."""
    return http_date(datetime.fromisoformat(place.created_at))


def list_blobs(errand: Errand) -> Reply:
    query = errand.request.query
    marker = query.get("marker", "")
    page = page_of(errand, cursor(marker) if marker else "", most_of(errand, "maxresults", PAGE))
    body = document(
        "EnumerationResults",
        (element(name, query[name.lower()]) for name in ("Prefix", "Marker", "Delimiter") if name.lower() in query),
        element("Blobs", *_blobs(page, with_metadata="metadata" in query.get("include", "").split(","))),
        element("NextMarker", page.token),
        namespace="",
    )
    return Reply(200, XML, body)


def _blobs(page: Page, *, with_metadata: bool) -> Iterator[str]:
    for name, stored in page.entries:
        users = (element(word, value) for word, value in metadata_of(stored).items()) if with_metadata else ()
        metadata = (element("Metadata", *users),) if with_metadata else ()
        yield element("Blob", element("Name", name), element("Properties", *_properties(stored)), *metadata)
    for prefix in page.prefixes:
        yield element("BlobPrefix", element("Name", prefix))


def _properties(stored: Stored) -> Iterator[str]:
    yield element("Creation-Time", http_date(stored.modified))
    yield element("Last-Modified", http_date(stored.modified))
    yield element("Etag", etag(stored))
    yield element("Content-Length", stored.size)
    yield element("Content-Type", stored.headers.get("content-type", ""))
    yield element("Content-MD5", md5_of(stored))
    yield element("BlobType", "BlockBlob")
