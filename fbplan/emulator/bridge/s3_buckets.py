"""Operations on buckets: which there are, whether one is there, and what is in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from urllib.parse import quote

from fbplan.emulator.bridge.errand import Errand
from fbplan.emulator.bridge.listing import Page, cursor, most_of, page_of
from fbplan.emulator.bridge.markup import document, element
from fbplan.emulator.bridge.objects import LAST
from fbplan.emulator.bridge.refusals import Refusal
from fbplan.emulator.bridge.replies import Reply
from fbplan.emulator.call import iso

XML = (("Content-Type", "application/xml"),)


def list_buckets(errand: Errand) -> Reply:
    """Only what is attached to the key's repository."""
    buckets = (
        element("Bucket", element("Name", place.address), element("CreationDate", place.created_at))
        for place in errand.visitor.places
    )
    owner = element("Owner", element("ID", errand.visitor.repo_id))
    return Reply(200, XML, document("ListAllMyBucketsResult", owner, element("Buckets", *buckets)))


def head_bucket(errand: Errand) -> Reply:
    return Reply(200, (("x-amz-bucket-region", errand.place.region),))


def bucket_location(errand: Errand) -> Reply:
    region = errand.place.region
    return Reply(200, XML, document("LocationConstraint", "" if region == "us-east-1" else region))


def list_objects(errand: Errand) -> Reply:
    """ListObjectsV2."""
    query = errand.request.query
    token = query.get("continuation-token", "")
    most = most_of(errand, "max-keys")
    page = page_of(errand, cursor(token) if token else query.get("start-after", ""), most)
    text = _writer(errand)
    body = document(
        "ListBucketResult",
        *_echo(errand, "prefix", "delimiter", "start-after"),
        element("MaxKeys", most),
        element("KeyCount", len(page)),
        element("IsTruncated", str(page.is_truncated).lower()),
        element("ContinuationToken", token) if token else "",
        element("NextContinuationToken", page.token) if page.is_truncated else "",
        _contents(page, text),
        (element("CommonPrefixes", element("Prefix", text(prefix))) for prefix in page.prefixes),
    )
    return Reply(200, XML, body)


def list_objects_v1(errand: Errand) -> Reply:
    """ListObjects, for the clients that still ask so."""
    marker = errand.request.query.get("marker", "")
    # A marker that is a common prefix stands for everything below it.
    is_prefix = bool(errand.request.query.get("delimiter")) and marker.endswith(errand.request.query["delimiter"])
    most = most_of(errand, "max-keys")
    page = page_of(errand, marker + LAST if is_prefix else marker, most)
    text = _writer(errand)
    body = document(
        "ListBucketResult",
        *_echo(errand, "prefix", "delimiter", "marker"),
        element("MaxKeys", most),
        element("IsTruncated", str(page.is_truncated).lower()),
        element("NextMarker", text(page.last.removesuffix(LAST))) if page.is_truncated else "",
        _contents(page, text),
        (element("CommonPrefixes", element("Prefix", text(prefix))) for prefix in page.prefixes),
    )
    return Reply(200, XML, body)


def _contents(page: Page, text: Callable[[str], str]) -> Iterator[str]:
    for name, stored in page.entries:
        yield element(
            "Contents",
            element("Key", text(name)),
            element("LastModified", iso(datetime.fromtimestamp(stored.modified, UTC))),
            element("ETag", f'"{stored.etag}"'),
            element("Size", stored.size),
            element("StorageClass", "STANDARD"),
        )


def _writer(errand: Errand) -> Callable[[str], str]:
    match errand.request.query.get("encoding-type", ""):
        case "":
            return str
        case "url":
            return quote
        case _:
            raise Refusal("InvalidArgument", "Invalid Encoding Method specified in Request")


def _echo(errand: Errand, *names: str) -> list[str]:
    query, text = errand.request.query, _writer(errand)
    words = {"prefix": "Prefix", "delimiter": "Delimiter", "start-after": "StartAfter", "marker": "Marker"}
    echoed = [element("Name", errand.request.bucket)]
    echoed += [element(words[name], text(query[name])) for name in names if name in query]
    return [*echoed, element("EncodingType", "url")] if "encoding-type" in query else echoed
