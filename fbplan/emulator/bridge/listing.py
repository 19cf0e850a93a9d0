"""What is in a bucket, a page at a time, in no protocol's terms."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass, field

from fbplan.emulator.bridge.errand import Errand
from fbplan.emulator.bridge.objects import LAST, Stored, walk
from fbplan.emulator.bridge.refusals import Refusal

MOST_KEYS = 1000


@dataclass(slots=True)
class Page:
    """A page of a listing, as it fills. `last` is where the next one goes on."""

    entries: list[tuple[str, Stored]] = field(default_factory=list)
    prefixes: list[str] = field(default_factory=list)
    last: str = ""
    is_truncated: bool = False

    def __len__(self) -> int:
        return len(self.entries) + len(self.prefixes)

    @property
    def token(self) -> str:
        """What the next page is asked for with; empty after the last."""
        return base64.urlsafe_b64encode(self.last.encode()).decode() if self.is_truncated else ""


def page_of(errand: Errand, after: str, most: int) -> Page:
    """The keys that the query's prefix and delimiter name, and that come after one."""
    place, query = errand.place, errand.request.query
    page = Page()
    with errand.store.reading() as db:
        prefix = place.prefix + query.get("prefix", "")
        # Below the folder every key is greater than the folder itself, which is what no cursor means.
        for name, stored in walk(db, place.container, prefix, place.prefix + after, query.get("delimiter", "")):
            if len(page) >= most:
                page.is_truncated = most > 0
                break
            shown = name.removeprefix(place.prefix)
            if stored is None:
                page.prefixes.append(shown)
                page.last = shown + LAST
            else:
                page.entries.append((shown, stored))
                page.last = shown
    return page


def most_of(errand: Errand, name: str, largest: int = MOST_KEYS) -> int:
    """How many keys the query asks for. Raises Refusal."""
    text = errand.request.query.get(name, str(largest))
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise Refusal("InvalidArgument", f"Argument {name} must be an integer between 0 and 2147483647")
    return min(int(text), largest)


def cursor(token: str) -> str:
    """Where a page goes on that was asked for with a token. Raises Refusal."""
    try:
        return base64.b64decode(token, altchars=b"-_", validate=True).decode()
    except (binascii.Error, ValueError):
        raise Refusal("InvalidArgument", "The continuation token provided is incorrect") from None
