"""The chooser for another language as one file: `policy module` joins what stands in `modules/LANGUAGE`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import fbplan

_HOME = Path(__file__).with_name("modules")


@dataclass(frozen=True, slots=True)
class Language:
    """One folder of `modules`. A language needs no more than this entry and its files.

    `head` matches the lines that may stand only at the top and only once (package clause, imports, one a line).
    """

    name: str
    extension: str
    head: re.Pattern[str]


LANGUAGES = {
    found.name: found for found in (Language("typescript", "ts", re.compile(r'import \* as \w+ from "node:[\w/]+";')),)
}


def module_text(language: Language) -> str:
    """The files of a language in the order of their names, as one; what may stand only once is at the top."""
    head: dict[str, None] = {}
    bodies = []
    for path in _files(language):
        lines = path.read_text(encoding="utf-8").splitlines()
        head |= dict.fromkeys(line for line in lines if language.head.fullmatch(line))
        bodies.append("\n".join(line for line in lines if not language.head.fullmatch(line)).strip("\n"))
    made = f"// Made by fbplan {fbplan.__version__}: fbplan policy module --lang {language.name}. Make it again instead of changing it."
    return "\n".join((made, "", *head, "", "\n\n".join(bodies))) + "\n"


def _files(language: Language) -> Iterator[Path]:
    yield from sorted((_HOME / language.name).glob(f"*.{language.extension}"))
