"""HTTP, once: one pool of connections, one throttle, one place that retries and one that logs in.

Only what is safe is repeated: reads, and writes that provably never left (no connection) or were turned away (429).
A write whose answer was lost raises Ambiguous, and whoever planned it reads before doing anything else.
"""

from __future__ import annotations

import random
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Self

from fbplan.client.auth import Identity
from fbplan.client.envelope import Answer, fault_of, read_answer
from fbplan.client.throttle import Throttle, wait_asked
from fbplan.errors import Ambiguous, AuthenticationFailed, FbplanError, Unreachable
from fbplan.secrets import Secret

sys.modules.setdefault("httpx._main", None)  # type: ignore[arg-type]  # httpx then skips its own CLI: 40 ms less at start
import httpx  # noqa: E402

TRIES = 5


@dataclass(frozen=True, slots=True)
class Settings:
    """Where the API is and how patient to be. Times in seconds."""

    url: str
    concurrency: int = 8
    connect_timeout: float = 10.0
    read_timeout: float = 30.0
    create_timeout: float = 120.0
    """Creating a bucket checks its credentials at the provider first, which is slow."""


class Session:
    """A connection to one API as one user. Safe across threads; close it, or use it as a context manager."""

    def __init__(
        self,
        settings: Settings,
        identity: Identity,
        *,
        app: Callable[..., Any] | None = None,
        sleep: Callable[[float], None] = time.sleep,
        jitter: Callable[[], float] = random.random,
        now: Callable[[], float] = time.time,
        told: Callable[[str], None] = lambda _: None,
    ) -> None:
        """`app` is a WSGI application to call in process instead of the network; `told` hears what is waited for."""
        self.settings = settings
        self.throttle = Throttle(settings.concurrency)
        self._identity, self._token = identity, identity.token
        self._sleep, self._jitter, self._now, self._told = sleep, jitter, now, told
        self._renewing = threading.Lock()
        self._user: Mapping[str, Any] = {}
        timeout = httpx.Timeout(settings.read_timeout, connect=settings.connect_timeout)
        limits = httpx.Limits(max_connections=settings.concurrency, max_keepalive_connections=settings.concurrency)
        try:
            self._http = httpx.Client(
                base_url="http://emulator" if app is not None else settings.url,
                timeout=timeout,
                limits=limits,
                transport=httpx.WSGITransport(app=app) if app is not None else None,
                verify=not settings.url.startswith("http://"),  # loading the trust store costs 20 ms
                trust_env=app is None,
                headers={"accept": "application/json", "user-agent": "fbplan"},
            )
        except (httpx.InvalidURL, ValueError) as fault:
            raise FbplanError(
                "the API address is not a URL",
                settings.url,
                str(fault),
                "set FB_API_URL like https://backend.flashback.tech",
            ) from fault

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def close(self) -> None:
        self._http.close()

    @property
    def token(self) -> Secret | None:
        """The access token in use, after a login if one was needed."""
        return self._token

    def read(self, path: str, params: Mapping[str, str] | None = None, *, method: str = "GET", body: Any = None) -> Any:
        """The JSON body of a read; repeated while that can help. Raises Unreachable, AuthenticationFailed, ApiFault."""
        call = f"{method} {path}"
        for attempt in range(1, TRIES + 1):
            try:
                answer = self._send(method, path, params=params, body=body)
            except Ambiguous as fault:
                last: FbplanError = fault
            else:
                if not answer.is_failure and answer.is_json:
                    return answer.body
                last = fault_of(answer, call)
                if not isinstance(last, Ambiguous):
                    raise last
            if attempt < TRIES:
                self._wait(0.2 * 2**attempt, f"{call}: {last.what}")
        raise Unreachable(
            "the API does not answer as it should",
            f"{self.settings.url} ({call})",
            last.why or last.what,
            "check the address in FB_API_URL and try again",
        ) from last

    def remove(self, path: str) -> bool:
        """DELETE; False when the API knows no such object, or no such user: only a listing can tell which."""
        answer = self._send("DELETE", path)
        if answer.status == 404:
            return False
        if answer.is_failure or not (answer.is_json or answer.is_empty):
            raise fault_of(answer, f"DELETE {path}")
        return True

    def write(self, method: str, path: str, body: Any = None, *, is_slow: bool = False) -> Any:
        """The JSON body of a write (None when empty). Raises Ambiguous when the outcome is unknown."""
        timeout = self.settings.create_timeout if is_slow else None
        answer = self._send(method, path, body=body, timeout=timeout)
        if answer.status < 400 and not answer.is_failure and (answer.is_json or answer.is_empty):
            return answer.body
        raise fault_of(answer, f"{method} {path}")

    def _send(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        body: Any = None,
        timeout: float | None = None,
    ) -> Answer:
        """One request until it is answered by something else than "slow down" or "log in again"."""
        has_renewed = False
        for attempt in range(1, TRIES + 1):
            token = self._token_or_login()
            with self.throttle.slot():
                answer = self._once(method, path, params, body, timeout, token)
            if answer is None:
                if attempt == TRIES:
                    break
                self._wait(0.2 * 2**attempt, f"{self.settings.url} refuses connections")
                continue
            if answer.status == 401 and self._identity.login is not None and not has_renewed:
                has_renewed = True
                self._renew(token)
                continue
            if answer.status == 429 and not answer.is_quota and attempt < TRIES:
                seconds = wait_asked(answer.retry_after, 0.5 * 2**attempt * (0.5 + self._jitter()), self._now())
                self.throttle.slow_down(seconds)
                self._wait_exactly(seconds, "the API asked to slow down")
                continue
            if answer.status == 429 and not answer.is_quota:
                break
            self.throttle.went_well()
            return answer
        if answer is None:
            raise Unreachable(
                "the API cannot be reached",
                self.settings.url,
                "no connection",
                "check the address in FB_API_URL and the network, then run the same command again",
            )
        raise Unreachable(
            "the API keeps asking to slow down",
            f"{method} {path}",
            f"{TRIES} tries were turned away with status 429",
            "wait a minute and run the same command again, or lower --concurrency",
        )

    def _once(
        self,
        method: str,
        path: str,
        params: Mapping[str, str] | None,
        body: Any,
        timeout: float | None,
        token: Secret | None,
    ) -> Answer | None:
        """One request; None when it provably never left this machine."""
        headers = {"authorization": f"Bearer {token.reveal()}"} if token is not None else {}
        extra: dict[str, Any] = {"timeout": timeout} if timeout is not None else {}
        try:
            found = self._http.request(method, path, params=params, json=body, headers=headers, **extra)
            return read_answer(found.status_code, found.content, found.headers.get("retry-after"))
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout):
            return None
        except httpx.UnsupportedProtocol as fault:
            raise FbplanError(
                "the API address is not a URL",
                self.settings.url,
                "it needs http:// or https://",
                "set FB_API_URL like https://backend.flashback.tech",
            ) from fault
        except (httpx.TransportError, httpx.DecodingError, OSError) as fault:
            raise Ambiguous(
                "the connection broke before the answer came",
                f"{method} {path}",
                type(fault).__name__,
                "the outcome is read back before anything is repeated",
            ) from fault

    def _token_or_login(self) -> Secret | None:
        if self._token is None and self._identity.login is not None:
            self._renew(None)
        return self._token

    def _renew(self, used: Secret | None) -> None:
        """Log in, once for all workers: whoever comes second finds the new token."""
        login = self._identity.login
        with self._renewing:
            if login is None or self._token is not used:
                return
            answer = self._once(
                "POST", "/user/login", None, {"email": login.email, "password": login.password.reveal()}, None, None
            )
            if answer is None:
                raise Unreachable(
                    "the API cannot be reached",
                    self.settings.url,
                    "no connection",
                    "check the address in FB_API_URL and the network",
                )
            found = answer.body if isinstance(answer.body, dict) else {}
            token = found.get("accessToken") or found.get("access_token") or found.get("token")
            if answer.is_failure or not isinstance(token, str):
                raise AuthenticationFailed(
                    "the login was refused",
                    "POST /user/login",
                    f"{answer.status} {answer.code}".strip(),
                    "check FB_EMAIL and FB_PASSWORD; an account with multi-factor login cannot be used by automation",
                )
            self._user = found.get("user") or {}
            self._token = Secret(token)

    @property
    def user(self) -> Mapping[str, Any]:
        """What the login said about the user; empty with a token from the environment."""
        return self._user

    def pause(self, seconds: float, why: str) -> None:
        """Wait for something that only time can bring; a longer wait is told."""
        self._wait_exactly(seconds, why)

    def _wait(self, seconds: float, why: str) -> None:
        self._wait_exactly(seconds * (0.5 + self._jitter()), why)

    def _wait_exactly(self, seconds: float, why: str) -> None:
        if seconds >= 1:
            self._told(f"waiting {seconds:.0f} s: {why}")
        self._sleep(seconds)
