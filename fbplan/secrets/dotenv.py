"""The three lines of a file sink, written so that `sh` and dotenv parsers read the same values."""

from __future__ import annotations

import re

from fbplan.secrets.base import IssuedKey
from fbplan.secrets.value import Secret, Unusable

KEY_ID, KEY_SECRET, _ = NAMES = ("FB_KEY_ID", "FB_KEY_SECRET", "FB_REPO_ID")

# One assignment, whose quoted value may span lines, or else one line of anything.
_STATEMENT = re.compile(
    r"""
    [ \t]* (?P<export>export[ \t]+)? (?P<name>[A-Za-z_][A-Za-z0-9_]*) [ \t]*=[ \t]*
        (?: '(?P<single>[^']*)' | "(?P<double>(?:[^"\\]|\\.)*)" | (?P<plain>[^\r\n]*) )
        [^\r\n]* (?:\r?\n|\Z)
    | [^\n]* (?:\n|\Z)
    """,
    re.VERBOSE | re.DOTALL,
)
_PLAIN = re.compile(r"[A-Za-z0-9_./:@%+,=-]+")
# Control characters, and surrogates, which are not text.
_NEVER = re.compile(r"[\x00-\x1f\x7f\x85\u2028\u2029\ud800-\udfff]")
# What dotenv parsers treat as special inside of single quotes although sh does not.
_NOT_SINGLE = re.compile(r"'|\\\\|\\$|\$\{")
_NOT_DOUBLE = re.compile(r'["$`\\]')


def rendered(issued: IssuedKey, prefix: str = "") -> Secret | Unusable:
    """The three lines, each after `prefix`."""
    values = (Secret(issued.key_id), issued.secret, Secret(issued.repo_id))
    lines: list[Secret] = []
    for name, value in zip(NAMES, values, strict=True):
        quoted = _quoted(value)
        if isinstance(quoted, Unusable):
            return Unusable(f"{name} {quoted.reason}")
        lines.append(Secret(f"{prefix}{name}={quoted.reveal()}\n"))
    return Secret("".join(line.reveal() for line in lines))


def merged(existing: Secret, issued: IssuedKey) -> Secret | Unusable:
    """The file with the three names replaced where the first of them stood, and every other line as it was.

    They keep their place because later lines may use them (`AWS_ACCESS_KEY_ID=$FB_KEY_ID`), and keep `export`.
    """
    statements = list(_STATEMENT.finditer(existing.reveal()))
    ours = [index for index, statement in enumerate(statements) if statement["name"] in NAMES]
    first = ours[0] if ours else len(statements)
    lines = rendered(issued, "export " if ours and statements[first]["export"] else "")
    if isinstance(lines, Unusable):
        return lines
    before = Secret("".join(statement[0] for statement in statements[:first]))
    after = Secret("".join(statement[0] for statement in statements[first:] if statement["name"] not in NAMES))
    gap = "\n" if before.reveal() and not before.reveal().endswith("\n") else ""
    return Secret(before.reveal() + gap + lines.reveal() + after.reveal())


def held_key_id(content: Secret) -> str:
    """The FB_KEY_ID of the file, or "" when it or its secret is missing; the last one counts, as in sh."""
    values = {found["name"]: Secret(_value(found)) for found in _STATEMENT.finditer(content.reveal()) if found["name"]}
    missing = Secret("")
    return values.get(KEY_ID, missing).reveal() if values.get(KEY_SECRET, missing).reveal() else ""


def _quoted(value: Secret) -> Secret | Unusable:
    """The value with the least quoting that every reader takes the same way: `docker --env-file` knows no quotes."""
    if _NEVER.search(value.reveal()):
        return Unusable("holds a newline or another control character, which a dotenv line cannot carry")
    if _PLAIN.fullmatch(value.reveal()):
        return value
    if not _NOT_SINGLE.search(value.reveal()):
        return Secret(f"'{value.reveal()}'")
    if not _NOT_DOUBLE.search(value.reveal()):
        return Secret(f'"{value.reveal()}"')
    return Unusable("holds characters that sh and dotenv parsers read differently")


def _value(statement: re.Match[str]) -> str:
    if statement["single"] is not None:
        return statement["single"]
    if statement["double"] is not None:
        return re.sub(r"\\(.)", r"\1", statement["double"])
    return re.sub(r"(^|\s)#.*", "", statement["plain"]).strip()
