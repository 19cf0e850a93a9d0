"""What stands where a Bridge Node would: hands requests on to a cloud's stand-in, notes them, and fails as it is told."""

from __future__ import annotations

import base64
import http.client
import json
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple
from urllib.parse import parse_qs, unquote, urlsplit


class Seen(NamedTuple):
    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes


class Luck(NamedTuple):
    """What happens to the next `times` requests whose method and path it names: `status` without the cloud being asked,
    or the connection is cut, `before` the cloud is asked or `after`, or the answer is `late`, two seconds, if anybody waits.
    """

    method: str
    part: str
    status: int = 0
    code: str = ""
    cut: str = ""
    retry_after: str | None = None
    times: int = 1


class Front:
    """A server in front of `upstream`; its `url` has the same path."""

    def __init__(self, upstream: str) -> None:
        self.upstream = urlsplit(upstream)
        self.seen: list[Seen] = []
        self.luck: list[Luck] = []
        self._lock = threading.Lock()
        front = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_told: object) -> None:
                pass

            def handle_one_request(self) -> None:
                # not do_PUT and its like: one answer for every method
                self.raw_requestline = self.rfile.readline(65_537)
                if not self.raw_requestline or not self.parse_request():
                    self.close_connection = True
                    return
                front.answer(self)
                self.wfile.flush()

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        self.url = f"http://127.0.0.1:{self._server.server_port}{self.upstream.path}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def fail(self, method: str, part: str, **stated: Any) -> None:
        self.luck.append(Luck(method, part, **stated))

    def asked(self, method: str, part: str = "") -> list[Seen]:
        return [seen for seen in self.seen if seen.method == method and part in seen.path]

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        target = urlsplit(request.path)
        headers = {name.lower(): value for name, value in request.headers.items()}
        body = request.rfile.read(int(headers.get("content-length", 0)))
        query = {name: values[0] for name, values in parse_qs(target.query).items()}
        seen = Seen(request.command, unquote(target.path), query, headers, body)
        luck = self._due(seen)
        if luck is not None and luck.status:
            return _refuse(request, luck)
        if luck is not None and luck.cut == "late" and _is_given_up(request.connection):
            request.close_connection = True
            return None
        if luck is None or luck.cut != "before":
            answered = _token(seen) if seen.path == "/token" else self._handed_on(request, body)
        if luck is not None and luck.cut != "late":
            request.connection.shutdown(socket.SHUT_RDWR)
            request.close_connection = True
            return None
        return _send(request, *answered)

    def _due(self, seen: Seen) -> Luck | None:
        with self._lock:
            self.seen.append(seen)
            for place, luck in enumerate(self.luck):
                if luck.method == seen.method and luck.part in seen.path:
                    self.luck[place : place + 1] = [luck._replace(times=luck.times - 1)] if luck.times > 1 else []
                    return luck
        return None

    def _handed_on(self, request: BaseHTTPRequestHandler, body: bytes) -> tuple[int, dict[str, str], bytes]:
        upstream = http.client.HTTPConnection(self.upstream.hostname or "", self.upstream.port)
        try:
            upstream.request(request.command, request.path, body, dict(request.headers.items()))
            answer = upstream.getresponse()
            return answer.status, dict(answer.headers.items()), answer.read()
        finally:
            upstream.close()


def _is_given_up(connection: socket.socket) -> bool:
    connection.settimeout(2)
    try:
        return connection.recv(1) == b""
    except TimeoutError:
        return False
    finally:
        connection.settimeout(None)


def _token(seen: Seen) -> tuple[int, dict[str, str], bytes]:
    """A token that names the key by which it was asked for."""
    claims = parse_qs(seen.body.decode())["assertion"][0].split(".")[1]
    account = json.loads(base64.urlsafe_b64decode(claims + "=="))["iss"]
    told = {"access_token": f"token-of-{account}", "expires_in": 3600, "token_type": "Bearer"}
    return 200, {"content-type": "application/json"}, json.dumps(told).encode()


def _refuse(request: BaseHTTPRequestHandler, luck: Luck) -> None:
    headers = {} if luck.retry_after is None else {"retry-after": luck.retry_after}
    body = b""
    if luck.code and "x-ms-version" in request.headers:
        headers |= {"content-type": "application/xml"}
        body = f'<?xml version="1.0"?><Error><Code>{luck.code}</Code><Message>no</Message></Error>'.encode()
    elif luck.code:
        headers |= {"content-type": "application/json"}
        error = {"code": luck.status, "message": "no", "errors": [{"reason": luck.code, "domain": "global"}]}
        body = json.dumps({"error": error}).encode()
    _send(request, luck.status, headers, body)


def _send(request: BaseHTTPRequestHandler, status: int, headers: dict[str, str], body: bytes) -> None:
    request.send_response(status)
    dropped = {"connection", "keep-alive", "transfer-encoding", "date", "server"}
    if request.command != "HEAD":
        # to a HEAD the length is that of what a GET would bring
        dropped.add("content-length")
        request.send_header("Content-Length", str(len(body)))
    for name, value in headers.items():
        if name.lower() not in dropped:
            request.send_header(name, value)
    request.end_headers()
    request.wfile.write(body)
