"""Who is calling: a token from the environment, or a login as a machine user. Tokens last about one hour."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fbplan.errors import AuthenticationFailed
from fbplan.secrets import Secret


@dataclass(frozen=True, slots=True)
class Login:
    """A machine user: with it, a run survives the hour."""

    email: str
    password: Secret


@dataclass(frozen=True, slots=True)
class Identity:
    """How to authenticate: a token, a login, or both (then the token is tried first)."""

    token: Secret | None = None
    login: Login | None = None


def identity_from(environ: Mapping[str, str]) -> Identity:
    """FB_JWT, FB_JWT_FILE, or FB_EMAIL with FB_PASSWORD or FB_PASSWORD_FILE; never a flag, never a prompt."""
    token = environ.get("FB_JWT") or _file(environ, "FB_JWT_FILE")
    email = environ.get("FB_EMAIL")
    password = environ.get("FB_PASSWORD") or _file(environ, "FB_PASSWORD_FILE")
    if email and not password:
        raise AuthenticationFailed(
            "FB_EMAIL is set without a password", "", "", "set FB_PASSWORD or FB_PASSWORD_FILE beside it"
        )
    if token and not token.isascii():
        raise AuthenticationFailed(
            "the token holds characters that no token has",
            "",
            "it was probably copied with a quote or a space",
            "set FB_JWT again",
        )
    login = Login(email, Secret(password)) if email and password else None
    return Identity(Secret(token.strip()) if token else None, login)


def _file(environ: Mapping[str, str], variable: str) -> str | None:
    path = environ.get(variable)
    if not path:
        return None
    try:
        text = Path(path).expanduser().read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as fault:
        raise AuthenticationFailed(
            f"the file in {variable} cannot be read", path, str(fault), f"correct {variable}"
        ) from fault
    if not text:
        raise AuthenticationFailed(
            f"the file in {variable} is empty", path, "", f"put the secret into it, or unset {variable}"
        )
    return text


def claims_of(token: Secret) -> Mapping[str, Any]:
    """What a token says about itself (userId, email, orgId, exp); empty when it is no JWT. Nothing is verified."""
    parts = token.reveal().split(".")
    if len(parts) != 3:
        return {}
    try:
        found = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (ValueError, UnicodeDecodeError):
        return {}
    return found if isinstance(found, dict) else {}
