"""How long a token lasts, and that it is renewed before it ends, whatever the clocks say."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from client_world import Clock, Server, in_threads, jwt, session
from token_world import LOGIN, Accounts

from fbplan.client.auth import Identity
from fbplan.client.claims import life_of, time_left
from fbplan.errors import AuthenticationFailed
from fbplan.secrets import Secret


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
