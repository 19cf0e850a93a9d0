"""Who is calling: a token from the environment, or a login as a machine user. Tokens last about one hour.

A refresh token renews them too, and is replaced by the API each time it is used. The new one is kept in memory alone:
the variable or file it came from holds a used one afterwards, which is why it suits a terminal and is no CI secret.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from fbplan.errors import AuthenticationFailed
from fbplan.secrets import Secret
from fbplan.secrets.base import placed
from fbplan.secrets.value import Unusable, received

_TOKEN = re.compile("[!-~]+")
"""What may stand behind `Bearer` in a header: visible ASCII (RFC 6750 allows less)."""


@dataclass(frozen=True, slots=True)
class Login:
    """A machine user: with it, a run survives the hour."""

    email: str
    password: Secret


@dataclass(frozen=True, slots=True)
class Identity:
    """How to authenticate: a token, a login, a refresh token, or several.

    The token is used while it lasts; then the refresh token, then the login brings a new one.
    """

    token: Secret | None = None
    login: Login | None = None
    refresh: Secret | None = None

    @property
    def is_nobody(self) -> bool:
        return self.token is None and self.login is None and self.refresh is None


def identity_from(environ: Mapping[str, str]) -> Identity:
    """FB_JWT, FB_REFRESH_TOKEN, FB_EMAIL with FB_PASSWORD, or a file in the variable with _FILE; never a flag."""
    token = environ.get("FB_JWT") or _file(environ, "FB_JWT_FILE")
    refresh = environ.get("FB_REFRESH_TOKEN") or _file(environ, "FB_REFRESH_TOKEN_FILE")
    email = environ.get("FB_EMAIL")
    password = environ.get("FB_PASSWORD") or _file(environ, "FB_PASSWORD_FILE")
    for variable, text in (("FB_EMAIL", email), ("FB_PASSWORD", password), ("FB_REFRESH_TOKEN", refresh)):
        if text and not _is_text(text):
            raise AuthenticationFailed(f"{variable} is not UTF-8 text", "", "", f"set {variable} again")
    if email and not password:
        raise AuthenticationFailed(
            "FB_EMAIL is set without a password", "", "", "set FB_PASSWORD or FB_PASSWORD_FILE beside it"
        )
    if token and not may_be_token(token.strip()):
        raise AuthenticationFailed(
            "the token holds characters that no token has",
            "",
            "it was probably copied with a quote, a space or a line break",
            "set FB_JWT again",
        )
    login = Login(email, Secret(password)) if email and password else None
    return Identity(
        Secret(token.strip()) if token else None,
        login,
        Secret(refresh.strip()) if refresh and refresh.strip() else None,
    )


def may_be_token(text: str) -> bool:
    return _TOKEN.fullmatch(text) is not None


def _is_text(text: str) -> bool:
    """False for what a terminal or a CI service left in another encoding: it arrives as lone surrogates."""
    return not any("\ud800" <= letter <= "\udfff" for letter in text)


def _file(environ: Mapping[str, str], variable: str) -> str | None:
    path = environ.get(variable)
    if not path:
        return None
    try:
        found = received(placed(path, Path()).read_bytes().strip())
    except OSError as fault:
        raise AuthenticationFailed(
            f"the file in {variable} cannot be read", path, fault.strerror or str(fault), f"correct {variable}"
        ) from fault
    match found:
        case Secret() as secret:
            return secret.reveal()
        case Unusable(reason):
            raise AuthenticationFailed(
                f"the file in {variable} {reason}", path, "", f"put the secret into it, or unset {variable}"
            )
