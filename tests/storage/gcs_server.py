"""A server of the part of Google Cloud Storage's XML API that a ledger needs, with the preconditions that it documents.

The emulators that run here without a network ignore `x-goog-if-generation-match`, which everything rests on.
Source: cloud.google.com/storage/docs/xml-api (reference-headers, put-object, get-bucket-list) and
cloud.google.com/storage/docs/request-preconditions.
"""

from __future__ import annotations

import email.utils
import hashlib
import itertools
import json
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs
from xml.sax.saxutils import escape

MADE = 1_790_000_000


@dataclass(frozen=True)
class Thing:
    content: bytes
    generation: int

    @property
    def headers(self) -> list[tuple[str, str]]:
        return [
            ("etag", f'"{hashlib.sha256(self.content).hexdigest()}"'),
            ("x-goog-generation", str(self.generation)),
            ("x-goog-metageneration", "1"),
            ("last-modified", email.utils.formatdate(MADE, usegmt=True)),
        ]


class Gcs:
    """One bucket, `acme`. Every write gets a generation of its own."""

    def __init__(self) -> None:
        from werkzeug.serving import make_server

        self.objects: dict[str, Thing] = {}
        self.ignores_conditions = False
        self._generations = itertools.count(1_700_000_000_000_001)
        self._turn = threading.Lock()
        self._server = make_server("127.0.0.1", 0, self._answer, threaded=True)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def environ(self) -> dict[str, str]:
        nobody = {"client_email": "", "private_key": "", "private_key_id": ""}
        account = {"gcs_base_url": self.url, "disable_oauth": True, **nobody}
        return {"GOOGLE_BASE_URL": self.url, "GOOGLE_SERVICE_ACCOUNT_KEY": json.dumps(account)}

    def _answer(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        bucket, _, key = environ["PATH_INFO"].lstrip("/").partition("/")
        content = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        with self._turn:
            status, headers, body = self._done(bucket, key, content, environ)
        start_response(status, [*headers, ("content-length", str(len(body)))])
        return [b"" if environ["REQUEST_METHOD"] == "HEAD" else body]

    def _done(
        self, bucket: str, key: str, content: bytes, environ: dict[str, Any]
    ) -> tuple[str, list[tuple[str, str]], bytes]:
        if bucket != "acme":
            return _error("404 Not Found", "NoSuchBucket", "The specified bucket does not exist.")
        there, method = self.objects.get(key), environ["REQUEST_METHOD"]
        if not key and method == "GET":
            return "200 OK", [("content-type", "application/xml")], self._listing(parse_qs(environ["QUERY_STRING"]))
        if method == "PUT":
            wanted = None if self.ignores_conditions else environ.get("HTTP_X_GOOG_IF_GENERATION_MATCH")
            if wanted is not None and int(wanted) != (there.generation if there is not None else 0):
                told = "At least one of the pre-conditions you specified did not hold."
                return _error("412 Precondition Failed", "PreconditionFailed", told)
            made = self.objects[key] = Thing(content, next(self._generations))
            return "200 OK", made.headers, b""
        if there is None:
            return _error("404 Not Found", "NoSuchKey", "The specified key does not exist.")
        if method == "DELETE":
            del self.objects[key]
            return "204 No Content", [], b""
        return "200 OK", there.headers, there.content

    def _listing(self, asked: dict[str, list[str]]) -> bytes:
        prefix, delimiter = asked.get("prefix", [""])[0], asked.get("delimiter", [""])[0]
        rows, folders = [], set()
        for key, thing in sorted(self.objects.items()):
            rest = key.removeprefix(prefix)
            if not key.startswith(prefix):
                continue
            if delimiter and delimiter in rest:
                folders.add(prefix + rest.partition(delimiter)[0] + delimiter)
                continue
            rows.append(
                f"<Contents><Key>{escape(key)}</Key><Generation>{thing.generation}</Generation>"
                f"<LastModified>2026-09-21T14:13:20.000Z</LastModified><ETag>&quot;x&quot;</ETag>"
                f"<Size>{len(thing.content)}</Size></Contents>"
            )
        rows += [f"<CommonPrefixes><Prefix>{escape(folder)}</Prefix></CommonPrefixes>" for folder in sorted(folders)]
        head = f"<Name>acme</Name><Prefix>{escape(prefix)}</Prefix><IsTruncated>false</IsTruncated>"
        return (
            f"<?xml version='1.0' encoding='UTF-8'?><ListBucketResult>{head}{''.join(rows)}</ListBucketResult>".encode()
        )


def _error(status: str, code: str, told: str) -> tuple[str, list[tuple[str, str]], bytes]:
    body = f"<?xml version='1.0' encoding='UTF-8'?><Error><Code>{code}</Code><Message>{told}</Message></Error>"
    return status, [("content-type", "application/xml")], body.encode()
