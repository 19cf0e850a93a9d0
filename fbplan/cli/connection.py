"""How a command reaches the API: over HTTP, or an emulator in this process."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from fbplan.cli.options import given_timeouts
from fbplan.cli.timeouts import timeouts_from
from fbplan.client.auth import Identity, Login, identity_from
from fbplan.client.session import Session
from fbplan.client.settings import Settings, Timeouts
from fbplan.errors import AuthenticationFailed, UsageFault
from fbplan.secrets import Secret

DEFAULT_URL = "https://backend.flashback.tech"
EMULATOR = "emulator:"


@contextlib.contextmanager
def connected(
    url: str | None,
    environ: Mapping[str, str],
    told: Callable[[str], None],
    concurrency: int = 8,
    *,
    stopped: Callable[[], bool] = lambda: False,
    sleep: Callable[[float], None] = time.sleep,
    patience: Timeouts | None = None,
) -> Iterator[Session]:
    """A session with the API at `url` (else FB_API_URL, else the public one). Raises AuthenticationFailed early.

    `patience` is what holds where the user says nothing. Once `stopped` says so, calls that wait end in Interrupted; a `sleep` that returns early then makes it at once.
    """
    given = url if url is not None else environ.get("FB_API_URL")
    if given is not None and not given.strip():
        raise UsageFault(
            "FB_API_URL is set and empty",
            "",
            "it is not taken to mean the public API",
            "unset it, or give it the address",
        )
    target = (given or DEFAULT_URL).rstrip("/")
    require_plain(target)
    settings = Settings(target, concurrency, timeouts_from(given_timeouts(), environ, patience))
    identity = identity_from(environ)
    if target.startswith(EMULATOR):
        from fbplan.emulator import open_emulator

        app = open_emulator(Path(target.removeprefix(EMULATOR) or "."))
        try:
            with Session(settings, _someone(identity), app=app, told=told, stopped=stopped, sleep=sleep) as session:
                yield session
        finally:
            app.close()
        return
    if identity.is_nobody:
        raise AuthenticationFailed(
            "no token for the API",
            target,
            "FB_JWT is not set",
            "set FB_JWT or FB_JWT_FILE; automation sets FB_EMAIL and FB_PASSWORD. To try it without an account: fbplan demo",
        )
    with Session(settings, identity, told=told, stopped=stopped, sleep=sleep) as session:
        yield session


def require_plain(address: str) -> None:
    """An address of the API holds no name and no password, wherever in it. Raises UsageFault, which quotes nothing."""
    if "@" in address and not address.startswith(EMULATOR):
        raise UsageFault(
            "the API address holds a name or a password",
            "",
            "it would stand in messages and process lists",
            "take it out; fbplan takes FB_EMAIL and FB_PASSWORD, or FB_JWT",
        )


def _someone(identity: Identity) -> Identity:
    """The embedded emulator takes any token; asking a newcomer for one would only be in the way."""
    return Identity(None, Login("you@emulator.example", Secret("emulator"))) if identity.is_nobody else identity
