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
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

THREADS = 8


def serve(emulator: Emulator, host: str, port: int, on_ready: Callable[[str], None]) -> None:
    """Serve until SIGINT or SIGTERM. Port 0 takes a free one; `on_ready` receives the base URL. Raises FbplanError."""
    import waitress.server
    from waitress.channel import ClientDisconnected

    def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        try:
            return emulator(environ, start_response)
        except ConnectionResetError:
            # The one exception on which waitress closes the socket without writing anything.
            raise ClientDisconnected from None

    logging.getLogger("waitress.queue").setLevel(logging.ERROR)  # a queue is no news in a server that delays on purpose
    listening = _listening(host, port)
    server = waitress.server.create_server(
        application, sockets=[listening], threads=THREADS, connection_limit=1000, ident="fbplan-emulator"
    )
    restored = _stop_on_sigterm()
    try:
        on_ready(f"http://{host if ':' not in host else f'[{host}]'}:{server.effective_port}")
        server.run()
    except KeyboardInterrupt:
        pass
    finally:
        restored()
        server.close()


def _listening(host: str, port: int) -> socket.socket:
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
