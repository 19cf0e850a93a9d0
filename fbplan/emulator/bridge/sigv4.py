"""AWS Signature Version 4, from the server's side: what a request claims, and whether it is true."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from urllib.parse import quote

from fbplan.emulator.bridge.node_request import NodeRequest
from fbplan.emulator.bridge.refusals import Refusal

ALGORITHM = "AWS4-HMAC-SHA256"
UNSIGNED = "UNSIGNED-PAYLOAD"
SKEW = 15 * 60  # seconds that S3 allows between the clocks
LONGEST_LIFE = 7 * 24 * 3600
_HEADER = re.compile(
    rf"{ALGORITHM}\s+Credential=(?P<credential>[^,\s]+),\s*SignedHeaders=(?P<signed>[^,\s]+),\s*Signature=(?P<signature>[0-9a-f]+)"
)


@dataclass(frozen=True, slots=True)
class Claim:
    """Who a request says it is from, and the signature that should prove it. `life` is set for presigned URLs."""

    key: str
    scope: str  # day/region/service/aws4_request
    signed: tuple[str, ...]
    signature: str
    stamp: str
    payload: str
    life: int | None = None


@dataclass(frozen=True, slots=True)
class Seal:
    """What signs the chunks of a streamed body once the headers are proved."""

    signing_key: bytes = field(repr=False)
    stamp: str
    scope: str
    seed: str

    def sign(self, kind: str, before: str, *digests: str) -> str:
        text = "\n".join((f"{ALGORITHM}-{kind}", self.stamp, self.scope, before, *digests))
        return _hmac(self.signing_key, text).hex()


def claim_of(request: NodeRequest) -> Claim:
    """The claim in the Authorization header or the query. Raises Refusal when there is none, or a malformed one."""
    query = request.query
    if "X-Amz-Algorithm" in query or "X-Amz-Signature" in query:
        return _presigned(query)
    text = request.header("authorization")
    if text.startswith("AWS ") or "AWSAccessKeyId" in query:
        raise Refusal(
            "InvalidRequest",
            "The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256.",
        )
    if not text:
        raise Refusal("AccessDenied", "Access Denied")
    read = _HEADER.fullmatch(text.strip())
    if read is None:
        raise Refusal("AuthorizationHeaderMalformed", "The authorization header is malformed.")
    payload = request.header("x-amz-content-sha256")
    if not payload:
        raise Refusal("InvalidRequest", "Missing required header for this request: x-amz-content-sha256")
    key, scope = _credential(read["credential"], "AuthorizationHeaderMalformed")
    stamp = request.header("x-amz-date")
    return Claim(key, scope, tuple(read["signed"].split(";")), read["signature"], stamp, payload)


def _presigned(query: Mapping[str, str]) -> Claim:
    code = "AuthorizationQueryParametersError"
    missing = [
        name for name in ("Algorithm", "Credential", "Date", "Expires", "SignedHeaders", "Signature")
        if not query.get(f"X-Amz-{name}")
    ]  # fmt: skip
    if missing:
        raise Refusal(code, f"The query lacks {', '.join(f'X-Amz-{name}' for name in missing)}.")
    if query["X-Amz-Algorithm"] != ALGORITHM:
        raise Refusal(code, f"X-Amz-Algorithm only supports {ALGORITHM}.")
    life = query["X-Amz-Expires"]
    if not (life.isascii() and life.isdigit() and int(life[:9]) <= LONGEST_LIFE):
        raise Refusal(code, "X-Amz-Expires must be a number of seconds of at most a week.")
    key, scope = _credential(query["X-Amz-Credential"], code)
    signed = tuple(query["X-Amz-SignedHeaders"].split(";"))
    payload = query.get("X-Amz-Content-Sha256", UNSIGNED)
    return Claim(key, scope, signed, query["X-Amz-Signature"], query["X-Amz-Date"], payload, int(life))


def _credential(text: str, code: str) -> tuple[str, str]:
    key, _, scope = text.partition("/")
    parts = scope.split("/")
    if len(parts) != 4 or parts[2:] != ["s3", "aws4_request"]:
        raise Refusal(code, "The credential must have the form <key>/<day>/<region>/s3/aws4_request.")
    return key, scope


def proved(claim: Claim, request: NodeRequest, secret: str, now: float) -> Seal:
    """Check the signature and its time against the machine's clock. Raises Refusal."""
    _check_time(claim, now)
    unsigned = {name for name in request.headers if name.startswith("x-amz-")} - set(claim.signed)
    if "host" not in claim.signed or unsigned - {"x-amz-content-sha256"}:
        raise Refusal("AccessDenied", "There were headers present in the request which were not signed")
    digest = hashlib.sha256(_canonical(claim, request).encode()).hexdigest()
    signing_key = f"AWS4{secret}".encode()
    for part in claim.scope.split("/"):
        signing_key = _hmac(signing_key, part)
    text = f"{ALGORITHM}\n{claim.stamp}\n{claim.scope}\n{digest}"
    if not hmac.compare_digest(_hmac(signing_key, text).hex().encode(), claim.signature.encode()):
        raise Refusal(
            "SignatureDoesNotMatch",
            "The request signature we calculated does not match the signature you provided. Check your key and signing method.",
        )
    return Seal(signing_key, claim.stamp, claim.scope, claim.signature)


def _check_time(claim: Claim, now: float) -> None:
    try:
        signed_at = datetime.strptime(claim.stamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).timestamp()
    except ValueError:
        raise Refusal("AccessDenied", "AWS authentication requires a valid Date or x-amz-date header") from None
    if not claim.scope.startswith(claim.stamp[:8]):
        raise Refusal("SignatureDoesNotMatch", "The day of the credential is not that of the request.")
    if claim.life is not None and now > signed_at + claim.life:
        raise Refusal("AccessDenied", "Request has expired")
    if signed_at - now > SKEW or (claim.life is None and now - signed_at > SKEW):
        raise Refusal(
            "RequestTimeTooSkewed", "The difference between the request time and the current time is too large."
        )


def _canonical(claim: Claim, request: NodeRequest) -> str:
    """The canonical request. The path was decoded once, so encoding it again gives what every SDK signs."""
    pairs = sorted((_quoted(n), _quoted(v)) for n, v in request.pairs if n != "X-Amz-Signature")
    headers = "".join(f"{name}:{' '.join(request.header(name).split())}\n" for name in claim.signed)
    return "\n".join(
        (
            request.method,
            quote(request.path, safe="/-_.~"),
            "&".join(f"{name}={value}" for name, value in pairs),
            headers,
            ";".join(claim.signed),
            claim.payload,
        )
    )


def _quoted(text: str) -> str:
    return quote(text, safe="-_.~")


def _hmac(key: bytes, text: str) -> bytes:
    return hmac.digest(key, text.encode(), hashlib.sha256)
