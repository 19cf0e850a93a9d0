"""Code frames: the line of a problem between its neighbours, numbered, with a caret under the column."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence

from fbplan.errors import Location
from fbplan.spec.mask import Edit
from fbplan.spec.nodes import Lines

_WIDTH = 140
_BEFORE = 100
"""Columns kept before the caret of a line that is too long."""


def frame(text: str, lines: Lines, edits: Mapping[int, Sequence[Edit]], location: Location) -> str:
    """The line before, the line itself with a caret, and the line after; `edits`, in order, are what must not be seen."""
    out = []
    middle = min(location.line, len(lines))
    for number in range(max(1, middle - 1), min(len(lines), middle + 1) + 1):
        start, end = lines.span(number)
        column = min(location.column - 1, end - start) if number == middle else 0
        shown, caret = _edited(text, start, end, edits.get(number, ()), column)
        clean = shown if shown.isprintable() else "".join(_printable(c) for c in shown)
        out.append(f"{'>' if number == middle else ' '} {number:>5} | {clean}".rstrip())
        if number == middle:
            out.append(f"        | {' ' * caret}^")
    return "\n".join(out)


def _edited(text: str, start: int, end: int, edits: Sequence[Edit], column: int) -> tuple[str, int]:
    """What is seen of a line around a column, and where the column went; never more work than that takes."""
    position = 0 if column < _WIDTH - 20 else column - _BEFORE
    pieces = ["…"] if position else []
    length, caret = len(pieces), None
    for index in range(bisect_right(edits, position, key=lambda e: e.end), len(edits)):
        if length >= _WIDTH:
            break
        edit = edits[index]
        begin = max(edit.start, position)
        if caret is None and column < begin:
            caret = length + column - position
        pieces += [text[start + position : min(start + begin, start + position + _WIDTH)], edit.shown]
        length += begin - position
        if caret is None and column < edit.end:
            caret = length
        length += len(edit.shown)
        position = max(position, edit.end)
    pieces.append(text[start + position : min(end, start + position + _WIDTH)])
    return "".join(pieces)[:_WIDTH], length + column - position if caret is None else caret


def _printable(character: str) -> str:
    return character if character.isprintable() else " " if character == "\t" else "\ufffd"
