"""One byte string for one value: what digests are taken over and what decision records are compared by."""

from __future__ import annotations

from typing import Any

MAX_INTEGER = 2**53 - 1
"""The largest integer that every JSON reader keeps exactly."""


def canonical(value: Any) -> bytes:
    """JSON with keys sorted by code point, no spaces, UTF-8. The caller has seen that it holds no floats."""
    import json  # an import of the chooser does without, and so starts a tenth faster

    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def digest_of(document: dict[str, Any]) -> str:
    """sha256 of the canonical form of everything but `digest` itself, as the files write it."""
    import hashlib  # OpenSSL comes with it: a third of the start-up budget

    body = {key: part for key, part in document.items() if key != "digest"}
    return "sha256:" + hashlib.sha256(canonical(body)).hexdigest()


def sealed(document: dict[str, Any]) -> dict[str, Any]:
    """The document with its digest."""
    return {**document, "digest": digest_of(document)}
