"""The Bridge Node over HTTP, on threads of its own.

Not by waitress, which serves the management API: it changes the case of header names, and boto3 would read other
metadata than was written; it never answers an empty body announced with `Expect: 100-continue`, which boto3 sends; and
it takes in a whole body before the application may refuse it or cut it.
"""

from __future__ import annotations

import socket
import socketserver
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING
from urllib.parse import unquote_to_bytes

from typing_extensions import override

from fbplan.emulator.bridge.app import Bridge
from fbplan.emulator.bridge.bodies import Body
from fbplan.emulator.bridge.node_request import HEADERS
from fbplan.emulator.server import listening, url_of

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

IDLE = 300  # seconds after which a silent connection is closed
POLL = 0.05  # seconds until the node notices that it should stop
PATIENCE = 5  # seconds that requests in flight have when the node stops


@contextmanager
def serving(bridge: Bridge, host: str = "127.0.0.1", port: int = 0) -> Iterator[str]:
    """Serve for the length of the block; the value is the base URL. Port 0 takes a free one. Raises FbplanError."""
    server = _Server(bridge, listening(host, port))
    loop = threading.Thread(target=server.serve_forever, args=(POLL,), name="bridge", daemon=True)
    loop.start()
    bridge.url = url_of(host, server.socket.getsockname()[1])
    try:
        yield bridge.url
    finally:
        if not sys.is_finalizing():  # then the loop is gone already, and waiting for it would never end
            server.shutdown()
            loop.join()
            server.stop()


class _Server(socketserver.BaseServer):
    """A thread per connection, so that a delayed answer holds up nobody else."""

    def __init__(self, bridge: Bridge, listener: socket.socket) -> None:
        super().__init__(listener.getsockname(), _Handler)
        self.bridge, self.socket = bridge, listener
        self._connections: dict[threading.Thread, socket.socket] = {}
        self._lock = threading.Lock()

    def fileno(self) -> int:
        return self.socket.fileno()

    @override
    def get_request(self) -> tuple[socket.socket, object]:
        return self.socket.accept()

    @override
    def process_request(self, request: socket.socket, client_address: object) -> None:  # type: ignore[override]
        thread = threading.Thread(target=self._attend, args=(request, client_address), daemon=True)
        with self._lock:
            self._connections[thread] = request
        thread.start()

    def _attend(self, connection: socket.socket, client_address: object) -> None:
        try:
            # A client that goes away in the middle is nobody's news.
            with connection, suppress(OSError):
                self.finish_request(connection, client_address)
                connection.shutdown(socket.SHUT_RDWR)
        finally:
            with self._lock:
                self._connections.pop(threading.current_thread(), None)

    def stop(self) -> None:
        """Close the listening socket and every connection."""
        self.socket.close()
        with self._lock:
            left = dict(self._connections)
        for connection in left.values():
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in left:
            thread.join(PATIENCE)


class _Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    timeout = IDLE
    server: _Server

    @override
    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: the node has a log of its own."""

    @override
    def handle_expect_100(self) -> bool:
        return True  # said by the body, when somebody reads it

    def _serve(self) -> None:
        body = Body(self.headers, self.rfile, self.wfile)
        started: list[tuple[str, list[tuple[str, str]]]] = []

        def start_response(line: str, headers: list[tuple[str, str]], _fault: object = None) -> object:
            started.append((line, headers))
            return None

        try:
            pieces = self.server.bridge(self._environ(body), start_response)  # type: ignore[arg-type]  # nobody uses write()
        except ConnectionResetError:
            self.close_connection = True
            return
        line, headers = started[0]
        if not body.drained():  # whatever else comes is not a request
            self.close_connection = True
            headers.append(("Connection", "close"))
        head = "".join(f"{name}: {value}\r\n" for name, value in (*headers, ("Date", self.date_time_string())))
        try:
            self.wfile.write(f"HTTP/1.1 {line}\r\n{head}\r\n".encode("latin-1"))
            for piece in pieces:
                self.wfile.write(piece)
        finally:
            if hasattr(pieces, "close"):
                pieces.close()

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = do_PATCH = do_OPTIONS = _serve  # noqa: N815 -- the names that http.server calls

    def _environ(self, body: Body) -> WSGIEnvironment:
        path, _, query = self.path.partition("?")
        environ: WSGIEnvironment = {
            "REQUEST_METHOD": self.command,
            "REQUEST_URI": self.path,
            "PATH_INFO": unquote_to_bytes(path).decode("latin-1"),
            "QUERY_STRING": query,
            "SERVER_PROTOCOL": self.request_version,
            "wsgi.input": body,
        }
        headers: dict[str, str] = {}
        for name, value in self.headers.items():
            folded = name.lower()
            headers[folded] = f"{headers[folded]},{value}" if folded in headers else value
        environ[HEADERS] = headers
        for name, value in headers.items():
            variable = name.upper().replace("-", "_")
            known = variable if variable in {"CONTENT_TYPE", "CONTENT_LENGTH"} else f"HTTP_{variable}"
            environ[known] = value
        return environ
