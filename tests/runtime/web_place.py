"""A tiny web server with one file per path, which can be told to misbehave."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, HTTPServer
from socketserver import TCPServer, ThreadingMixIn


class _Server(ThreadingMixIn, HTTPServer):
    daemon_threads = True
    block_on_close = False
    server_bind = TCPServer.server_bind  # HTTPServer's asks for the name of the machine


class Web:
    """`bad` maps a path to what happens there: a status, `cut`, `garbage`, `hang`, `drip` or `moved`."""

    def __init__(self, tls: Callable | None = None) -> None:
        self.files: dict[str, bytes] = {}
        self.bad: dict[str, str] = {}
        self.has_tags = self.heeds_tags = True
        self.answers: list[tuple[str, int]] = []
        self.let_go = threading.Event()
        self.asked = threading.Condition()
        self._server = _Server(("127.0.0.1", 0), self._handler())
        if tls is not None:
            self._server.socket = tls(self._server.socket)
        self.url = f"{'http' if tls is None else 'https'}://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=lambda: self._server.serve_forever(0.01), daemon=True).start()

    def close(self) -> None:
        self.let_go.set()
        self._server.shutdown()
        self._server.server_close()

    def wait_for(self, requests: int) -> None:
        """Until so many more are being answered, one after another."""
        with self.asked:
            wanted = len(self.answers) + requests
            assert self.asked.wait_for(lambda: len(self.answers) >= wanted, 20)

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        web = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                path = self.path.partition("?")[0]
                web.serve(self, path, web.bad.get(path, ""))

            def log_message(self, *_: object) -> None:
                pass

        return Handler

    def serve(self, handler: BaseHTTPRequestHandler, path: str, bad: str) -> None:
        content = self.files.get(path, b"")
        tag = f'"{hashlib.sha256(content).hexdigest()}"'
        if bad == "hang":
            self.let_go.wait(20)
        if bad == "garbage":
            handler.wfile.write(b"\x00\x01\x02 no HTTP\r\n\r\n")
            return
        status = int(bad) if bad.isdigit() else 302 if bad == "moved" else 200 if path in self.files else 404
        if status == 200 and self.has_tags and self.heeds_tags and handler.headers["If-None-Match"] == tag:
            status = 304
        with self.asked:  # before it is sent: whoever has the answer finds it here
            self.answers.append((path, status))
            self.asked.notify_all()
        handler.send_response(status)
        handler.send_header("Location", "http://127.0.0.1:9/secret") if bad == "moved" else None
        if self.has_tags and status == 200:
            handler.send_header("ETag", tag)
        handler.send_header("Content-Length", str(len(content) if status == 200 else 0))
        handler.end_headers()
        if status == 200:
            self._body(handler, content, bad)

    def _body(self, handler: BaseHTTPRequestHandler, content: bytes, bad: str) -> None:
        if bad == "drip":  # each piece comes in time, the whole does not
            for n in range(len(content)):
                handler.wfile.write(content[n : n + 1])
                if self.let_go.wait(0.02):
                    return
        else:
            handler.wfile.write(content[:-20] if bad == "cut" else content)
