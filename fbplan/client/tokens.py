"""The access token of a session: got, kept, and renewed in mid-run, once for all workers."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from fbplan.client.auth import Identity, may_be_token
from fbplan.client.claims import claims_of, life_of, time_left
from fbplan.client.deadline import Deadline
from fbplan.client.envelope import Answer, reason_of
from fbplan.client.mfa import is_limited, limited
from fbplan.client.redact import Redactor
from fbplan.client.transport import Asked
from fbplan.client.waiting import Waiting
from fbplan.errors import Ambiguous, AuthenticationFailed, Unreachable
from fbplan.secrets import Secret

MARGIN = 60.0
"""Seconds before its end at which a token is renewed; a fifth of its life when that is less."""
POLL = 0.1
Ask = Callable[[Asked, Deadline], Answer]


@dataclass(frozen=True, slots=True)
class _Issued:
    """A token that the API has just given out."""

    token: Secret
    user: Mapping[str, Any]
    refresh: Secret | None
    life: float | None


class Tokens:
    """Which token to use now. Safe across threads: whoever comes second finds what the first one got."""

    def __init__(
        self, identity: Identity, ask: Ask, redactor: Redactor, waiting: Waiting, now: Callable[[], float]
    ) -> None:
        """`ask` sends a login or a refresh; `now` is the wall clock, which only a token from elsewhere is held to."""
        self._identity, self._ask, self._redactor, self._waiting, self._now = identity, ask, redactor, waiting, now
        self._token, self._refresh = identity.token, identity.refresh
        self._renewing = threading.Lock()
        self._is_proved = True  # whether the API has accepted the token; one from the environment has the benefit of it
        self._refused: AuthenticationFailed | None = None
        self._due: float | None = None
        self.user: Mapping[str, Any] = {}
        redactor.learn(identity.token, identity.refresh, identity.login.password if identity.login else None)
        if identity.token is not None:
            self._plan_renewal(time_left(identity.token, now()))
            if is_limited(claims_of(identity.token)):
                self._token = None
                self._refused = None if self.renews else limited("FB_JWT")

    @property
    def token(self) -> Secret | None:
        return self._token

    @property
    def renews(self) -> bool:
        """Whether there is more than a token to begin with."""
        return self._identity.login is not None or self._identity.refresh is not None

    def current(self, deadline: Deadline) -> Secret | None:
        """The token to send; the first one is fetched, and one about to end is renewed by one worker meanwhile."""
        if self._token is None:
            if self._refused is not None or self.renews:
                self.renew(None, deadline)
        elif self._is_due() and self._renewing.acquire(blocking=False):
            try:
                if self._is_due():
                    self._renew_early(deadline)
            finally:
                self._renewing.release()
        return self._token

    def accepted(self, token: Secret | None) -> None:
        """An answer other than 401 came to this token."""
        if token is self._token:
            self._is_proved = True

    def renew(self, used: Secret | None, deadline: Deadline) -> None:
        """Replace the token `used`, once for all workers. Raises AuthenticationFailed when there is no way to."""
        with self._alone(deadline):
            if self._token is not used:
                return
            if self._refused is not None:  # asking again and again with a wrong password locks an account
                raise _again(self._refused)
            if not self._is_proved:
                raise fresh_refused("")
            try:
                self._take(self._issue(deadline))
            except AuthenticationFailed as fault:
                self._refused = fault
                raise

    @contextmanager
    def _alone(self, deadline: Deadline) -> Iterator[None]:
        """The lock of renewals, without a wait that nothing can end."""
        while not self._renewing.acquire(timeout=POLL):
            self._waiting.check("a renewal of the token")
            if deadline.left(self._waiting.clock()) <= 0:
                raise deadline.missed("a renewal of the token", "it waited for another worker's login")
        try:
            yield
        finally:
            self._renewing.release()

    def _is_due(self) -> bool:
        return self._due is not None and self._waiting.clock() >= self._due and self.renews

    def _renew_early(self, deadline: Deadline) -> None:
        """The old token still works: a failure here is nobody's, and is told when a 401 comes."""
        self._due = None
        try:
            self._take(self._issue(deadline))
        except AuthenticationFailed as fault:
            self._refused = fault
        except Unreachable:
            return

    def _take(self, issued: _Issued) -> None:
        self._redactor.learn(issued.token, issued.refresh)
        self._token, self._is_proved = issued.token, False
        self.user = issued.user or self.user
        self._refresh = issued.refresh if self._refresh is not None and issued.refresh else self._refresh
        self._plan_renewal(issued.life)

    def _plan_renewal(self, life: float | None) -> None:
        self._due = None if life is None else self._waiting.clock() + life - min(MARGIN, life / 5)

    def _issue(self, deadline: Deadline) -> _Issued:
        """A new token: by the refresh token while it is good, else by the login."""
        refresh, login = self._refresh, self._identity.login
        fault: AuthenticationFailed | None = None
        if refresh is not None:
            found = self._refreshed(refresh, deadline)
            if isinstance(found, _Issued):
                return found
            self._refresh, fault = None, found
        if login is None:
            raise fault or AuthenticationFailed("no way to renew the token", "", "", "set FB_EMAIL and FB_PASSWORD")
        body = {"email": login.email, "password": login.password.reveal()}
        asked = Asked("POST", "/user/login", body, repeats_when_lost=True, is_public=True)
        answer = self._ask(asked, deadline)
        return self._issued(answer) or self._not_logged_in(answer)

    def _refreshed(self, refresh: Secret, deadline: Deadline) -> _Issued | AuthenticationFailed:
        """Sent once: a lost answer may have held the new refresh token, and the old one is then a used one."""
        # the docs name the field refreshToken, the vendor's client sends refresh_token: both
        body = {"refreshToken": refresh.reveal(), "refresh_token": refresh.reveal()}
        asked = Asked("POST", "/user/refresh", body, is_public=True)
        renew = "log in again for a new refresh token, or set FB_EMAIL and FB_PASSWORD of a machine user"
        try:
            answer = self._ask(asked, deadline)
        except Ambiguous as fault:
            return _refresh_lost(asked.call, fault.why, renew)
        issued = self._issued(answer)
        if issued is not None:
            return issued
        why = reason_of(answer, self._redactor.masked)
        if answer.status >= 500 or 300 <= answer.status < 400 or not answer.is_failure:
            return _refresh_lost(asked.call, f"status {answer.status}", renew)
        return AuthenticationFailed("the refresh token was refused", asked.call, f"{answer.status} {why}", renew)

    def _issued(self, answer: Answer) -> _Issued | None:
        """What a login or refresh gave out; None when it gave out nothing. Raises on a limited token."""
        found = answer.body if isinstance(answer.body, dict) else {}
        if answer.asks_for_mfa or is_limited(found):
            raise limited("POST /user/login")
        token = _text(found, "accessToken", "access_token", "token")
        if answer.is_failure or token is None or not may_be_token(token):
            return None
        if is_limited(claims_of(Secret(token))):
            raise limited("POST /user/login")
        refresh = _text(found, "refreshToken", "refresh_token")
        life = life_of(Secret(token), found.get("expiresAt"), self._now())
        user = found.get("user")
        return _Issued(
            Secret(token), user if isinstance(user, dict) else {}, Secret(refresh) if refresh else None, life
        )

    def _not_logged_in(self, answer: Answer) -> _Issued:
        raise AuthenticationFailed(
            "the login was refused",
            "POST /user/login",
            f"{answer.status} {reason_of(answer, self._redactor.masked)}",
            "check FB_EMAIL and FB_PASSWORD; an account with multi-factor login cannot be used by automation",
        )


def fresh_refused(call: str) -> AuthenticationFailed:
    """The error of a 401 to a token that was issued a moment ago: another login would not help."""
    return AuthenticationFailed(
        "the API does not accept the token that it has just issued",
        call,
        "a second 401 after a fresh login",
        "check with `fbplan whoami` whether this user may use this organisation; its clock may be wrong too",
    )


def _refresh_lost(call: str, why: str, step: str) -> AuthenticationFailed:
    return AuthenticationFailed(
        "the answer to the token refresh was lost",
        call,
        f"{why}; the refresh token may have been replaced by one that never arrived",
        step,
    )


def _again(fault: AuthenticationFailed) -> AuthenticationFailed:
    """The same error for another worker: one exception raised in two threads mixes up its tracebacks."""
    return AuthenticationFailed(fault.what, fault.where, fault.why, fault.next)


def _text(found: Mapping[str, Any], *names: str) -> str | None:
    return next((found[n] for n in names if isinstance(found.get(n), str) and found[n]), None)
