"""What pydantic would tell badly or not at all: null, merge keys, keys that are no text, pasted secrets, control codes."""

from __future__ import annotations

import re
from typing import Any

from fbplan.errors import Code, Diagnostic
from fbplan.spec.address import address_at
from fbplan.spec.document import Document, TreePath
from fbplan.spec.mask import is_pasted_secret
from fbplan.spec.slips import ADD_SPACE, SPACE_MISSING, is_abutted
from fbplan.spec.vocabulary import words_at
from fbplan.spec.wording import kind_of, quoted

MERGE = "write the keys out; merge keys are not part of YAML 1.2"
ROTATE = "and change that secret, it may have been committed"
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufffe\uffff\ud800-\udfff]")


def malformed(document: Document) -> tuple[list[Diagnostic], list[TreePath]]:
    """The diagnostics, and what they are about: a path each, to be cut out before the models look at the rest."""
    paths: list[tuple[TreePath, bool]] = []
    # Most specs have not one character that could make a text suspect.
    _walk(document.tree, (), paths, reads_texts=_is_suspect(document.places.text))
    told = [_told(document, path, at_key) for path, at_key in paths]
    version = document.tree.get("version")
    if isinstance(version, bool | float) and version == 1:  # Python's equality is wider than what a file means
        message, fix = f"'version' is {quoted(version)}, which is not one of 1", "use 1"
        told.append(document.problem(Code.BAD_VALUE, message, fix, ("version",)))
        paths.append((("version",), False))
    return told, [path for path, _ in paths]


def _is_suspect(text: str) -> bool:
    """Whether any value can hold a control character or a pasted secret; ryaml refuses the other control characters."""
    return "@" in text or "\\" in text or "-----BEGIN" in text or "\x7f" in text or not text.isascii()


def _walk(value: Any, path: TreePath, found: list[tuple[TreePath, bool]], *, reads_texts: bool) -> None:
    """(path, whether the key itself is what is wrong)."""
    entries = value.items() if isinstance(value, dict) else None
    for key, inner in enumerate(value) if entries is None else entries:
        if entries is not None and (type(key) is not str or key == "<<" or (reads_texts and not _is_clean(key))):
            found.append(((*path, key), True))
        elif inner is None or (reads_texts and type(inner) is str and not _is_clean(inner)):
            found.append(((*path, key), False))
        elif type(inner) is dict or type(inner) is list:
            _walk(inner, (*path, key), found, reads_texts=reads_texts)


def _is_clean(text: str) -> bool:
    return (text.isprintable() or _CONTROL.search(text) is None) and not is_pasted_secret(text)


def _told(document: Document, path: TreePath, at_key: bool) -> Diagnostic:
    value = document.tree
    for part in path:
        value = value[part]
    key, address = path[-1], address_at(path)
    if not at_key and value is None:
        if isinstance(key, str) and is_abutted(key, words_at(path[:-1]).fields):
            return document.problem(Code.NULL_VALUE, SPACE_MISSING, ADD_SPACE, path, at_key=True, address=address)
        what = f"item {key + 1} of {quoted(path[-2])}" if isinstance(key, int) and len(path) > 1 else quoted(key)
        if isinstance(key, str) and not words_at(path[:-1]).names(key, has_value=False):
            what = "this key"
        fix = "leave it out (not managed), or write a value ([] or {} for empty)"
        return document.problem(
            Code.NULL_VALUE, f"{what} has no value", fix, path, at_key=not isinstance(key, int), address=address
        )
    if not at_key:
        text = str(value)
        if _CONTROL.search(text) is not None:
            return document.problem(
                Code.BAD_VALUE, f"{quoted(key)} holds a control character", "take it out", path, address=address
            )
        is_url = "-----BEGIN" not in text
        return document.problem(
            Code.LITERAL_SECRET,
            "a user or password stands in this URL" if is_url else "a private key stands in the spec",
            f"{'take it out' if is_url else 'write where it comes from, such as {file: PATH}'}, {ROTATE}",
            path,
            address=address,
        )
    if key == "<<":
        return document.problem(
            Code.FORBIDDEN_YAML, "'<<' cannot be used here", MERGE, path, at_key=True, address=address
        )
    if isinstance(key, str):
        return document.problem(
            Code.BAD_NAME,
            "a key holds what cannot be in a name",
            "use letters, digits, - and _",
            path,
            at_key=True,
            address=address,
        )
    code = Code.BAD_NAME if words_at(path[:-1]).entries is not None else Code.UNKNOWN_KEY
    return document.problem(
        code, f"the key {quoted(key)} is {kind_of(key)}, not a text", "put it in quotes", path, at_key=True
    )
