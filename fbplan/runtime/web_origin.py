"""A file at an https URL, asked for by its ETag: most of the time the answer is that nothing changed."""

from __future__ import annotations

import ssl
import time
from http.client import HTTPException, HTTPResponse
from typing import IO
from urllib.error import HTTPError, URLError
from urllib.request import HTTPRedirectHandler, HTTPSHandler, ProxyHandler, Request, build_opener

from fbplan.runtime.accept import Pair
from fbplan.runtime.form import LIMIT
from fbplan.runtime.origin import Tell
from fbplan.runtime.remote import Seen, unreadable

_CHUNK = 65_536


class WebOrigin:
    """`label` has no query: a signed URL is as good as a password."""

    is_remote = True

    def __init__(self, url: str, timeout_s: float, *, is_here: bool) -> None:
        self.label = url.partition("?")[0]
        self._url, self._timeout_s = url, timeout_s
        # one context for all requests: each new one reads the certificates of the machine again
        handlers = [_Kept(), HTTPSHandler(context=ssl.create_default_context())]
        # no proxy leads to this machine itself
        self._opener = build_opener(*handlers, ProxyHandler({})) if is_here else build_opener(*handlers)
        self._seen = Seen()

    def read(self, held: Pair, tell: Tell) -> bytes | None:  # noqa: ARG002 -- the file says everything
        until = time.monotonic() + self._timeout_s
        headers = {"User-Agent": "fbplan", "Cache-Control": "no-cache"}
        if self._seen.tag is not None:
            headers["If-None-Match"] = self._seen.tag
        try:
            with self._opener.open(Request(self._url, headers=headers), timeout=self._timeout_s) as answer:  # noqa: S310 -- the scheme was looked at
                raw = _whole(answer, until)
                # what tells no length may have been cut off: that is no version to remember
                tag = answer.headers.get("ETag") if answer.chunked or answer.length is not None else None
        except HTTPError as error:
            error.close()
            if error.code == 304 and self._seen.tag is not None:
                return None
            raise unreadable(f"it answered {error.code}") from None
        except TimeoutError:
            raise unreadable("it did not answer in time") from None
        except URLError as error:
            is_late = isinstance(error.reason, TimeoutError)
            raise unreadable("it did not answer in time" if is_late else f"no connection: {error.reason}") from None
        except HTTPException as error:  # its text may hold the URL
            raise unreadable(f"its answer is no HTTP: {type(error).__name__}") from None
        except OSError as error:
            raise unreadable(error.strerror or type(error).__name__) from None
        return None if self._seen.is_same(raw, tag) else raw

    def forget(self) -> None:
        self._seen.forget()


def _whole(answer: HTTPResponse, until: float) -> bytes:
    """The body to its end, which has to come in time."""
    chunks, size = [], 0
    while chunk := answer.read1(_CHUNK):
        chunks.append(chunk)
        size += len(chunk)
        if size > LIMIT:
            break  # whoever verifies it says so
        if time.monotonic() > until:
            raise TimeoutError
    if answer.length and size <= LIMIT:
        # remembered by its tag, a part would be taken for the whole ever after
        raise unreadable(f"it broke off, {answer.length} bytes before the end")
    return b"".join(chunks)


class _Kept(HTTPRedirectHandler):
    """A redirection may lead elsewhere, but not out of TLS."""

    def redirect_request(
        self, req: Request, fp: IO[bytes], code: int, msg: str, headers: object, newurl: str
    ) -> Request | None:
        if not newurl.startswith("https://"):
            return None  # and the answer is told as it is
        return super().redirect_request(req, fp, code, msg, headers, newurl)  # type: ignore[arg-type]  # a Message
