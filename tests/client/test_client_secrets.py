"""Canaries: nothing that authenticates, and no secret that was sent, is ever in an error, a repr or a told line."""

from __future__ import annotations

import json
import traceback
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from client_world import Server, jwt, session

from fbplan.client.auth import Identity, Login, identity_from
from fbplan.client.envelope import read_answer
from fbplan.client.redact import Redactor
from fbplan.client.transport import Asked
from fbplan.errors import AuthenticationFailed, FbplanError
from fbplan.secrets import Secret

TOKEN = jwt(userId="canary-user")
PASSWORD, REFRESH, FRESH = 'canary "pass" wörd/1', "canary-refresh-77", "canary-fresh-access"
PROVIDER = "canary-provider-secret"
CANARIES = (TOKEN, PASSWORD, REFRESH, FRESH, PROVIDER, TOKEN.split(".")[1])


def everything_of(fault: FbplanError) -> str:
    """Every text that a fault and the errors behind it can turn into."""
    behind = [fault, *(f for f in (fault.__cause__, fault.__context__) if f is not None)]
    shown = [str(f) + repr(f) for f in behind] + ["".join(traceback.format_exception(fault))]
    return "\n".join([*shown, fault.what, fault.where, fault.why, fault.next])


def forms(value: str) -> set[str]:
    return {value, json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1], quote(value, safe="")}


@pytest.mark.parametrize("status", [200, 400, 401, 403, 404, 409, 429, 500])
@pytest.mark.parametrize(
    "identity",
    [
        Identity(Secret(TOKEN)),
        Identity(None, Login("ci@example.org", Secret(PASSWORD))),
        Identity(None, None, Secret(REFRESH)),
        Identity(Secret(TOKEN), Login("ci@example.org", Secret(PASSWORD)), Secret(REFRESH)),
    ],
)
@pytest.mark.parametrize("where", ["everywhere", "after the login"])
def test_no_error_shows_what_the_api_quotes_back(status: int, identity: Identity, where: str) -> None:
    def answer(method: str, path: str, body: Any, token: str) -> Any:
        if path.startswith("/user/") and where == "after the login":
            return 200, {"success": True, "accessToken": FRESH, "refreshToken": REFRESH + "-2"}
        quoted = [quote(value, safe="") for value in (body or {}).values()]
        text = f"bad token {token} body {body} {json.dumps(body)} {quoted} " + "x" * 250 + f" {TOKEN}"
        return status, {"success": False, "message": text, "error_code": f"E {token} {body}"}

    told: list[str] = []
    with session(Server(answer), identity=identity, told=told.append) as s:
        with pytest.raises(FbplanError) as caught:
            s.write("POST", "/bucket", {"name": "b", "key": "AKIDCANARY", "secret": PROVIDER})
        shown = everything_of(caught.value) + "\n".join(told) + repr(s.token) + repr(identity) + repr(s)
    assert [c for c in CANARIES if any(form in shown for form in forms(c))] == []


def test_a_secret_that_the_cut_of_a_long_message_would_break_is_masked_before() -> None:
    message = "x" * 290 + PROVIDER
    server = Server(lambda *_: (400, {"success": False, "message": message}))
    with session(server) as s, pytest.raises(FbplanError) as caught:
        s.write("POST", "/bucket", {"secret": PROVIDER})
    assert "canary" not in everything_of(caught.value)
    assert "x" * 290 in caught.value.why


def test_what_is_shorter_than_four_is_left_and_the_longest_goes_first() -> None:
    redactor = Redactor()
    redactor.learn(Secret("abc"), Secret("abcd"), Secret("abcdef"), None)
    assert redactor.masked("abc abcd abcdef") == "abc *** ***"


def test_whatever_looks_like_an_access_token_is_masked_although_nobody_sent_it() -> None:
    assert Redactor().masked(f"not {jwt(userId='other')} but hello.world") == "not *** but hello.world"


def test_a_successful_answer_is_not_touched() -> None:
    """The secret of a new key comes in one: masking it would lose it."""
    server = Server(lambda *_: (200, {"success": True, "secret": "token-1 token-1"}))
    with session(server) as s:
        assert s.write("POST", "/repo/r/apikey", {"name": "n"}) == {"success": True, "secret": "token-1 token-1"}


def test_no_request_and_no_answer_shows_its_body() -> None:
    for shown in (
        repr(Asked("POST", "/bucket", {"secret": PROVIDER})),
        repr(read_answer(200, json.dumps({"secret": PROVIDER}).encode(), {})),
    ):
        assert PROVIDER not in shown


def test_a_file_that_is_not_text_is_told_without_what_is_in_it(tmp_path: Path) -> None:
    path = tmp_path / "password"
    path.write_bytes(b"canary-in-latin-1-\xe9\xff")
    with pytest.raises(AuthenticationFailed) as fault:
        identity_from({"FB_EMAIL": "ci@example.org", "FB_PASSWORD_FILE": str(path)})
    assert fault.value.what == "the file in FB_PASSWORD_FILE is not UTF-8 text"
    assert "canary" not in everything_of(fault.value)


def test_a_file_in_the_home_of_nobody_is_told() -> None:
    with pytest.raises(AuthenticationFailed) as fault:
        identity_from({"FB_JWT_FILE": "~no-such-user-here/token"})
    assert fault.value.what == "the file in FB_JWT_FILE cannot be read"
