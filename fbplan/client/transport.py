"""One request over HTTP, or into a WSGI application in this process. The only file that knows httpx."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from fbplan.client.deadline import Deadline, spoken
from fbplan.client.envelope import Answer, read_answer
from fbplan.client.settings import Settings
from fbplan.errors import Ambiguous, FbplanError
from fbplan.secrets import Secret

sys.modules.setdefault("httpx._main", None)  # type: ignore[arg-type]  # httpx then skips its own CLI: 40 ms less at start
import httpx  # noqa: E402

_PARSED = 64


@dataclass(frozen=True, slots=True)
class Asked:
    """One request, and what may be done with it."""

    method: str
    path: str
    body: Any = None
    params: Any = None
    is_slow: bool = False
    repeats_when_lost: bool = False
    """Whether it changes nothing, or the same twice: then it is repeated when its answer was lost."""
    is_public: bool = False
    """Sent without a token: a login or a refresh."""

    @property
    def call(self) -> str:
        """How errors name it; holds no secret."""
        return f"{self.method} {self.path}"


@dataclass(frozen=True, slots=True)
class NotSent:
    """A request that provably never left this machine, and why."""

    why: str


class Transport:
    """The pool of connections to one API."""

    def __init__(
        self, settings: Settings, app: Callable[..., Any] | None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._settings, self._clock = settings, clock
        self._parsed: dict[str, httpx.URL] = {}
        most = settings.concurrency + 1  # one more: a login goes out while every worker has a call in flight
        try:
            self._http = httpx.Client(
                base_url="http://emulator" if app is not None else settings.url,
                limits=httpx.Limits(max_connections=most, max_keepalive_connections=most),
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

    def close(self) -> None:
        self._http.close()

    def _url(self, asked: Asked) -> httpx.URL | str:
        """Where a create goes, parsed once: merging and parsing it again is a tenth of the cost of a call."""
        if asked.method != "POST":
            return asked.path
        if asked.path not in self._parsed and len(self._parsed) < _PARSED:
            self._parsed[asked.path] = self._http.build_request("POST", asked.path).url
        return self._parsed.get(asked.path, asked.path)

    def ask(self, asked: Asked, token: Secret | None, deadline: Deadline) -> Answer | NotSent:
        """Send once. Raises Ambiguous when it was sent and the answer, or the time to wait for it, was lost."""
        limits = self._settings.timeouts
        left = max(0.001, deadline.left(self._clock()))
        read = limits.create if asked.is_slow else limits.read
        timeout = httpx.Timeout(
            read=min(read, left),
            connect=min(limits.connect, left),
            write=min(limits.write, left),
            pool=min(limits.pool, left),
        )
        headers = {"authorization": f"Bearer {token.reveal()}"} if token is not None else {}
        try:
            with self._http.stream(
                asked.method,
                self._url(asked),
                params=asked.params,
                json=asked.body,
                headers=headers,
                timeout=timeout,
            ) as found:
                parts = []
                for part in found.iter_bytes():
                    parts.append(part)
                    if deadline.left(self._clock()) <= 0:  # an answer that trickles in never meets the read timeout
                        raise _lost(asked, f"it was still coming after {_spent(deadline)}")
                return read_answer(found.status_code, b"".join(parts), found.headers)
        except httpx.ConnectTimeout:
            return NotSent(f"no connection within {spoken(min(limits.connect, left))}")
        except httpx.PoolTimeout:
            return NotSent(f"no connection was free within {spoken(min(limits.pool, left))}")
        except httpx.ConnectError as fault:
            return NotSent(f"no connection: {fault}" if str(fault) else "no connection")
        except httpx.UnsupportedProtocol as fault:
            raise FbplanError(
                "the API address is not a URL",
                self._settings.url,
                "it needs http:// or https://",
                "set FB_API_URL like https://backend.flashback.tech",
            ) from fault
        except httpx.TimeoutException as fault:
            is_late = deadline.left(self._clock()) <= 0
            name, limit = ("create", limits.create) if asked.is_slow else ("read", limits.read)
            why = (
                f"no answer within {_spent(deadline)}" if is_late else f"silence for {spoken(limit)} (--timeout {name})"
            )
            raise _lost(asked, f"{type(fault).__name__}: {why}") from fault
        except (httpx.TransportError, httpx.DecodingError, OSError) as fault:
            raise _lost(asked, type(fault).__name__) from fault


def _spent(deadline: Deadline) -> str:
    return f"the {spoken(deadline.allowed)} that this {deadline.name} may take (--timeout {deadline.name})"


def _lost(asked: Asked, why: str) -> Ambiguous:
    return Ambiguous(
        "the connection broke before the answer came",
        asked.call,
        why,
        "the outcome is read back before anything is repeated",
    )
