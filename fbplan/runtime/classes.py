"""What the answer of a store means: a class by (status, code), never by the text of a message."""

from __future__ import annotations

_CODES = {
    "QUOTA_EXCEEDED": "quota",
    "QuotaExceeded": "quota",
    "InsufficientStorage": "quota",
    "RequestTimeTooSkewed": "clock",
    "AccessDenied": "auth",
    "InvalidAccessKeyId": "auth",
    "SignatureDoesNotMatch": "auth",
    "AuthenticationFailed": "auth",
    # Azure Blob and the JSON API of GCS, of a key without the right to do this
    "AuthorizationFailure": "auth",
    "AuthorizationPermissionMismatch": "auth",
    "InsufficientAccountPermissions": "auth",
    "forbidden": "auth",
    "SlowDown": "throttle",
    "ServerBusy": "throttle",
    "TooManyRequests": "throttle",
    # S3 sends this with status 400 when a body did not arrive in time
    "RequestTimeout": "transient",
}
_STATUSES = {507: "quota", 401: "auth", 429: "throttle", 408: "transient", 403: "quota_suspect"}
_EXISTS = frozenset({"PreconditionFailed", "BlobAlreadyExists", "conditionNotMet"})


def classify(status: int, code: str) -> str:
    """The class of an answer that is no success; status 0 is no answer at all.

    A code says more than a status: a 429 with the code QUOTA_EXCEEDED is quota, a 403 with AccessDenied is auth.
    """
    if code in _CODES:
        return _CODES[code]
    if status in _STATUSES:
        return _STATUSES[status]
    return "transient" if status == 0 or status >= 500 else "request"


def says_exists(status: int, code: str) -> bool:
    """Whether a write-once put was refused because the key is there: S3 and GCS say 412, Blob 409 with a code."""
    return status == 412 or code in _EXISTS
