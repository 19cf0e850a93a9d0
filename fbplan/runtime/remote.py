"""URLs from which the two files are read: what they may look like, and what every kind of them has in common."""

from __future__ import annotations

import re

from fbplan.runtime.faults import RoutingError
from fbplan.runtime.form import Unusable
from fbplan.runtime.origin import Origin

TIMEOUT_S = 5.0
"""For one answer, from the first byte asked to the last one read."""
_OBJECT = re.compile(r"(s3|gs|az)://([a-z0-9][a-z0-9._-]{1,220}[a-z0-9])/([^?#@\s]{1,900})")
_WEB = re.compile(r"(https?)://(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::[0-9]{1,5})?(/[!-~]*)")
_LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
_EXAMPLES = "s3://BUCKET/PATH.json, gs://BUCKET/PATH.json, az://CONTAINER/PATH.json or https://HOST/PATH.json"


def remote_origin(url: str, timeout_s: float = TIMEOUT_S) -> Origin:
    """The origin behind a URL. Raises RoutingError, without the URL in it: people put credentials there."""
    found = _OBJECT.fullmatch(url)
    if found is not None:
        from fbplan.runtime.object_origin import ObjectOrigin

        return ObjectOrigin(found[1], found[2], found[3], timeout_s)
    found = _WEB.fullmatch(url)
    if found is None:
        raise RoutingError(
            f"the URL of a policy or usage cannot be read from: write it like {_EXAMPLES}, without credentials"
        )
    is_here = found[2] in _LOOPBACK
    if found[1] == "http" and not is_here:
        raise RoutingError("a policy or usage over http:// could be anybody's: use https://, or an address of loopback")
    from fbplan.runtime.web_origin import WebOrigin

    return WebOrigin(url, timeout_s, is_here=is_here)


class Seen:
    """What was read last: by its tag; where the server gives none, by itself."""

    def __init__(self) -> None:
        self.tag: str | None = None
        self._content: bytes | None = None

    def is_same(self, raw: bytes, tag: str | None) -> bool:
        """Whether `raw` is what was read last, which it is from now on."""
        # a server may name a tag and not heed it
        is_same = raw == self._content if tag is None else tag == self.tag
        self.tag, self._content = tag, raw if tag is None else None
        return is_same

    def forget(self) -> None:
        self.tag = self._content = None


def unreadable(why: str) -> Unusable:
    return Unusable("unreadable", why)
