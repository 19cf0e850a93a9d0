"""Reading a JSON object key by key: what is missing, of the wrong type or an unknown word makes the file unusable."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple, NoReturn

from fbplan.runtime.canonical import MAX_INTEGER, digest_of

# compiled when the first file is read, not at the import
_NAME = r"[A-Za-z0-9][A-Za-z0-9_-]{0,62}"
_DIGEST = r"sha256:[0-9a-f]{64}"
LIMIT = 256 * 1024 * 1024
"""Bytes of the largest file that is looked at."""
READER = 1
"""The version of this reader; a file whose `min_reader` is higher is not for it."""


class Unusable(ValueError):
    """The file cannot be used, so what was good before stays in force.

    `reason` is one of: unreadable, forked, torn, format, reader, digest, shape, meter, older, conflict.
    """

    def __init__(self, reason: str, told: str) -> None:
        super().__init__(told)
        self.reason = reason


def parse(raw: bytes, expected: str) -> dict[str, Any]:
    """The document in `raw`, whole and untouched: JSON, of the expected format, for this reader, its digest right."""
    import json  # as above

    if len(raw) > LIMIT:
        raise Unusable("shape", f"it is larger than {LIMIT} bytes")
    try:
        document = json.loads(raw.decode(), object_pairs_hook=_unique, parse_float=_refused, parse_constant=_refused)
    except Unusable:
        raise
    except (ValueError, RecursionError):  # not UTF-8, not JSON, cut off, nested too deeply, a number without end
        raise Unusable("torn", "it is not one whole JSON document") from None
    if not isinstance(document, dict) or document.get("format") != expected:
        raise Unusable("format", f"its format is not {expected}")
    wanted = document.get("min_reader", 1)
    if not _is_integer(wanted):
        raise Unusable("shape", "min_reader is no integer")
    if wanted > READER:
        raise Unusable("reader", f"it needs reader {wanted}, this is {READER}")
    try:
        stated = digest_of(document)
    except (ValueError, RecursionError):  # half of a surrogate pair
        raise Unusable("torn", "it holds text that is no text") from None
    if document.get("digest") != stated:
        raise Unusable("digest", "its digest does not match: it was altered by hand or damaged")
    return document


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise Unusable("shape", "a key stands twice in one object")  # other languages might keep the other one
    return found


def _refused(_written: str) -> NoReturn:
    raise Unusable("shape", "it holds a number that is no integer")


def _is_integer(value: object) -> bool:
    return type(value) is int and -MAX_INTEGER <= value <= MAX_INTEGER


class Part(NamedTuple):
    """One JSON object of a document and where it stands. Keys that nobody asks for are ignored."""

    at: str
    held: Mapping[str, Any]

    def integer(self, key: str, default: int | None = None, low: int = 0, high: int = MAX_INTEGER) -> int:
        found = self.held.get(key, default)
        if not _is_integer(found) or not low <= found <= high:
            raise self._wrong(key, f"no integer from {low} to {high}")
        return int(found)

    def integer_or_none(self, key: str) -> int | None:
        """An integer, or null where null has a meaning; leaving the key out is a fault."""
        if key not in self.held:
            raise self._wrong(key, "missing")
        return None if self.held[key] is None else self.integer(key)

    def text(self, key: str, *, low: int = 1) -> str:
        found = self.held.get(key)
        if type(found) is not str or len(found) < low:
            raise self._wrong(key, "no text")
        return found

    def text_or_none(self, key: str) -> str | None:
        """Text that may be left out; null is no way to leave it out."""
        return self.text(key) if key in self.held else None

    def word(self, key: str, words: tuple[str, ...], default: str | None = None) -> str:
        found = self.held.get(key, default)
        if type(found) is not str or found not in words:
            raise self._wrong(key, f"none of {', '.join(words)}")
        return found

    def digest(self, key: str) -> str:
        found = self.text(key)
        if not re.fullmatch(_DIGEST, found):
            raise self._wrong(key, "no digest")
        return found

    def part(self, key: str) -> "Part":
        """An object that may be left out and then is empty: every key at its default."""
        return self._of(key, self.held.get(key, {}))

    def named(self, key: str, *, required: bool = False) -> "Iterator[tuple[str, Part]]":
        """The entries of a map of names, in the order of the names."""
        for name, found in self.names(key, required=required):
            yield name, self._of(f"{key}.{name}", found)

    def names(self, key: str, *, required: bool = False) -> list[tuple[str, Any]]:
        found = self.held.get(key, None if required else {})
        if type(found) is not dict:
            raise self._wrong(key, "no object")
        if not all(re.fullmatch(_NAME, name) for name in found):
            raise self._wrong(key, "not only names")
        return sorted(found.items())

    def each(self, key: str) -> "Iterator[Part]":
        for index, found in enumerate(self.list(key, default=[])):
            yield self._of(f"{key}[{index}]", found)

    def name_list(self, key: str) -> tuple[str, ...]:
        found = self.list(key)
        if not all(type(name) is str and re.fullmatch(_NAME, name) for name in found):
            raise self._wrong(key, "not only names")
        return tuple(found)

    def texts(self, key: str) -> tuple[str, ...]:
        """Some text, none of it empty; nothing when the key is not there."""
        found = self.list(key, default=[])
        if not all(type(text) is str and text for text in found):
            raise self._wrong(key, "not only text")
        return tuple(found)

    def list(self, key: str, default: list[Any] | None = None) -> list[Any]:
        found = self.held.get(key, default)
        if type(found) is not list:
            raise self._wrong(key, "no list")
        return found

    def _of(self, key: str, found: Any) -> "Part":
        if type(found) is not dict:
            raise self._wrong(key, "no object")
        return Part(f"{self.at}.{key}" if self.at else key, found)

    def _wrong(self, key: str, told: str) -> Unusable:
        return Unusable("shape", f"{f'{self.at}.{key}' if self.at else key}: {told}")
