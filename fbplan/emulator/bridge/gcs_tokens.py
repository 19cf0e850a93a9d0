"""How a GCS client proves who it is: it signs a statement with its private key, and gets a token for an hour in exchange.

A token names its key and is sealed with the node's secret for that key. Nothing is kept of it: it ends with its hour, or
with the key.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping
from urllib.parse import parse_qs

from fbplan.emulator.bridge.access import Visitor
from fbplan.emulator.bridge.gcs_words import document
from fbplan.emulator.bridge.node_request import NodeRequest
from fbplan.emulator.bridge.payload import read_document
from fbplan.emulator.bridge.protocol import Visitors
from fbplan.emulator.bridge.refusals import Refusal
from fbplan.emulator.bridge.sigv4 import SKEW, UNSIGNED
from fbplan.emulator.key_forms import NEEDED

LIFE = 3600
GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"


def stated_by(request: NodeRequest, visitors: Visitors, now: float) -> Visitor:
    """Who signed the assertion in the body of a request for a token. Raises Refusal."""
    form = parse_qs(read_document(request, UNSIGNED, None).decode("utf-8", "replace"))
    if form.get("grant_type") != [GRANT]:
        raise Refusal("unsupported_grant_type", f"grant_type must be {GRANT}", 400)
    signed, _, signature = form.get("assertion", [""])[0].rpartition(".")
    try:
        head, claims = (document(_decoded(part)) for part in signed.split("."))
        proof = _decoded(signature)
    except (ValueError, Refusal):
        raise _refused("the assertion is no JWT") from None
    if head.get("alg") != "RS256":
        raise _refused("the assertion must be signed with RS256")
    visitor = visitors(str(claims.get("iss")))
    if visitor.public_key is None:
        raise _refused(f"the key has no private key to sign with: {NEEDED}")
    if not _is_signed(signed, proof, visitor.public_key):
        raise _refused("Invalid JWT Signature.")
    _check_claims(claims, now)
    return visitor


def _check_claims(claims: Mapping[str, object], now: float) -> None:
    begun, ends = claims.get("iat"), claims.get("exp")
    if not isinstance(begun, int) or not isinstance(ends, int) or not begun < ends <= begun + LIFE:
        raise _refused("iat and exp must span an hour at most")
    if begun > now + SKEW or ends < now - SKEW:
        raise _refused("the assertion is not of this hour: check the clock")
    if not str(claims.get("aud")).endswith("/token"):
        raise _refused("aud must be a token endpoint")


def _is_signed(signed: str, proof: bytes, public_key: str) -> bool:
    try:
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
        from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
        from cryptography.hazmat.primitives.hashes import SHA256
        from cryptography.hazmat.primitives.serialization import load_pem_public_key
    except ImportError:
        raise _refused(NEEDED) from None
    public = load_pem_public_key(public_key.encode())
    if not isinstance(public, RSAPublicKey):
        return False
    try:
        public.verify(proof, signed.encode(), PKCS1v15(), SHA256())
    except InvalidSignature:
        return False
    return True


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except binascii.Error as fault:
        raise ValueError(str(fault)) from fault


def _refused(why: str) -> Refusal:
    return Refusal("invalid_grant", why, 400)


def token_for(visitor: Visitor, now: float) -> str:
    named = base64.urlsafe_b64encode(visitor.key.encode()).decode().rstrip("=")
    stated = f"fb.{named}.{int(now) + LIFE}"
    return f"{stated}.{_seal(visitor, stated)}"


def bearer_of(request: NodeRequest, visitors: Visitors, now: float) -> Visitor:
    """Whose token the request holds. Raises Refusal."""
    token = request.header("authorization").partition(" ")[2].strip()
    stated, _, seal = token.rpartition(".")
    try:
        _, named, ends = stated.split(".")
        key, end = _decoded(named).decode(), int(ends)
    except ValueError:
        raise Refusal("InvalidAccessKeyId", "Invalid Credentials") from None
    visitor = visitors(key)
    if end < now or not hmac.compare_digest(_seal(visitor, stated).encode(), seal.encode()):
        raise Refusal("InvalidAccessKeyId", "Invalid Credentials")
    return visitor


def _seal(visitor: Visitor, stated: str) -> str:
    return hmac.digest(visitor.secret.encode(), stated.encode(), hashlib.sha256).hex()
