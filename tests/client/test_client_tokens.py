"""Tokens in mid-run: renewed once for all workers, early, by refresh token or login; and when there is no way."""

from __future__ import annotations

import threading
from typing import Any

import httpx
import pytest
from client_world import Clock, Server, in_threads, jwt, session

from fbplan.client.auth import Identity, Login, identity_from
from fbplan.client.claims import life_of, time_left
from fbplan.errors import Ambiguous, AuthenticationFailed, ExitCode, FbplanError, Unreachable
from fbplan.secrets import Secret

LOGIN = Login("ci@example.org", Secret("password-1"))
OLD = Secret("token-1")


class Accounts:
    """An API whose tokens are good until `expire`; each login or refresh gives the next one."""

    def __init__(self, **fields: Any) -> None:
        self.good, self.issued, self.fields = {"token-1"}, 1, fields
        self.refresh = "refresh-1"
        self.server = Server(self.answer)
        self._lock = threading.Lock()

    def answer(self, _method: str, path: str, body: Any, token: str) -> Any:
        with self._lock:
            match path:
                case "/user/login":
                    if body != {"email": "ci@example.org", "password": "password-1"}:
                        return 401, {"success": False, "error_code": "INVALID_CREDENTIALS"}
                    return 200, self.next_token()
                case "/user/refresh":
                    if body != {"refreshToken": self.refresh, "refresh_token": self.refresh}:
                        return 401, {"success": False, "error_code": "INVALID_REFRESH_TOKEN"}
                    return 200, self.next_token()
            if token not in self.good:
                return 401, {"success": False, "message": "Token expired"}
            return 200, {"success": True, "workspaces": []}

    def next_token(self) -> Any:
        self.issued += 1
        self.good = {f"token-{self.issued}"}
        self.refresh = f"refresh-{self.issued}"
        return {"success": True, "accessToken": f"token-{self.issued}", "refreshToken": self.refresh, **self.fields}

    def expire(self) -> None:
        self.good = set()

    @property
    def renewals(self) -> tuple[int, int]:
        """Logins and refreshes."""
        return self.server.count("POST", "/user/login"), self.server.count("POST", "/user/refresh")


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


@pytest.mark.parametrize("unit", [1, 1000])
@pytest.mark.parametrize("with_jwt", [True, False])
def test_a_token_is_renewed_a_little_before_it_ends(unit: int, with_jwt: bool) -> None:
    clock = Clock()
    accounts = Accounts()

    def issued() -> Any:
        accounts.issued += 1
        ends = int(clock.wall()) + 3600
        token = jwt(n=accounts.issued, iat=ends - 3600, exp=ends) if with_jwt else f"token-{accounts.issued}"
        accounts.good = {token}
        return {"success": True, "accessToken": token} | ({} if with_jwt else {"expiresAt": ends * unit})

    accounts.next_token = issued  # type: ignore[method-assign]
    with session(accounts.server, clock, identity=Identity(None, LOGIN)) as s:
        s.read("/workspace")
        clock.time += 3500
        s.read("/workspace")
        assert accounts.renewals == (1, 0)
        clock.time += 50
        in_threads(8, lambda: s.read("/workspace"))
        assert accounts.renewals == (2, 0)
    assert 401 not in [accounts.answer(*r)[0] for r in accounts.server.requests[-8:]]


@pytest.mark.parametrize("jump", [-(10**7), -3600, 3600, 10**7])
@pytest.mark.parametrize(
    "fields", [{}, {"expiresAt": 1_777_003_600}, {"expiresAt": 1}, {"expiresAt": "soon"}, {"expiresAt": True}]
)
def test_a_wall_clock_that_jumps_or_is_wrong_causes_no_login_after_login(jump: int, fields: Any) -> None:
    clock, accounts = Clock(), Accounts(**fields)
    clock.offset += jump
    with session(accounts.server, clock, identity=Identity(None, LOGIN)) as s:
        for _ in range(50):
            s.read("/workspace")
            clock.offset -= jump
            clock.time += 1
    assert accounts.renewals == (1, 0)


def test_a_failed_early_renewal_leaves_the_token_in_use_until_it_is_refused() -> None:
    clock = Clock()
    accounts = Accounts(expiresAt=int(clock.wall()) + 3600)
    with session(accounts.server, clock, identity=Identity(None, LOGIN)) as s:
        s.read("/workspace")
        accounts.next_token = lambda: {"success": False, "error_code": "LOCKED"}  # type: ignore[method-assign]
        clock.time += 3550
        s.read("/workspace")
        accounts.expire()
        with pytest.raises(AuthenticationFailed) as caught:
            s.read("/workspace")
    assert caught.value.what == "the login was refused"
    assert accounts.renewals == (2, 0)


def test_a_token_from_the_environment_is_renewed_by_its_own_exp() -> None:
    clock, accounts = Clock(), Accounts()
    token = jwt(exp=int(clock.wall()) + 600)
    accounts.good = {token}
    with session(accounts.server, clock, identity=Identity(Secret(token), LOGIN)) as s:
        s.read("/workspace")
        clock.time += 545
        s.read("/workspace")
    assert accounts.renewals == (1, 0)
    assert accounts.server.requests[-1][3] == "token-2"


@pytest.mark.parametrize(
    ("claims", "expires_at", "life"),
    [
        ({"iat": 100, "exp": 3700}, None, 3600),
        ({"iat": 100, "exp": 3700}, 5, 3600),
        ({"iat": 1_777_000_000_000, "exp": 1_777_003_600_000}, None, 3600),
        ({"exp": 1_000_060}, None, 60),
        ({}, 1_000_060, 60),
        ({}, 1_777_000_000_000, 1_776_000_000),
        ({}, 999_999, None),
        ({}, None, None),
        ({}, "1000060", None),
        ({}, True, None),
        ({"exp": "never"}, 10**30, None),
        ({"exp": float("inf")}, None, None),
    ],
)
def test_the_life_of_a_token_is_told_or_is_none(claims: Any, expires_at: Any, life: float | None) -> None:
    assert life_of(Secret(jwt(**claims)), expires_at, 1_000_000.0) == life


def test_a_token_that_seems_to_have_ended_is_left_to_the_api_to_refuse() -> None:
    assert time_left(Secret(jwt(exp=100)), 200.0) is None
    assert time_left(Secret("opaque"), 200.0) is None


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


def test_others_go_on_with_the_old_token_while_one_renews_it_early() -> None:
    clock, renewing, others_done = Clock(), threading.Event(), threading.Event()
    accounts = Accounts(expiresAt=int(clock.wall()) + 3600)

    def answer(method: str, path: str, body: Any, token: str) -> Any:
        if path == "/user/login" and clock.time > 2_000:
            renewing.set()
            assert others_done.wait(30)
            accounts.good.add("token-2")
        return accounts.answer(method, path, body, token)

    with session(Server(answer), clock, identity=Identity(None, LOGIN)) as s:
        s.read("/workspace")
        clock.time += 3550
        worker = threading.Thread(target=lambda: s.read("/workspace"))
        worker.start()
        assert renewing.wait(30)
        found = in_threads(3, lambda: s.read("/workspace"))
        others_done.set()
        worker.join(60)
        assert s.token == Secret("token-3")
    assert found == [{"success": True, "workspaces": []}] * 3
