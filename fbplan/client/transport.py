"""One request over HTTP, or into a WSGI application in this process. The only file that knows httpx."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

from fbplan.client.deadline import Deadline, spoken
from fbplan.client.envelope import Answer, read_answer
from fbplan.client.http import httpx
from fbplan.client.pool import address_of, connections, in_process, proxy_for
from fbplan.client.settings import Settings
from fbplan.errors import Ambiguous
from fbplan.secrets import Secret

_PARSED = 64
_JSON = (("content-type", "application/json"),)


@dataclass(frozen=True, slots=True)
class Asked:
    """One request, and what may be done with it."""

    method: str
    path: str
    body: Any = field(default=None, repr=False)
    """May hold secrets, so it is no part of what is shown."""
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
    """The pool of connections to one API.

    It speaks to the transport of httpx and not to its client: redirects are not followed, cookies not kept and the
    token is ours, so that what a client adds is a fifth of the cost of a call and nothing else.
    """

    def __init__(
        self, settings: Settings, app: Callable[..., Any] | None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._settings, self._clock = settings, clock
        self._parsed: dict[str, httpx.URL] = {}
        self._proxy: str | None = None
        if app is not None:
            self._base = httpx.URL("http://emulator")
            self._http: httpx.BaseTransport = in_process(app)
        else:
            self._base = address_of(settings)
            self._proxy = proxy_for(self._base)
            self._http = connections(settings, self._base, self._proxy)
        self._through = " through the proxy of the environment" if self._proxy else ""
        self._headers = (
            ("host", self._base.netloc.decode("ascii")),
            ("accept", "application/json"),
            ("accept-encoding", "gzip, deflate"),
            ("user-agent", "fbplan"),
        )

    def close(self) -> None:
        self._http.close()

    def _url(self, asked: Asked) -> httpx.URL:
        """Where it goes; that of a create is parsed once, for parsing is a tenth of the cost of a call."""
        if asked.method != "POST":
            return httpx.URL(f"{self._base}{asked.path}", params=asked.params)
        found = self._parsed.get(asked.path)  # looked up once: another worker may clear them meanwhile
        if found is None:
            if len(self._parsed) >= _PARSED:
                self._parsed.clear()
            found = self._parsed[asked.path] = httpx.URL(f"{self._base}{asked.path}")
        return found

    def ask(self, asked: Asked, token: Secret | None, deadline: Deadline) -> Answer | NotSent:
        """Send once. Raises Ambiguous when it was sent and the answer, or the time to wait for it, was lost."""
        limits = self._settings.timeouts
        left = max(0.001, deadline.left(self._clock()))
        read = limits.create if asked.is_slow else limits.read
        timeout = {
            "read": min(read, left),
            "connect": min(limits.connect, left),
            "write": min(limits.write, left),
            "pool": min(limits.pool, left),
        }
        bearer = () if token is None else (("authorization", f"Bearer {token.reveal()}"),)
        # ASCII: what the API itself wrote in halves of a letter goes back as it came, and is no error of ours
        content = None if asked.body is None else json.dumps(asked.body, separators=(",", ":")).encode("ascii")
        request = httpx.Request(
            asked.method,
            self._url(asked),
            headers=(*self._headers, *(() if content is None else _JSON), *bearer),
            content=content,
            extensions={"timeout": timeout},
        )
        try:
            with closing(self._http.handle_request(request)) as found:
                parts = []
                for part in found.iter_bytes():
                    parts.append(part)
                    if deadline.left(self._clock()) <= 0:  # an answer that trickles in never meets the read timeout
                        raise _lost(asked, f"it was still coming after {_spent(deadline)}")
                return read_answer(found.status_code, b"".join(parts), found.headers)
        except httpx.ConnectTimeout:
            return NotSent(f"no connection{self._through} within {spoken(min(limits.connect, left))}")
        except httpx.PoolTimeout:
            return NotSent(f"no connection was free within {spoken(min(limits.pool, left))}")
        except httpx.ConnectError as fault:
            return NotSent(f"no connection{self._through}: {fault}" if str(fault) else f"no connection{self._through}")
        except httpx.ProxyError as fault:
            return NotSent(f"no connection{self._through}: {fault}")
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
