"""Request bodies: JSON read without ever failing in an unplanned way, and the text fields taken out of them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import NoReturn

from fbplan.emulator.answers import Rejected

STORAGE_TYPES = {"S3": "S3", "GCS": "GCS", "BLOB": "BLOB", "AZURE": "BLOB"}


def parse(raw: bytes) -> object:
    """The JSON value in `raw`, or None when there is no body. Raises Rejected for what is not clean JSON."""
    if not raw.strip():
        return None
    try:
        document: object = json.loads(raw, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):  # not JSON, not UTF-8, a number of 5,000 digits, a million brackets
        raise Rejected(400, "Invalid JSON body") from None
    if b"\\u" in raw:  # only an escape can bring a lone surrogate in
        try:
            json.dumps(document, ensure_ascii=False).encode()
        except (UnicodeEncodeError, RecursionError):
            raise Rejected(400, "Invalid JSON body") from None
    return document


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(name)


def mapping(document: object) -> Mapping[str, object]:
    """`document` as a JSON object. Raises Rejected."""
    if not isinstance(document, dict):
        raise Rejected(400, "Request body must be a JSON object")
    return document


def texts(document: object, *, required: tuple[str, ...] = (), optional: tuple[str, ...] = ()) -> dict[str, str]:
    """The named text fields that are there. null counts as absent; a required one may not be empty. Raises Rejected."""
    body = mapping(document)
    found: dict[str, str] = {}
    for name in (*required, *optional):
        match body.get(name):
            case str(value):
                found[name] = value
            case None:
                pass
            case _:
                raise Rejected(400, f"{name} must be a string")
    missing = [name for name in required if not found.get(name)]
    if missing:
        raise Rejected(400, f"Missing required field: {', '.join(missing)}")
    return found


def one_of(name: str, value: str, allowed: Mapping[str, str]) -> str:
    """The stored form of an enumeration value. Raises Rejected."""
    if value not in allowed:
        raise Rejected(400, f"{name} must be one of {', '.join(allowed)}")
    return allowed[value]
