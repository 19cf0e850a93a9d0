"""What the API quotes back is shown without the secrets that were sent to it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import quote

from fbplan.secrets import Secret

SHORTEST = 4
"""Shorter values are left: they stand in ordinary words, and masking those would say where they are."""
_MASK = "***"
_JWT = re.compile(r"eyJ[\w-]{8,}\.[\w-]+(?:\.[\w-]*)?")
_SECRET_FIELDS = frozenset({"key", "secret", "password", "refreshToken", "refresh_token"})


class Redactor:
    """Masks every secret it has been told of, and whatever looks like an access token."""

    def __init__(self) -> None:
        self._known: tuple[Secret, ...] = ()

    def learn(self, *secrets: Secret | None) -> None:
        self._known = (*self._known, *(s for s in secrets if s is not None and s not in self._known))

    def masked(self, text: str, body: Any = None) -> str:
        """`text` without what is known to be secret, or is in a secret field of the `body` that was sent."""
        values = {*(s.reveal() for s in self._known), *_secrets_in(body)}
        for form in sorted({f for v in values if len(v) >= SHORTEST for f in _forms(v)}, key=len, reverse=True):
            text = text.replace(form, _MASK)
        return _JWT.sub(_MASK, text)


def _forms(value: str) -> tuple[str, ...]:
    """A value as it may be quoted: plain, inside JSON, in an address."""
    return (
        value,
        json.dumps(value)[1:-1],
        json.dumps(value, ensure_ascii=False)[1:-1],
        quote(value, safe="", errors="replace"),
    )


def _secrets_in(body: Any) -> Iterable[str]:
    if isinstance(body, dict):
        yield from (v for k, v in body.items() if k in _SECRET_FIELDS and isinstance(v, str))
