"""Operations on buckets: which there are, whether one is there, and what is in it."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from urllib.parse import quote

from fbplan.emulator.bridge.errand import Errand
from fbplan.emulator.bridge.objects import LAST, walk
from fbplan.emulator.bridge.refusals import Refusal
from fbplan.emulator.bridge.replies import Reply
from fbplan.emulator.bridge.s3_xml import document, element
from fbplan.emulator.call import iso

XML = (("Content-Type", "application/xml"),)
MOST_KEYS = 1000


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


@dataclass(slots=True)
class _Page:
    """A page of a listing, as it fills."""

    contents: list[str] = field(default_factory=list)
    prefixes: list[str] = field(default_factory=list)
    last: str = ""
    is_truncated: bool = False

    def __len__(self) -> int:
        return len(self.contents) + len(self.prefixes)


def list_objects(errand: Errand) -> Reply:
    """ListObjectsV2."""
    query = errand.request.query
    token = query.get("continuation-token", "")
    page = _page(errand, _cursor(token) if token else query.get("start-after", ""))
    text = _writer(errand)
    body = document(
        "ListBucketResult",
        *_echo(errand, "prefix", "delimiter", "start-after"),
        element("MaxKeys", _most(errand)),
        element("KeyCount", len(page)),
        element("IsTruncated", str(page.is_truncated).lower()),
        element("ContinuationToken", token) if token else "",
        element("NextContinuationToken", _token(page.last)) if page.is_truncated else "",
        page.contents,
        (element("CommonPrefixes", element("Prefix", text(prefix))) for prefix in page.prefixes),
    )
    return Reply(200, XML, body)


def list_objects_v1(errand: Errand) -> Reply:
    """ListObjects, for the clients that still ask so."""
    marker = errand.request.query.get("marker", "")
    # A marker that is a common prefix stands for everything below it.
    is_prefix = bool(errand.request.query.get("delimiter")) and marker.endswith(errand.request.query["delimiter"])
    page = _page(errand, marker + LAST if is_prefix else marker)
    text = _writer(errand)
    body = document(
        "ListBucketResult",
        *_echo(errand, "prefix", "delimiter", "marker"),
        element("MaxKeys", _most(errand)),
        element("IsTruncated", str(page.is_truncated).lower()),
        element("NextMarker", text(page.last.removesuffix(LAST))) if page.is_truncated else "",
        page.contents,
        (element("CommonPrefixes", element("Prefix", text(prefix))) for prefix in page.prefixes),
    )
    return Reply(200, XML, body)


def _page(errand: Errand, after: str) -> _Page:
    place, query, most, text = errand.place, errand.request.query, _most(errand), _writer(errand)
    page = _Page()
    with errand.store.reading() as db:
        prefix = place.prefix + query.get("prefix", "")
        # Below the folder every key is greater than the folder itself, which is what no cursor means.
        for name, stored in walk(db, place.container, prefix, place.prefix + after, query.get("delimiter", "")):
            if len(page) >= most:
                page.is_truncated = most > 0
                break
            shown = name.removeprefix(place.prefix)
            if stored is None:
                page.prefixes.append(shown)
                page.last = shown + LAST
                continue
            page.last = shown
            page.contents.append(
                element(
                    "Contents",
                    element("Key", text(shown)),
                    element("LastModified", iso(datetime.fromtimestamp(stored.modified, UTC))),
                    element("ETag", f'"{stored.etag}"'),
                    element("Size", stored.size),
                    element("StorageClass", "STANDARD"),
                )
            )
    return page


def _most(errand: Errand) -> int:
    text = errand.request.query.get("max-keys", str(MOST_KEYS))
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise Refusal("InvalidArgument", "Argument max-keys must be an integer between 0 and 2147483647")
    return min(int(text), MOST_KEYS)


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


def _token(last: str) -> str:
    return base64.urlsafe_b64encode(last.encode()).decode()


def _cursor(token: str) -> str:
    try:
        return base64.b64decode(token, altchars=b"-_", validate=True).decode()
    except (binascii.Error, ValueError):
        raise Refusal("InvalidArgument", "The continuation token provided is incorrect") from None
