"""What a token says about itself. Nothing is verified: that is the API's part."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any

from fbplan.secrets import Secret

_MILLISECONDS = 10**11
"""Numbers above it cannot be seconds for another 3,000 years (the unit of `expiresAt` is not documented)."""


def claims_of(token: Secret) -> Mapping[str, Any]:
    """What a token says about itself (userId, email, orgId, exp); empty when it is no JWT."""
    parts = token.reveal().split(".")
    if len(parts) != 3:
        return {}
    try:
        found = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (ValueError, UnicodeDecodeError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def life_of(token: Secret, expires_at: Any, now: float) -> float | None:
    """Seconds that a token just issued will last, as far as anything tells.

    `exp` and `iat` stand on one clock, the API's: their distance holds however wrong ours is. Only without them is
    `now`, the wall clock, asked; nonsense from it counts as not told, so that it never leads to login after login.
    """
    claims = claims_of(token)
    expires, issued = _seconds(claims.get("exp")), _seconds(claims.get("iat"))
    if expires is None:
        expires = _seconds(expires_at)
    if expires is None:
        return None
    life = expires - (issued if issued is not None else now)
    return life if life > 0 else None


def time_left(token: Secret, now: float) -> float | None:
    """Seconds until a token from elsewhere ends, by the wall clock; None when not told, or when it says: ended."""
    expires = _seconds(claims_of(token).get("exp"))
    return expires - now if expires is not None and expires > now else None


def _seconds(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 10**18:
        return None
    return value / 1000 if value > _MILLISECONDS else float(value)
