"""A request of a client, taken out of the WSGI environment: everything decoded once, in no protocol's terms yet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import IO, TYPE_CHECKING
from urllib.parse import parse_qsl, quote, unquote_to_bytes

from fbplan.emulator.bridge.refusals import Refusal

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

LONGEST_KEY = 1024
HEADERS = "fbplan.headers"
"""Where the server leaves the headers as they came: the variables of WSGI no longer tell a_b from a-b."""


@dataclass(frozen=True, slots=True)
class NodeRequest:
    """Header names are in lower case. `pairs` is the query in its order, and `raw_path` the path as it was sent, for the
    signature. `bucket` and `key` are what the protocol says the path names, empty where it names none.
    """

    method: str
    path: str
    pairs: tuple[tuple[str, str], ...]
    headers: Mapping[str, str]
    body: IO[bytes]
    bucket: str = ""
    key: str = ""
    raw_path: str = ""

    @property
    def query(self) -> Mapping[str, str]:
        return dict(self.pairs)

    def at(self, bucket: str, key: str) -> NodeRequest:
        """The request about an object or, without a key, a bucket. Raises Refusal."""
        if len(key.encode()) > LONGEST_KEY:
            raise Refusal("KeyTooLongError", "Your key is too long.")
        return replace(self, bucket=bucket, key=key)

    def header(self, name: str) -> str:
        return self.headers.get(name, "")

    @property
    def is_endless(self) -> bool:
        """Whether the body comes in chunks without having said how long it is."""
        says = self.header("content-length") or self.header("x-amz-decoded-content-length")
        return not says and "chunked" in self.header("transfer-encoding").lower()

    @property
    def length(self) -> int:
        """The announced length of the object in the body, without the framing of aws-chunked. Raises Refusal."""
        text = self.header("x-amz-decoded-content-length") or self.header("content-length")
        if not text:
            raise Refusal("MissingContentLength", "You must provide the Content-Length HTTP header.")
        if not (text.isascii() and text.isdigit() and len(text) < 16):
            raise Refusal("InvalidArgument", "The length is not a number.")
        return int(text)


def request_of(environ: WSGIEnvironment) -> NodeRequest:
    """Read a request. Raises Refusal for a path or query that is not UTF-8."""
    headers = environ.get(HEADERS) or _headers(environ)
    try:
        raw_path, path = _paths(environ)
        pairs = tuple(parse_qsl(environ.get("QUERY_STRING", ""), keep_blank_values=True, errors="strict"))
    except (UnicodeDecodeError, ValueError):
        raise Refusal("InvalidURI", "Couldn't parse the specified URI.") from None
    return NodeRequest(environ["REQUEST_METHOD"], path, pairs, headers, environ["wsgi.input"], raw_path=raw_path)


def _headers(environ: WSGIEnvironment) -> dict[str, str]:
    headers = {name[5:].replace("_", "-").lower(): value for name, value in environ.items() if name.startswith("HTTP_")}
    for name in ("CONTENT_TYPE", "CONTENT_LENGTH"):
        if environ.get(name):
            headers[name.replace("_", "-").lower()] = environ[name]
    return headers


def _paths(environ: WSGIEnvironment) -> tuple[str, str]:
    # The raw path, where the server gives it: PATH_INFO of some servers has lost slashes.
    raw = environ.get("REQUEST_URI", "").partition("?")[0]
    if raw.startswith("/"):
        return raw, unquote_to_bytes(raw).decode("utf-8")
    path = str(environ.get("PATH_INFO", "")).encode("latin-1").decode("utf-8") or "/"
    return quote(path), path
