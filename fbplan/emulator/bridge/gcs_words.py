"""What Google Cloud Storage's JSON API says: an object, a refusal."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from datetime import UTC, datetime

from fbplan.emulator.answers import Rejected
from fbplan.emulator.bridge.checksums import PREFIX
from fbplan.emulator.bridge.objects import Stored
from fbplan.emulator.bridge.refusals import Refusal
from fbplan.emulator.bridge.replies import Reply
from fbplan.emulator.bridge.s3_objects import META
from fbplan.emulator.call import iso
from fbplan.emulator.documents import mapping, parse

JSON = (("Content-Type", "application/json; charset=UTF-8"),)
CRC = f"{PREFIX}crc32c"
# The resource's name of each header that is kept.
PROPERTIES: Mapping[str, str] = {
    "content-type": "contentType",
    "cache-control": "cacheControl",
    "content-disposition": "contentDisposition",
    "content-encoding": "contentEncoding",
    "content-language": "contentLanguage",
}
# S3's code → status and reason; what is not here keeps its own.
REASONS: Mapping[str, tuple[int, str]] = {
    "AccessDenied": (403, "forbidden"),
    "BadDigest": (400, "invalid"),
    "EntityTooLarge": (413, "uploadTooLarge"),
    "InternalError": (500, "backendError"),
    "InvalidAccessKeyId": (401, "authError"),
    "InvalidArgument": (400, "invalid"),
    "InvalidDigest": (400, "invalid"),
    "InvalidRange": (416, "requestedRangeNotSatisfiable"),
    "InvalidRequest": (400, "invalid"),
    "KeyTooLongError": (400, "invalid"),
    "MethodNotAllowed": (405, "methodNotAllowed"),
    "MissingContentLength": (411, "required"),
    "NoSuchBucket": (404, "notFound"),
    "NoSuchKey": (404, "notFound"),
    "NoSuchUpload": (404, "notFound"),
    "NotImplemented": (501, "notImplemented"),
    "PreconditionFailed": (412, "conditionNotMet"),
    "ServiceUnavailable": (503, "backendError"),
}
THROTTLES = {429: "rateLimitExceeded", 503: "backendError"}


def refused(refusal: Refusal, path: str, _request_id: str) -> Reply:
    """A refusal as the JSON API words it, or, of the token endpoint, as OAuth does."""
    if path == "/token":
        passing = refusal.status >= 500 or refusal.status == 429
        error = refusal.code if "_" in refusal.code or passing else "invalid_grant"
        said: dict[str, object] = {"error": error, "error_description": refusal.message}
        return told(said, refusal.status if passing else 400, refusal.headers)
    status, reason = REASONS.get(refusal.code, (refusal.status, refusal.code))
    if refusal.code == "SlowDown":
        reason = THROTTLES.get(status, reason)
    one = {"domain": "global", "reason": reason, "message": refusal.message}
    return told({"error": {"code": status, "message": refusal.message, "errors": [one]}}, status, refusal.headers)


def document(raw: bytes) -> Mapping[str, object]:
    """A JSON object of a request; nothing is an empty one. Raises Refusal."""
    try:
        return mapping(parse(raw) or {})
    except Rejected:
        raise Refusal("InvalidRequest", "Parse Error") from None


def told(said: object, status: int = 200, headers: tuple[tuple[str, str], ...] = ()) -> Reply:
    return Reply(status, (*JSON, *headers), json.dumps(said).encode())


def resource(bucket: str, name: str, stored: Stored) -> dict[str, object]:
    """An object as the JSON API describes it."""
    at = iso(datetime.fromtimestamp(stored.modified, UTC))
    said: dict[str, object] = {
        "kind": "storage#object",
        "id": f"{bucket}/{name}/{stored.version}",
        "name": name,
        "bucket": bucket,
        "generation": str(stored.version),
        "metageneration": "1",
        "size": str(stored.size),
        "storageClass": "STANDARD",
        "etag": etag(stored),
        "timeCreated": at,
        "updated": at,
    }
    said |= {PROPERTIES[header]: value for header, value in stored.headers.items() if header in PROPERTIES}
    metadata = {name.removeprefix(META): value for name, value in stored.headers.items() if name.startswith(META)}
    said |= {"metadata": metadata} if metadata else {}
    return said | {name: value for name, value in hashes(stored).items() if value}


def etag(stored: Stored) -> str:
    return base64.b64encode(stored.version.to_bytes(8, "big")).decode()


def hashes(stored: Stored) -> dict[str, str]:
    """What is known of the bytes: of an S3 multipart object, or one without a CRC-32C, less."""
    whole = base64.b64encode(bytes.fromhex(stored.etag)).decode() if len(stored.etag) == 32 else ""
    return {"md5Hash": whole, "crc32c": stored.checksums.get(CRC, "")}
