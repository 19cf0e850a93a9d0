"""TypeScript files as one module: what `fbplan policy module --lang typescript` writes."""

from __future__ import annotations

import re
from collections.abc import Iterable

HEAD = re.compile(r'import \* as \w+ from "node:[\w/]+";')
"""A line that may stand only at the top and only once."""


def joined(files: Iterable[str], head: str) -> str:
    """One file, the comment `head` at its top, then the imports of all, then their code in the order given."""
    imports: dict[str, None] = {}
    codes = []
    for text in files:
        lines = text.splitlines()
        imports |= dict.fromkeys(line for line in lines if HEAD.fullmatch(line))
        codes.append("\n".join(line for line in lines if not HEAD.fullmatch(line)).strip("\n"))
    return "\n".join((head, "", *imports, "", "\n\n".join(codes))) + "\n"
