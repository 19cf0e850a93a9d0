"""Access tokens: JWT-shaped, signed with the folder's own key, so that they outlive a restart."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping


def _encode(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def _signature(text: str, signing_key: str) -> str:
    return _encode(hmac.digest(signing_key.encode(), text.encode(), hashlib.sha256))


def sign(claims: Mapping[str, object], signing_key: str) -> str:
    """header.payload.signature"""
    head = _encode(b'{"alg":"HS256","typ":"JWT"}')
    text = f"{head}.{_encode(json.dumps(claims).encode())}"
    return f"{text}.{_signature(text, signing_key)}"


def claims_of(token: str, signing_key: str) -> Mapping[str, object] | None:
    """The claims of a token that this folder signed, or None for any other text. Says nothing about expiry."""
    text, _, signature = token.rpartition(".")
    if not token.isascii() or not hmac.compare_digest(signature, _signature(text, signing_key)):
        return None
    payload = text.partition(".")[2]
    claims: Mapping[str, object] = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return claims


def digest(token: str) -> str:
    """What the database keeps of a refresh token."""
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()
