"""Tokens that multi-factor authentication limits: recognised, explained, never used."""

from __future__ import annotations

from typing import Any

import pytest
from client_world import Server, in_threads, jwt, session
from token_world import LOGIN, OLD, Accounts

from fbplan.client.auth import Identity
from fbplan.errors import AuthenticationFailed, FbplanError
from fbplan.secrets import Secret

MFA_TOKENS = [
    jwt(userId="u", type="mfa"),
    jwt(userId="u", type="mfa_pending"),
    jwt(userId="u", type="limited"),
    jwt(userId="u", mfaRequired=True),
    jwt(userId="u", mfa_verified=False),
    jwt(userId="u", scope="pre-auth"),
    jwt(userId="u", token_type="access:limited"),
]


@pytest.mark.parametrize("token", MFA_TOKENS)
def test_a_limited_token_in_the_environment_is_explained_before_anything_is_sent(token: str) -> None:
    server = Server(lambda *_: (200, {"workspaces": []}))
    with session(server, identity=Identity(Secret(token))) as s, pytest.raises(AuthenticationFailed) as caught:
        s.read("/workspace")
    assert server.requests == []
    assert caught.value.what == "the token is limited until a second factor is given"
    assert "nobody is there to enter the code" in caught.value.why
    assert "machine user without multi-factor login" in caught.value.next


def test_a_limited_token_beside_a_login_is_replaced_by_the_login() -> None:
    accounts = Accounts()
    with session(accounts.server, identity=Identity(Secret(MFA_TOKENS[0]), LOGIN)) as s:
        s.read("/workspace")
    assert [r[1] for r in accounts.server.requests] == ["/user/login", "/workspace"]


@pytest.mark.parametrize(
    ("status", "answer"),
    [
        *((200, {"success": True, "accessToken": token}) for token in MFA_TOKENS),
        (200, {"success": True, "mfaRequired": True, "accessToken": "t"}),
        (200, {"success": False, "requiresMfa": True}),
        (403, {"success": False, "error_code": "MFA_REQUIRED"}),
        (401, {"success": False, "message": "Multi-factor authentication required"}),
    ],
)
def test_a_limited_token_from_a_login_is_explained_and_never_used(status: int, answer: Any) -> None:
    server = Server(lambda *_: (status, answer))
    with session(server, identity=Identity(None, LOGIN)) as s:
        found = in_threads(4, lambda: s.read("/workspace"))
    assert {f.what for f in found} == {"the token is limited until a second factor is given"}
    assert [r[1] for r in server.requests] == ["/user/login"]


@pytest.mark.parametrize("identity", [Identity(OLD), Identity(OLD, LOGIN)])
@pytest.mark.parametrize(
    ("status", "answer"),
    [
        (401, {"success": False, "error_code": "MFA_REQUIRED"}),
        (403, {"success": False, "errorCode": "NEEDS_2FA"}),
        (403, {"success": False, "message": "MFA verification pending"}),
    ],
)
def test_a_refusal_that_names_mfa_is_explained(status: int, answer: Any, identity: Identity) -> None:
    server = Server(lambda *_: (status, answer))
    with session(server, identity=identity) as s, pytest.raises(AuthenticationFailed) as caught:
        s.write("POST", "/repo", {})
    assert len(server.requests) == 1
    assert "second factor" in caught.value.what


@pytest.mark.parametrize(
    "claims",
    [
        {"type": "access"},
        {"mfaVerified": True},
        {"mfaEnabled": True},
        {"email": "mfa@x"},
        {"type": "unlimited"},
        {"scope": "buckets mfa"},
    ],
)
def test_a_full_token_of_an_account_with_mfa_is_used(claims: Any) -> None:
    server = Server(lambda *_: (200, {"workspaces": []}))
    with session(server, identity=Identity(Secret(jwt(**claims)))) as s:
        s.read("/workspace")


def test_a_refusal_that_only_contains_the_letters_is_no_mfa() -> None:
    server = Server(lambda *_: (403, {"success": False, "message": "workspace 'grimfang' refused"}))
    with session(server) as s, pytest.raises(FbplanError) as caught:
        s.read("/workspace")
    assert not isinstance(caught.value, AuthenticationFailed)
