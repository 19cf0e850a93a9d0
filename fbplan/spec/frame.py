"""Code frames: the line of a problem between its neighbours, numbered, with a caret under the column."""

from __future__ import annotations

from collections.abc import Mapping

from fbplan.errors import Location
from fbplan.spec.mask import Edit
from fbplan.spec.nodes import Lines

_WIDTH = 140
_BEFORE = 100
"""Columns kept before the caret of a line that is too long."""


def frame(text: str, lines: Lines, edits: Mapping[int, list[Edit]], location: Location) -> str:
    """The line before, the line itself with a caret, and the line after; `edits` are what must not be seen."""
    out = []
    middle = min(location.line, len(lines))
    for number in range(max(1, middle - 1), min(len(lines), middle + 1) + 1):
        start, end = lines.span(number)
        shown, caret = _edited(text, start, end, edits.get(number, []), location.column - 1)
        offset = 0
        if number == middle and caret > _WIDTH - 20:
            offset = caret - _BEFORE
        window = shown[offset : offset + _WIDTH]
        clean = "".join(c if c.isprintable() else " " if c == "\t" else "\ufffd" for c in window).rstrip()
        out.append(f"{'>' if number == middle else ' '} {number:>5} | {'…' if offset else ''}{clean}".rstrip())
        if number == middle:
            out.append(f"        | {' ' * (caret - offset + bool(offset))}^")
    return "\n".join(out)


def _edited(text: str, start: int, end: int, edits: list[Edit], column: int) -> tuple[str, int]:
    """A line with its edits, as far as it can be seen, and where the column went."""
    pieces: list[str] = []
    position, caret, length = 0, None, 0
    limit = column + _WIDTH
    for edit in sorted(edits, key=lambda e: (e.start, e.end)):
        if edit.start > limit:
            break
        if edit.start < position:
            position = max(position, edit.end)
            continue
        if caret is None and column < edit.start:
            caret = length + column - position
        pieces += [text[start + position : start + edit.start], edit.shown]
        length += edit.start - position + len(edit.shown)
        if caret is None and column < edit.end:
            caret = length - len(edit.shown)
        position = edit.end
    stop = min(end, start + max(position, limit))
    pieces.append(text[start + position : stop])
    if caret is None:
        caret = length + max(0, min(column, end - start) - position)
    return "".join(pieces), caret
