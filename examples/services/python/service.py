"""A service that keeps notes: PUT /NAME stores one and answers with its reference, GET /REFERENCE reads it.

python3 python/service.py PORT, in the folder of routing-policy.json
"""

import signal
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from fbplan.runtime import AlreadyExists, NotFound, ReadOnly, Router, RoutingError, why

STATUS = {ReadOnly: 503, AlreadyExists: 409, NotFound: 404}


class Moves:
    """Tells on stderr when writes go to another bucket, and why."""

    def __init__(self) -> None:
        self.bucket: str | None = None

    def __call__(self, record: Mapping[str, Any]) -> None:
        if record["outcome"] != "stored":
            return
        before, self.bucket = self.bucket, record["bucket"]
        if before not in {None, self.bucket}:
            print(f"moved from {before} to {self.bucket}:\n{why(record)}", end="", file=sys.stderr, flush=True)


class Notes(BaseHTTPRequestHandler):
    """One request. A reference consists of what a path may hold, so paths are taken as they come."""

    timeout = 10  # seconds without a byte, then the caller is left

    # The key comes from the file that the policy names, and is read again when that file changes.
    router = Router.from_file("routing-policy.json", on_record=Moves())

    def do_PUT(self) -> None:
        self.answer(lambda: (201, f"{self.router.put(self.name(), self.body()).reference}\n".encode()))

    def do_GET(self) -> None:
        self.answer(lambda: (200, self.router.get(self.name()).content.read()))

    def name(self) -> str:
        if self.path == "/":
            raise ValueError("which note?")
        return self.path[1:]

    def body(self) -> bytes:
        length = self.headers.get("Content-Length", "")
        body = self.rfile.read(int(length)) if length.isdecimal() else b""
        if str(len(body)) != length:
            raise ValueError("the request has no complete body")
        return body

    def answer(self, work: Callable[[], tuple[int, bytes]]) -> None:
        again = None
        try:
            status, text = work()
        except ValueError as fault:  # no reference, no name, no body
            status, text = 400, f"{fault}\n".encode()
        except RoutingError as fault:
            status, text = STATUS.get(type(fault), 502), f"{fault}\n".encode()
            again = fault.retry_at_ms if isinstance(fault, ReadOnly) else None
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        if again is not None:
            self.send_header("Retry-After", formatdate(again / 1000, usegmt=True))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *told: object) -> None:
        """Say nothing of a request that went well."""


def main() -> None:
    port = int(sys.argv[1])
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with ThreadingHTTPServer(("127.0.0.1", port), Notes) as server:
        server.daemon_threads = False  # at the end, what is under way is finished
        print(f"notes on http://127.0.0.1:{port}", flush=True)
        with suppress(KeyboardInterrupt):
            server.serve_forever()


if __name__ == "__main__":
    main()
