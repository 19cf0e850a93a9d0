"""A server that answers as a test says, and a clock that moves only when somebody sleeps."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Callable, Mapping
from http.client import responses
from typing import Any

from fbplan.client.auth import Identity
from fbplan.client.session import Session
from fbplan.client.settings import Settings, Timeouts
from fbplan.secrets import Secret

URL = "https://api.example"
Reply = tuple[int, Any] | tuple[int, Any, Mapping[str, str]]


class Clock:
    """Monotonic time that passes in `sleep` alone; the wall clock runs beside it and can be moved."""

    def __init__(self, now: float = 1_000.0, wall: float = 1_777_000_000.0) -> None:
        self.time, self.offset, self.slept = now, wall - now, list[float]()
        self._lock = threading.Lock()

    def __call__(self) -> float:
        return self.time

    def wall(self) -> float:
        return self.time + self.offset

    def sleep(self, seconds: float) -> None:
        with self._lock:
            self.slept.append(seconds)
            self.time += seconds

    @property
    def waited(self) -> float:
        return round(sum(self.slept), 3)


class Server:
    """A WSGI application. `answer(method, path, body, token)` gives status, JSON and headers; it may raise instead."""

    def __init__(self, answer: Callable[[str, str, Any, str], Reply]) -> None:
        self._answer, self._lock = answer, threading.Lock()
        self.requests: list[tuple[str, str, Any, str]] = []

    def __call__(self, environ: dict[str, Any], start_response: Any) -> list[bytes]:
        content = environ["wsgi.input"].read()
        token = environ.get("HTTP_AUTHORIZATION", "").removeprefix("Bearer ")
        asked = (
            environ["REQUEST_METHOD"], environ["PATH_INFO"], json.loads(content) if content else None, token
        )  # fmt: skip
        with self._lock:
            self.requests.append(asked)
        status, body, *more = self._answer(*asked)
        headers = [*(more[0].items() if more else ())]
        start_response(f"{status} {responses[status]}", [("content-type", "application/json"), *headers])
        return [body if isinstance(body, bytes) else json.dumps(body).encode()]

    def count(self, method: str, path: str) -> int:
        return sum(r[:2] == (method, path) for r in self.requests)


def session(app: Any, clock: Clock | None = None, **settings: Any) -> Session:
    """A session with `app`; `identity`, `told`, `stopped`, `sleep` and timeouts by name."""
    clock = clock or Clock()
    named = {name: settings.pop(name) for name in ("told", "stopped") if name in settings}
    identity = settings.pop("identity", Identity(Secret("token-1")))
    sleep, jitter = settings.pop("sleep", clock.sleep), settings.pop("jitter", lambda: 0.5)
    concurrency = settings.pop("concurrency", 8)
    return Session(
        Settings(URL, concurrency, Timeouts(**settings)),
        identity,
        app=app,
        sleep=sleep,
        jitter=jitter,
        now=clock.wall,
        clock=clock,
        **named,
    )


def in_threads(count: int, work: Callable[[], Any]) -> list[Any]:
    """What `work` returned or raised in each of `count` threads that start together."""
    barrier, found = threading.Barrier(count), list[Any]()

    def run() -> None:
        barrier.wait()
        try:
            found.append(work())
        except Exception as fault:  # noqa: BLE001 -- the test looks at it
            found.append(fault)

    threads = [threading.Thread(target=run) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive()
    return found


def jwt(**claims: Any) -> str:
    """A token that says so of itself."""
    head, body = ({"alg": "none"}, claims)
    parts = [base64.urlsafe_b64encode(json.dumps(p).encode()).rstrip(b"=").decode() for p in (head, body)]
    return ".".join((*parts, "signature"))
