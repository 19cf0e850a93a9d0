"""Where a document lives, as the spec writes it: a path, or the URL of an object."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

Scheme = Literal["s3", "gs", "az"]
SCHEMES: dict[str, Scheme] = {"s3": "s3", "gs": "gs", "az": "az"}
EXAMPLES = "s3://BUCKET/PATH/NAME.json, gs://BUCKET/PATH/NAME.json or az://CONTAINER/PATH/NAME.json"
_URL = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://(.*)", re.DOTALL)
_BUCKET = re.compile(r"[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]")
_SEGMENT = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._=@+-]*")


@dataclass(frozen=True, slots=True)
class ObjectUrl:
    """One object: in which cloud, in which bucket (or container), under which key."""

    scheme: Scheme
    bucket: str
    key: str

    def __str__(self) -> str:
        return f"{self.scheme}://{self.bucket}/{self.key}"


class NotAPlace(ValueError):
    """What is wrong with a URL, and how to write it. Never with the URL in it: people put credentials there."""

    def __init__(self, what: str, fix: str) -> None:
        super().__init__(what)
        self.what, self.fix = what, fix


def is_url(location: str) -> bool:
    return _URL.fullmatch(location) is not None


def parse_url(location: str) -> ObjectUrl:
    """`s3://bucket/path/ledger.json` in its parts. Raises NotAPlace."""
    found = _URL.fullmatch(location)
    scheme = SCHEMES.get(found[1]) if found is not None else None
    if found is None or scheme is None:
        told = f"'{found[1]}://' is no storage that fbplan knows" if found is not None else "this is not a URL"
        raise NotAPlace(told, f"name a local file, or {EXAMPLES}")
    bucket, _, key = found[2].partition("/")
    if "@" in bucket or "?" in found[2]:
        raise NotAPlace("credentials and options do not belong into the URL", _ENVIRONMENT[scheme])
    if not _BUCKET.fullmatch(bucket):
        raise NotAPlace("the URL names no bucket", f"write it like {EXAMPLES}")
    if not key or not all(_SEGMENT.fullmatch(part) for part in key.split("/")) or len(key) > 900:
        raise NotAPlace(
            "the URL names no object", f"write it like {EXAMPLES}: letters, digits and ._=@+- between the slashes"
        )
    return ObjectUrl(scheme, bucket, key)


_ENVIRONMENT: dict[Scheme, str] = {
    "s3": "set AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_REGION (and AWS_ENDPOINT_URL) instead",
    "gs": "set GOOGLE_APPLICATION_CREDENTIALS instead",
    "az": "set AZURE_STORAGE_ACCOUNT_NAME and AZURE_STORAGE_ACCOUNT_KEY instead",
}
