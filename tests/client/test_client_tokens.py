"""Tokens in mid-run: renewed once for all workers, early, by refresh token or login; and when there is no way."""

from __future__ import annotations

import threading
from typing import Any

import httpx
import pytest
from client_world import Server, in_threads, session
from token_world import LOGIN, OLD, Accounts

from fbplan.client.auth import Identity, Login, identity_from
from fbplan.errors import Ambiguous, AuthenticationFailed, ExitCode, Unreachable
from fbplan.secrets import Secret


@pytest.mark.parametrize(
    ("identity", "renewals"),
    [
        (Identity(OLD, LOGIN), (1, 0)),
        (Identity(OLD, None, Secret("refresh-1")), (0, 1)),
        (Identity(OLD, LOGIN, Secret("refresh-1")), (0, 1)),
    ],
)
def test_eight_workers_whose_token_ran_out_renew_it_once(identity: Identity, renewals: tuple[int, int]) -> None:
    accounts = Accounts()
    with session(accounts.server, identity=identity) as s:
        s.read("/workspace")
        accounts.expire()
        assert in_threads(8, lambda: s.read("/workspace")) == [{"success": True, "workspaces": []}] * 8
        assert accounts.renewals == renewals
        assert s.token == Secret("token-2")


def test_eight_workers_without_a_token_log_in_once() -> None:
    accounts = Accounts()
    with session(accounts.server, identity=Identity(None, LOGIN)) as s:
        in_threads(8, lambda: s.read("/workspace"))
    assert accounts.renewals == (1, 0)


def test_eight_workers_with_a_wrong_password_ask_once() -> None:
    accounts = Accounts()
    with session(accounts.server, identity=Identity(None, Login("ci@example.org", Secret("wrong")))) as s:
        found = in_threads(8, lambda: s.read("/workspace"))
    assert [type(fault) for fault in found] == [AuthenticationFailed] * 8
    assert {fault.what for fault in found} == {"the login was refused"}
    assert len({id(fault) for fault in found}) == 8
    assert accounts.renewals == (1, 0)


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_a_write_turned_away_by_401_is_repeated_once_after_the_renewal(method: str) -> None:
    accounts = Accounts()
    with session(accounts.server, identity=Identity(Secret("stale"), LOGIN)) as s:
        s.remove("/repo/1") if method == "DELETE" else s.write(method, "/repo/1", {})
    assert accounts.server.count(method, "/repo/1") == 2


def test_a_second_401_after_a_fresh_token_is_final_and_no_login_storm() -> None:
    def answer(method: str, path: str, body: Any, token: str) -> Any:
        return (200, {"success": True, "accessToken": "new"}) if path == "/user/login" else (401, {"success": False})

    server = Server(answer)
    with session(server, identity=Identity(OLD, LOGIN)) as s:
        found = in_threads(8, lambda: s.write("POST", "/repo", {}))
        with pytest.raises(AuthenticationFailed):
            s.read("/workspace")
    assert {(type(f), f.what) for f in found} == {
        (AuthenticationFailed, "the API does not accept the token that it has just issued")
    }
    assert server.count("POST", "/user/login") == 1


def test_without_a_login_the_first_401_ends_it_with_the_next_step() -> None:
    accounts = Accounts()
    with (
        session(accounts.server, identity=Identity(Secret("stale"))) as s,
        pytest.raises(AuthenticationFailed) as caught,
    ):
        s.write("POST", "/repo", {})
    assert accounts.server.count("POST", "/repo") == 1
    assert caught.value.exit_code is ExitCode.AUTH
    assert "FB_EMAIL and FB_PASSWORD" in caught.value.next


def test_the_rotated_refresh_token_is_the_one_used_next() -> None:
    accounts = Accounts()
    with session(accounts.server, identity=Identity(None, None, Secret("refresh-1"))) as s:
        for _ in range(3):
            s.read("/workspace")
            accounts.expire()
    sent = [r[2]["refreshToken"] for r in accounts.server.requests if r[1] == "/user/refresh"]
    assert sent == ["refresh-1", "refresh-2", "refresh-3"]


def test_a_refused_refresh_falls_back_to_the_login() -> None:
    accounts = Accounts()
    with session(accounts.server, identity=Identity(None, LOGIN, Secret("used"))) as s:
        s.read("/workspace")
        accounts.expire()
        s.read("/workspace")
    assert accounts.renewals == (2, 1)


def test_a_refused_refresh_without_a_login_says_what_to_do() -> None:
    accounts = Accounts()
    with session(accounts.server, identity=Identity(None, None, Secret("used"))) as s:
        found = in_threads(4, lambda: s.read("/workspace"))
    assert {str(f) for f in found} == {"POST /user/refresh: the refresh token was refused: 401 INVALID_REFRESH_TOKEN"}
    assert accounts.renewals == (0, 1)


@pytest.mark.parametrize("loss", [httpx.ReadError("cut"), 500, 502])
def test_a_refresh_whose_answer_was_lost_is_not_repeated(loss: Any) -> None:
    def answer(method: str, path: str, body: Any, token: str) -> Any:
        if isinstance(loss, Exception):
            raise loss
        return loss, b"<html>"

    server = Server(answer)
    with session(server, identity=Identity(None, None, Secret("refresh-1"))) as s:
        for _ in range(2):
            with pytest.raises(AuthenticationFailed) as caught:
                s.read("/workspace")
            assert caught.value.what == "the answer to the token refresh was lost"
            assert "may have been replaced by one that never arrived" in caught.value.why
            assert "FB_EMAIL" in caught.value.next
    assert len(server.requests) == 1


