"""One byte string for one value, so that equal policies have equal digests in every language."""

from __future__ import annotations

import hashlib
import json

from fbplan.kinds.amounts import MAX_BYTES
from fbplan.kinds.base import Json


class NotCanonical(ValueError):
    """The value has no canonical form: a float, an integer that JSON readers would round, a key that is no text."""


def canonical(value: Json) -> bytes:
    """JSON with keys sorted by code point, no spaces, UTF-8; only text, integers up to 2^53-1, true, false and null.

    Raises NotCanonical.
    """
    _refuse_inexact(value)
    try:
        text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        return text.encode()
    except UnicodeEncodeError:
        raise NotCanonical("text with half of a surrogate pair") from None
    except RecursionError:
        raise NotCanonical("nested too deeply") from None


def digest_of(value: Json) -> str:
    """sha256 of the canonical form, as the policy file writes it."""
    return "sha256:" + hashlib.sha256(canonical(value)).hexdigest()


def _refuse_inexact(value: Json) -> None:
    waiting = [value]  # a stack of its own: a file may nest deeper than Python's
    while waiting:
        found = waiting.pop()
        kind = type(found)
        if kind is str or kind is bool or found is None:
            continue
        if kind is dict:
            if not all(type(key) is str for key in found):
                raise NotCanonical("a key that is not text")
            waiting.extend(found.values())
        elif kind is list or kind is tuple:
            waiting.extend(found)
        elif kind is not int:
            raise NotCanonical(f"a {kind.__name__}; a policy holds integers and text only")
        elif not -MAX_BYTES <= found <= MAX_BYTES:
            raise NotCanonical("an integer beyond 2^53-1")
