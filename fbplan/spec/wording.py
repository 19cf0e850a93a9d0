"""How a value is named in a message: short, printable, and by the words of YAML."""

from __future__ import annotations

from fbplan.spec.vocabulary import nearest

_LONGEST = 60


def quoted(value: object) -> str:
    """The value as it stands in the file, in quotes."""
    match value:
        case bool():
            text = "true" if value else "false"
        case None:
            text = "null"
        case str():
            text = value
        case int() | float():
            text = repr(value)
        case _:
            return kind_of(value)
    clean = "".join(c if c.isprintable() else "\ufffd" for c in text[: _LONGEST + 1])
    return f"'{clean[:_LONGEST]}…'" if len(clean) > _LONGEST else f"'{clean}'"


def kind_of(value: object) -> str:
    """What a value is, to a person."""
    match value:
        case None:
            return "null"
        case bool():
            return "true or false"
        case int() | float():
            return "a number"
        case str():
            return "a text"
        case dict():
            return "a mapping"
        case _:
            return "a list"


class Suggestions:
    """Did-you-mean for one run. It gives up after so many comparisons: people read the first few."""

    __slots__ = ("_left",)

    def __init__(self, comparisons: int = 100_000) -> None:
        self._left = comparisons

    def nearest(self, word: str, known: list[str]) -> str | None:
        if len(known) > self._left:
            return None
        self._left -= len(known)
        return nearest(word, known)
