"""Places to keep a ledger: a folder, obstore's memory, a real S3 server that can be told to misbehave, Azurite."""

from __future__ import annotations

import base64
import email.utils
import hashlib
import hmac
import os
import socket
import threading
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

from stand_ins import ACCOUNT, ACCOUNT_KEY

from fbplan.storage import Holder, Storage, open_storage
from fbplan.storage.base import Clock
from fbplan.storage.object_calls import Calls
from fbplan.storage.objects import Objects

CANARIES = {"AWS_ACCESS_KEY_ID": "CANARYKEYID0001", "AWS_SECRET_ACCESS_KEY": "canary-aws-secret-4f1d"}
EMPTY_LIST = (
    b'<?xml version="1.0"?><ListBucketResult><Name>acme</Name><IsTruncated>false</IsTruncated></ListBucketResult>'
)
DENIED = b"<?xml version='1.0'?><Error><Code>SignatureDoesNotMatch</Code><AWSAccessKeyId>CANARYKEYID0001</AWSAccessKeyId><StringToSign>canary-aws-secret-4f1d</StringToSign></Error>"


class S3:
    """moto behind a thin layer of bad luck: `script` is (method, part of the path, what happens), each used once."""

    def __init__(self) -> None:
        from moto.server import DomainDispatcherApplication, create_backend_app
        from werkzeug.serving import make_server

        self._app = DomainDispatcherApplication(create_backend_app)
        self._server = make_server("127.0.0.1", 0, self._answer, threaded=True)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self.script: list[tuple[str, str, str]] = []
        self.ignores_conditions = False
        self.calls: list[tuple[str, str]] = []
        self.hung, self.goes_on, self.stopped = threading.Event(), threading.Event(), threading.Event()
        self.goes_on.set()
        """Cleared, every request hangs, as those to a server that was stopped."""
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        urllib.request.urlopen(urllib.request.Request(f"{self.url}/acme", method="PUT")).close()

    def close(self) -> None:
        self.hung.set()
        self.goes_on.set()
        self._server.shutdown()
        self._server.server_close()

    def environ(self) -> dict[str, str]:
        return {"AWS_ENDPOINT_URL": self.url, "AWS_REGION": "us-east-1", **CANARIES}

    def _answer(self, environ: dict[str, Any], start_response: Any) -> Any:
        method, path = environ["REQUEST_METHOD"], environ["PATH_INFO"]
        if "list-type=2" in environ["QUERY_STRING"]:
            method = "LIST"
        self.calls.append((method, path.removeprefix("/acme/")))
        if self.ignores_conditions:
            environ.pop("HTTP_IF_MATCH", None)
            environ.pop("HTTP_IF_NONE_MATCH", None)
        self.goes_on.wait()
        what = self._due(method, path)
        if what.endswith("after"):
            list(self._app(environ, lambda *_: lambda _: None))
        match what.split("-")[0]:
            case "500":
                start_response("500 Internal Server Error", [("content-length", "0")])
                return [b""]
            case "cut":
                environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
                return [b""]
            case "denied":
                start_response("403 Forbidden", [("content-type", "application/xml")])
                return [DENIED]
            case "empty":
                start_response("200 OK", [("content-type", "application/xml")])
                return [EMPTY_LIST]
            case "hang":
                self.hung.wait(20)
            case "stops":
                self.goes_on.clear()
                self.stopped.set()
                self.goes_on.wait()
        return self._app(environ, start_response)

    def _due(self, method: str, path: str) -> str:
        for row in self.script:
            if row[0] == method and row[1] in path:
                self.script.remove(row)
                return row[2]
        return ""


AZURE = {"AZURE_STORAGE_ACCOUNT_NAME": ACCOUNT, "AZURE_STORAGE_ACCOUNT_KEY": ACCOUNT_KEY}


def make_container(url: str, name: str) -> None:
    """obstore makes no containers: one signed request (Shared Key, learn.microsoft.com, authorize-with-shared-key)."""
    account, date, version = AZURE["AZURE_STORAGE_ACCOUNT_NAME"], email.utils.formatdate(usegmt=True), "2021-12-02"
    text = (
        "PUT" + "\n" * 12 + f"x-ms-date:{date}\nx-ms-version:{version}\n/{account}/{account}/{name}\nrestype:container"
    )
    key = base64.b64decode(AZURE["AZURE_STORAGE_ACCOUNT_KEY"])
    signature = base64.b64encode(hmac.new(key, text.encode(), hashlib.sha256).digest()).decode()
    headers = {"x-ms-date": date, "x-ms-version": version, "authorization": f"SharedKey {account}:{signature}"}
    headers["content-length"] = "0"
    asked = urllib.request.Request(f"{url}/{name}?restype=container", headers=headers, method="PUT")
    urllib.request.urlopen(asked).close()


class Hands:
    """A clock that moves when somebody sleeps, and what may happen meanwhile."""

    def __init__(self) -> None:
        self.time = 1000.0
        self.slept: list[float] = []
        self.meanwhile: Callable[[], None] = lambda: None
        self.clock = Clock(lambda: self.time, self._sleep)

    def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.time += seconds
        self.meanwhile()


def opened(location: str, folder: Path, **environ: str) -> Storage:
    found = open_storage(location, folder, {**os.environ, "FBPLAN_STORAGE_TIMEOUT": "5", **environ})
    assert found is not None
    return found


def in_memory(seconds: float = 30.0, clock: Clock | None = None) -> Objects:
    from obstore.store import MemoryStore

    return Objects(Calls(MemoryStore(), "memory"), "memory", "team/ledger.json", seconds=seconds, clock=clock)


def holder(lease_id: str = "lease1", **more: Any) -> Holder:
    given = {"command": "fbplan apply", "run_url": "https://ci.example/run/9", "process": 4711, **more}
    return Holder(lease_id, "ada", "runner-7", since="2026-03-01T10:00:00Z", **given)


TWO_BUCKETS = """
version: 1
workspace: Production
ledger: {ledger}
credentials:
  main: {{provider: AWS, key: {{env: K2}}, secret: {{env: S2}}, region: eu}}
buckets:
  a: {{bucket: acme-a, storage_type: S3, region: r, credential: main}}
  b: {{bucket: acme-b, storage_type: S3, region: r, credential: main}}
"""
