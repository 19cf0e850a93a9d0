"""A request of an S3 client, taken out of the WSGI environment: path style, everything decoded once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING
from urllib.parse import parse_qsl, unquote_to_bytes

from fbplan.emulator.bridge.refusals import Refusal

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

LONGEST_KEY = 1024


@dataclass(frozen=True, slots=True)
class S3Request:
    """Header names are in lower case. `pairs` is the query in its order, for the signature."""

    method: str
    path: str
    pairs: tuple[tuple[str, str], ...]
    headers: Mapping[str, str]
    body: IO[bytes]

    @property
    def query(self) -> Mapping[str, str]:
        return dict(self.pairs)

    @property
    def bucket(self) -> str:
        return self.path[1:].partition("/")[0]

    @property
    def key(self) -> str:
        return self.path[1:].partition("/")[2]

    def header(self, name: str) -> str:
        return self.headers.get(name, "")

    @property
    def length(self) -> int:
        """The announced length of the object in the body, without the framing of aws-chunked. Raises Refusal."""
        text = self.header("x-amz-decoded-content-length") or self.header("content-length")
        if not text:
            raise Refusal("MissingContentLength", "You must provide the Content-Length HTTP header.")
        if not (text.isascii() and text.isdigit() and len(text) < 16):
            raise Refusal("InvalidArgument", "The length is not a number.")
        return int(text)


def request_of(environ: WSGIEnvironment) -> S3Request:
    """Read a request. Raises Refusal for a path or query that is not UTF-8."""
    headers = {name[5:].replace("_", "-").lower(): value for name, value in environ.items() if name.startswith("HTTP_")}
    for name in ("CONTENT_TYPE", "CONTENT_LENGTH"):
        if environ.get(name):
            headers[name.replace("_", "-").lower()] = environ[name]
    try:
        path = _path(environ)
        pairs = tuple(parse_qsl(environ.get("QUERY_STRING", ""), keep_blank_values=True, errors="strict"))
    except (UnicodeDecodeError, ValueError):
        raise Refusal("InvalidURI", "Couldn't parse the specified URI.") from None
    if len(path[1:].partition("/")[2].encode()) > LONGEST_KEY:
        raise Refusal("KeyTooLongError", "Your key is too long.")
    return S3Request(environ["REQUEST_METHOD"], path, pairs, headers, environ["wsgi.input"])


def _path(environ: WSGIEnvironment) -> str:
    # The raw path, where the server gives it: PATH_INFO of some servers has lost slashes.
    raw = environ.get("REQUEST_URI", "")
    if raw.startswith("/"):
        return unquote_to_bytes(raw.partition("?")[0]).decode("utf-8")
    return str(environ.get("PATH_INFO", "")).encode("latin-1").decode("utf-8") or "/"
