"""Go files of one package as one file: what `fbplan policy module --lang go` writes.

A Go file is its package clause, its imports in one block or one line, and its code. Joined, there is one clause and one
sorted block; the code follows in the order given. gofmt finds nothing to change in it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

PACKAGE = "fbroute"

_FILE = re.compile(
    r"(?P<doc>(?://[^\n]*\n)*)package \w+\n+"
    r"(?:import (?:\((?P<block>[^)]*)\)|(?P<line>[^\n]+))\n+)?"
    r"(?P<code>.*)",
    re.DOTALL,
)


def joined(files: Iterable[str], head: str, package: str = PACKAGE) -> str:
    """One file, the comment `head` at its top. A comment above a package clause, where a file has one, stays.

    Raises ValueError for a file that is not laid out so.
    """
    docs, imports, codes = [], set(), []
    for text in files:
        found = _FILE.fullmatch(text)
        if found is None or found["code"].startswith("import "):
            raise ValueError("a Go file begins with its package clause, and then one import block")
        docs.append(found["doc"])
        imports |= {line.strip() for line in (found["block"] or found["line"] or "").splitlines() if line.strip()}
        codes.append(found["code"].strip("\n"))
    block = "".join(f"\t{line}\n" for line in sorted(imports))
    top = f"{head}\n\n{''.join(docs)}package {package}\n\nimport (\n{block})"
    return "\n\n".join((top, *filter(None, codes))) + "\n"
