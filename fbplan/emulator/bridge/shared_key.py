"""Azure's Shared Key: a signature over the method, the headers and the path of a request."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Callable
from email.utils import parsedate_to_datetime

from fbplan.emulator.bridge.access import Visitor
from fbplan.emulator.bridge.node_request import NodeRequest
from fbplan.emulator.bridge.protocol import Visitors
from fbplan.emulator.bridge.refusals import Refusal
from fbplan.emulator.bridge.sigv4 import SKEW

SCHEME = "SharedKey "
SIGNED = (
    "content-encoding", "content-language", "content-length", "content-md5", "content-type", "date",
    "if-modified-since", "if-match", "if-none-match", "if-unmodified-since", "range",
)  # fmt: skip


def signer_of(request: NodeRequest, visitors: Visitors, now: float) -> Visitor:
    """Whose account key signed the request. Raises Refusal."""
    text = request.header("authorization")
    if not text.startswith(SCHEME):
        raise Refusal("NotImplemented", "Only Shared Key is implemented: no tokens, no shared access signatures.")
    account, _, signature = text.removeprefix(SCHEME).partition(":")
    visitor = visitors(account)
    try:
        key = base64.b64decode(visitor.secret, validate=True)
    except binascii.Error:
        raise Refusal("SignatureDoesNotMatch", "The key is not one of a repository that speaks BLOB.") from None
    _check_time(request, now)
    if not any(
        hmac.compare_digest(_signature(key, request, account, order).encode(), signature.encode()) for order in ORDERS
    ):
        raise Refusal("SignatureDoesNotMatch", "The signature of the request does not match.")
    return visitor


def _signature(key: bytes, request: NodeRequest, account: str, order: Callable[[str], str]) -> str:
    named = dict(request.headers)
    if named.get("content-length") == "0":
        del named["content-length"]
    if "x-ms-date" in named:
        named.pop("date", None)
    of_azure = sorted((name for name in request.headers if name.startswith("x-ms-")), key=order)
    queried: dict[str, list[str]] = {}
    for name, value in request.pairs:
        queried.setdefault(name.lower(), []).append(value)
    text = "\n".join(
        (
            request.method,
            *(named.get(name, "") for name in SIGNED),
            *(f"{name}:{request.headers[name]}" for name in of_azure),
            f"/{account}{request.raw_path}",
            *(f"{name}:{','.join(sorted(values))}" for name, values in sorted(queried.items())),
        )
    )
    return base64.b64encode(hmac.digest(key, text.encode(), hashlib.sha256)).decode()


def _as_sdks_sort(name: str) -> str:
    """Hyphens count last and an underscore before every digit, where the vendor's page says by the alphabet."""
    return name.replace("-", "").replace("_", "!")


ORDERS: tuple[Callable[[str], str], ...] = (str, _as_sdks_sort)


def _check_time(request: NodeRequest, now: float) -> None:
    try:
        signed_at = parsedate_to_datetime(request.header("x-ms-date") or request.header("date")).timestamp()
    except (ValueError, OverflowError):
        raise Refusal("SignatureDoesNotMatch", "The request has no date.") from None
    if abs(now - signed_at) > SKEW:
        raise Refusal("RequestTimeTooSkewed", "The date of the request is too far from the node's.")
