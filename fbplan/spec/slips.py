"""Slips that YAML reads as something else, told as what they are: a tab for spaces, a `:` without its space."""

from __future__ import annotations

import re
from collections.abc import Container, Iterator
from dataclasses import dataclass

from fbplan.spec.nodes import Lines
from fbplan.spec.vocabulary import looks_secret, plain_words

SPACE_MISSING = "a space is missing after ':'"
ADD_SPACE = "write `key: value`, with a space between them"
_ABUTTED = re.compile(r"[ ?-]*([A-Za-z_]{1,63})(:)(?=[^\s/])")
_NOT_CONTENT = re.compile(r"\s*(?:#.*)?")
_COLON_FAULTS = ("mapping values are not allowed", "expected ':'", "did not find expected key")
_TAB_FAULTS = ("tab character", "cannot start any token")


@dataclass(frozen=True, slots=True)
class Slip:
    """What was done, how it is put right, and where: line and column from 1."""

    told: str
    fix: str
    line: int
    column: int


def slip_behind(why: str, text: str, lines: Lines, line: int) -> Slip | None:
    """The slip that made the parser say `why` about this line; None when it is none of those known here."""
    if any(part in why for part in _TAB_FAULTS):
        shown = _line(text, lines, line)
        tab = shown.find("\t", 0, len(shown) - len(shown.lstrip(" \t")))
        return Slip("a tab in the indentation", "indent with spaces, not tabs", line, tab + 1) if tab >= 0 else None
    if any(part in why for part in _COLON_FAULTS):
        for number in _with_content_before(text, lines, line):
            colon = _abutted(_line(text, lines, number))
            if colon is not None:
                return Slip(SPACE_MISSING, ADD_SPACE, number, colon + 1)
    return None


def is_abutted(text: str, known: Container[str]) -> bool:
    """Whether a text is one of these words with its value right after the colon: `limit:500GB`."""
    found = _ABUTTED.match(text)
    return found is not None and found[1] in known


def abutted_end(body: str) -> int | None:
    """Where the value starts on a line like `bucket:acme`, if the word may be shown."""
    found = _ABUTTED.match(body)
    return found.end() if found is not None and found[1] in plain_words() else None


def _abutted(line: str) -> int | None:
    found = _ABUTTED.match(line)
    return found.start(2) if found is not None and (found[1] in plain_words() or looks_secret(found[1])) else None


def _with_content_before(text: str, lines: Lines, line: int) -> Iterator[int]:
    """The line, and the last one before it that is more than a comment: a text goes on over both."""
    yield line
    for number in range(line - 1, 0, -1):
        if not _NOT_CONTENT.fullmatch(_line(text, lines, number)):
            yield number
            return


def _line(text: str, lines: Lines, number: int) -> str:
    start, end = lines.span(number)
    return text[start:end]
