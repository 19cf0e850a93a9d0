"""The emulator over HTTP."""

from __future__ import annotations

import logging
import signal
import socket
import threading
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, NoReturn

from fbplan.emulator.app import Emulator
from fbplan.errors import FbplanError

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

THREADS = 8


def serve(
    emulator: Emulator, host: str, port: int, on_ready: Callable[[str], None], bridge_port: int | None = None
) -> None:
    """Serve until SIGINT or SIGTERM. Port 0 takes a free one; `on_ready` receives the base URL. Raises FbplanError.

    With `bridge_port` a Bridge Node listens there; its URL is `emulator.bridge.url` by the time of `on_ready`.
    """
    if bridge_port is None:
        _serve(emulator, host, port, on_ready)
        return
    from fbplan.emulator.bridge import Bridge, serving

    with serving(Bridge(emulator), host, bridge_port):
        _serve(emulator, host, port, on_ready)


def _serve(emulator: Emulator, host: str, port: int, on_ready: Callable[[str], None]) -> None:
    import waitress.server

    logging.getLogger("waitress.queue").setLevel(logging.ERROR)  # a queue is no news in a server that delays on purpose
    server = waitress.server.create_server(
        cutting(emulator),
        sockets=[listening(host, port)],
        threads=THREADS,
        connection_limit=1000,
        ident="fbplan-emulator",
    )
    restored = _stop_on_sigterm()
    try:
        on_ready(url_of(host, server.effective_port))
        server.run()
    except KeyboardInterrupt:
        pass
    finally:
        restored()
        server.close()


def cutting(application: WSGIApplication) -> WSGIApplication:
    """An application whose ConnectionResetError closes the client's connection."""
    from waitress.channel import ClientDisconnected

    def cut(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        try:
            return application(environ, start_response)
        except ConnectionResetError:
            # The one exception on which waitress closes the socket without writing anything.
            raise ClientDisconnected from None

    return cut


def url_of(host: str, port: int) -> str:
    return f"http://{host if ':' not in host else f'[{host}]'}:{port}"


def listening(host: str, port: int) -> socket.socket:
    """A listening socket. Raises FbplanError."""
    try:
        return socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except (OSError, OverflowError) as fault:
        raise FbplanError(
            what=f"port {port} cannot be opened",
            where=host,
            why=str(fault),
            next="take another port; 0 picks a free one",
        ) from fault


def _stop_on_sigterm() -> Callable[[], object]:
    """Make SIGTERM stop the server as SIGINT does; returns what undoes it. Only the main thread may."""
    if threading.current_thread() is not threading.main_thread():
        return lambda: None

    def stop(_number: int, _frame: object) -> NoReturn:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, stop)
    return lambda: signal.signal(signal.SIGTERM, before)
