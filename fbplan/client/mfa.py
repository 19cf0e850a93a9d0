"""Limited tokens: an account with multi-factor login first gets one that opens nothing but `/mfa/verify-login`.

The vendor documents neither the claim nor the code that says so (API notes §8), so every likely name is taken.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from fbplan.errors import AuthenticationFailed

_WORDS = re.compile(r"\bmfa|mfa\b|_mfa|multi.?factor|two.?factor|second factor|\b2fa|2fa\b|_2fa", re.IGNORECASE)
_KINDS = re.compile(r"(?:\S*[_:-])?(?:mfa|2fa|limited|partial|pre.?auth)(?:[_:-]\S*)?", re.IGNORECASE)
_KIND_FIELDS = frozenset({"type", "tokentype", "tokenuse", "scope", "purpose"})
_TRUE_IF_LIMITED = frozenset(
    {"mfarequired", "requiresmfa", "mfapending", "needsmfa", "requires2fa", "limited", "islimited"}
)
_FALSE_IF_LIMITED = frozenset({"mfaverified", "sessionverified", "mfacompleted"})


def names_mfa(text: str) -> bool:
    """Whether an error code or message of the API speaks of a second factor."""
    return _WORDS.search(text) is not None


def is_limited(claims: Mapping[str, Any]) -> bool:
    """Whether the claims of a token, or the fields of a login answer, say that a second factor is missing."""
    for name, value in claims.items():
        plain = name.lower().replace("_", "").replace("-", "")
        if plain in _KIND_FIELDS and isinstance(value, str) and _KINDS.fullmatch(value):
            return True
        if (plain in _TRUE_IF_LIMITED and value is True) or (plain in _FALSE_IF_LIMITED and value is False):
            return True
    return False


def limited(where: str) -> AuthenticationFailed:
    return AuthenticationFailed(
        "the token is limited until a second factor is given",
        where,
        "the account has multi-factor login, and in automation nobody is there to enter the code",
        "set FB_EMAIL and FB_PASSWORD of a machine user without multi-factor login, or FB_JWT to a token taken after the second factor",
    )