def test_a_refresh_whose_answer_was_lost_falls_back_to_the_login() -> None:
    accounts = Accounts()

    def answer(method: str, path: str, body: Any, token: str) -> Any:
        if path == "/user/refresh":
            raise httpx.ReadError("cut")
        return accounts.answer(method, path, body, token)

    server = Server(answer)
    with session(server, identity=Identity(None, LOGIN, Secret("refresh-1"))) as s:
        s.read("/workspace")
    assert [r[1] for r in server.requests] == ["/user/refresh", "/user/login", "/workspace"]


@pytest.mark.parametrize("trouble", [httpx.ReadError("cut"), httpx.ConnectError("no"), 502, 429])
def test_a_login_is_safe_to_repeat(trouble: Any) -> None:
    accounts = Accounts()
    left = [trouble]

    def answer(method: str, path: str, body: Any, token: str) -> Any:
        if path == "/user/login" and left:
            found = left.pop()
            if isinstance(found, Exception):
                raise found
            return found, {}
        return accounts.answer(method, path, body, token)

    server = Server(answer)
    with session(server, identity=Identity(None, LOGIN)) as s:
        s.read("/workspace")
    assert server.count("POST", "/user/login") == 2


def test_a_login_that_is_never_answered_stays_within_the_budget() -> None:
    server = Server(lambda *_: (502, b""))
    with session(server, identity=Identity(None, LOGIN)) as s:
        found = in_threads(8, lambda: s.read("/workspace"))
    assert {type(f) for f in found} == {Unreachable}
    assert len(server.requests) <= 8 + 10


def test_workers_that_wait_for_a_login_are_ended_by_a_stop() -> None:
    stop, asked, go_on = threading.Event(), threading.Event(), threading.Event()

    def answer(method: str, path: str, body: Any, token: str) -> Any:
        if path == "/user/login":
            asked.set()
            assert go_on.wait(60)
            return 200, {"success": True, "accessToken": "t"}
        return 200, {"workspaces": []}

    server = Server(answer)
    with session(server, identity=Identity(None, LOGIN), stopped=stop.is_set) as s:
        first: list[Any] = []
        worker = threading.Thread(target=lambda: first.append(s.read("/workspace")))
        worker.start()
        assert asked.wait(60)
        stop.set()
        assert {type(f).__name__ for f in in_threads(3, lambda: s.read("/other"))} == {"Interrupted"}
        go_on.set()
        worker.join(60)
    assert first == [{"workspaces": []}]  # it had not to wait: its login was on its way


def test_a_lost_write_is_ambiguous_whatever_the_token() -> None:
    accounts = Accounts()

    def answer(method: str, path: str, body: Any, token: str) -> Any:
        found = accounts.answer(method, path, body, token)
        if path == "/repo" and found[0] == 200:
            raise ConnectionResetError
        return found

    server = Server(answer)
    with session(server, identity=Identity(Secret("stale"), LOGIN)) as s, pytest.raises(Ambiguous):
        s.write("POST", "/repo", {})
    assert [r[1] for r in server.requests] == ["/repo", "/user/login", "/repo"]


def test_a_refresh_token_comes_from_the_environment_or_a_file(tmp_path: Any) -> None:
    path = tmp_path / "token"
    path.write_text("from-file\n")
    assert identity_from({"FB_REFRESH_TOKEN": " direct "}).refresh == Secret("direct")
    assert identity_from({"FB_REFRESH_TOKEN_FILE": str(path)}).refresh == Secret("from-file")
    assert identity_from({"FB_REFRESH_TOKEN_FILE": str(path)}).is_nobody is False
    assert identity_from({}).is_nobody
    with pytest.raises(AuthenticationFailed) as caught:
        identity_from({"FB_REFRESH_TOKEN_FILE": str(tmp_path / "none")})
    assert "FB_REFRESH_TOKEN_FILE" in caught.value.what


def test_a_call_that_is_refused_with_every_token_ends_although_others_are_accepted() -> None:
    def answer(method: str, path: str, body: Any, token: str) -> Any:
        if path == "/user/login":
            return 200, {"success": True, "accessToken": f"new-{server.count('POST', '/user/login')}"}
        if path == "/repo":
            s.read("/workspace")  # the newest token is accepted elsewhere meanwhile
            return 401, {"success": False}
        return 200, {"workspaces": []}

    server = Server(answer)
    with session(server, identity=Identity(OLD, LOGIN)) as s, pytest.raises(AuthenticationFailed) as caught:
        s.write("POST", "/repo", {})
    assert (caught.value.what, caught.value.where) == (
        "the API does not accept the token that it has just issued",
        "POST /repo",
    )
    assert server.count("POST", "/user/login") == 1


@pytest.mark.parametrize("token", ["tök", "a\nb", "a b"])
def test_a_login_that_answers_what_no_token_is_was_refused(token: str) -> None:
    server = Server(lambda *_: (200, {"success": True, "accessToken": token}))
    with session(server, identity=Identity(None, LOGIN)) as s, pytest.raises(AuthenticationFailed) as fault:
        s.read("/workspace")
    assert fault.value.what == "the login was refused"
    assert server.count("GET", "/workspace") == 0


@pytest.mark.parametrize("variable", ["FB_EMAIL", "FB_PASSWORD", "FB_REFRESH_TOKEN"])
def test_what_is_not_utf_8_in_the_environment_is_told_by_its_name(variable: str) -> None:
    given = {"FB_EMAIL": "ci@example.org", "FB_PASSWORD": "p", "FB_REFRESH_TOKEN": "r", variable: "p\udcffq"}
    with pytest.raises(AuthenticationFailed) as fault:
        identity_from(given)
    assert fault.value.what == f"{variable} is not UTF-8 text"
