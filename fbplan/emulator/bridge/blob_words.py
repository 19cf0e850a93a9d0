"""What Azure Blob Storage says: the headers of a blob, a refusal."""

from __future__ import annotations

import base64
from collections.abc import Mapping

from werkzeug.http import http_date

from fbplan.emulator.bridge.markup import document, element
from fbplan.emulator.bridge.objects import Stored
from fbplan.emulator.bridge.refusals import Refusal
from fbplan.emulator.bridge.replies import Reply
from fbplan.emulator.bridge.s3_objects import META

XML = (("Content-Type", "application/xml"),)
VERSION = "2021-12-02"
USERS = "x-ms-meta-"
# S3's code → status and code; what is not here keeps its own.
CODES: Mapping[str, tuple[int, str]] = {
    "AccessDenied": (403, "AuthorizationPermissionMismatch"),
    "BadDigest": (400, "Md5Mismatch"),
    "EntityTooLarge": (413, "RequestBodyTooLarge"),
    "InvalidAccessKeyId": (403, "AuthenticationFailed"),
    "InvalidArgument": (400, "InvalidQueryParameterValue"),
    "InvalidDigest": (400, "InvalidMd5"),
    "InvalidURI": (400, "InvalidUri"),
    "KeyTooLongError": (400, "InvalidResourceName"),
    "MalformedXML": (400, "InvalidXmlDocument"),
    "MethodNotAllowed": (405, "UnsupportedHttpVerb"),
    "MissingContentLength": (411, "MissingContentLengthHeader"),
    "NoSuchBucket": (404, "ContainerNotFound"),
    "NoSuchKey": (404, "BlobNotFound"),
    "NotModified": (304, "ConditionNotMet"),
    "PreconditionFailed": (412, "ConditionNotMet"),
    "RequestTimeTooSkewed": (403, "AuthenticationFailed"),
    "ServiceUnavailable": (503, "ServerBusy"),
    "SignatureDoesNotMatch": (403, "AuthenticationFailed"),
}


def refused(refusal: Refusal, _path: str, _request_id: str) -> Reply:
    status, code = CODES.get(refusal.code, (refusal.status, refusal.code))
    if refusal.code == "SlowDown":
        code = "ServerBusy"
    body = b"" if status == 304 else document("Error", element("Code", code), element("Message", refusal.message))
    return Reply(status, (*XML, ("x-ms-error-code", code), ("x-ms-version", VERSION), *refusal.headers), body)


def etag(stored: Stored) -> str:
    """Another after each write, even of the same bytes; without quotes."""
    return f"0x{stored.version:015X}"


def facts(stored: Stored) -> tuple[tuple[str, str], ...]:
    """What each answer about a blob begins with."""
    return (("ETag", f'"{etag(stored)}"'), ("Last-Modified", http_date(stored.modified)), ("x-ms-version", VERSION))


def shown(stored: Stored, *, is_whole: bool) -> tuple[tuple[str, str], ...]:
    """The headers of a blob that is read."""
    kept = {name: value for name, value in stored.headers.items() if not name.startswith(META)}
    known = {"Accept-Ranges": "bytes", "x-ms-blob-type": "BlockBlob", "x-ms-creation-time": http_date(stored.modified)}
    if digest := md5_of(stored):
        known["Content-MD5" if is_whole else "x-ms-blob-content-md5"] = digest
    users = {USERS + name: value for name, value in metadata_of(stored).items()}
    return (*facts(stored), *known.items(), *kept.items(), *users.items())


def md5_of(stored: Stored) -> str:
    """In base64; empty for a blob that came in blocks."""
    return base64.b64encode(bytes.fromhex(stored.etag)).decode() if len(stored.etag) == 32 else ""


def metadata_of(stored: Stored) -> dict[str, str]:
    return {name.removeprefix(META): value for name, value in stored.headers.items() if name.startswith(META)}
