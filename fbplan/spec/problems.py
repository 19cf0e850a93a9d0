"""What pydantic found wrong, told as diagnostics: one per place, with a stable code and a fix."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic_core import ErrorDetails

from fbplan.errors import Code, Diagnostic
from fbplan.spec.address import address_at
from fbplan.spec.document import Document, TreePath, holds
from fbplan.spec.fixes import NOT_FILLED_IN, WANTED, retyped, same_thing, source_meant
from fbplan.spec.form import ROTATE
from fbplan.spec.vocabulary import Words, is_hidden_at, words_at
from fbplan.spec.wording import Suggestions, kind_of, quoted

_RESERVED: Mapping[str, str] = {
    "removed": "use `delete:` to destroy a resource, or `forget:` to drop it from the ledger without a write",
    "credits": "the word is reserved for credits shared by buckets; put a soft_cap on each bucket",
}
_SOURCE = "{env: NAME}, {file: PATH} or {exec: [...]}"
_TEXTS = frozenset({"str", "constrained-str"})
"""What pydantic calls the member of a union that is a text."""
_NAME_RULE = "letters, digits, - and _, 63 at most, starting with a letter or digit"


@dataclass(frozen=True, slots=True)
class _Error:
    """A pydantic error at the part of its location that stands in the file; `tag` is the union member that spoke."""

    kind: str
    path: TreePath
    last: str
    message: str
    context: Mapping[str, Any]
    value: Any
    tag: str = ""
    union_at: TreePath = ()


def diagnostics_of(
    document: Document, errors: list[ErrorDetails], tree: Any = None
) -> list[tuple[TreePath, Diagnostic]]:
    """One diagnostic per place, with that place; `tree` is what was validated, when parts of the file were cut."""
    suggestions = Suggestions()
    read = document.tree if tree is None else tree
    found: dict[TreePath, Diagnostic] = {}
    for error in _from_one_member([_resolved(read, error) for error in errors]):
        place = (*error.path, error.last) if error.kind == "missing" else error.path
        if place not in found:
            found[place] = _told(document, error, suggestions)
    return [(path[:-1] if d.code is Code.MISSING_KEY else path, d) for path, d in found.items()]


def place_of(tree: Any, error: ErrorDetails) -> TreePath:
    """The part of pydantic's location that exists in the file; union tags and the like are passed over."""
    return _resolved(tree, error).path


def _resolved(tree: Any, error: ErrorDetails) -> _Error:
    current, known, path = tree, words_at(()), list[str | int]()
    tag, loc = "", error["loc"]
    union_at: TreePath = ()
    for index, part in enumerate(loc):
        names_the_key = index == len(loc) - 1 and error["type"] in {"extra_forbidden", "invalid_key"}
        inner = known.under(part)
        if inner is None and not names_the_key:
            if not tag:
                tag, union_at = str(part), tuple(path)
            continue
        if holds(current, part):
            current, known = current[part], inner or Words()
            path.append(part)
    last = str(loc[-1]) if loc else ""
    return _Error(error["type"], tuple(path), last, error["msg"], error.get("ctx") or {}, current, tag, union_at)


def _from_one_member(errors: list[_Error]) -> list[_Error]:
    """Of a union's errors, those of the member that was meant; one error when none was."""
    groups: dict[TreePath, list[_Error]] = {}
    for error in errors:
        if error.tag and error.tag != "[key]":
            groups.setdefault(error.union_at, []).append(error)
    told: set[TreePath] = set()
    out: list[_Error] = []
    for error in errors:
        group = groups.get(error.union_at) if error.tag and error.tag != "[key]" else None
        if group is None:
            out.append(error)
        elif error.union_at not in told:
            told.add(error.union_at)
            meant = [e for e in group if _is_meant(e)]
            out += meant or [_Error("union", e.union_at, "", "", {}, e.value, e.tag) for e in group[:1]]
    return out


def _is_meant(error: _Error) -> bool:
    """Whether the union member is the one that the value looks like."""
    if len(error.path) > len(error.union_at) or error.kind in {"missing", "source_literal"}:
        return True
    match error.value:
        case str():
            return error.tag in _TEXTS
        case dict():
            return error.tag not in _TEXTS and not error.tag.startswith("list[")
        case list():
            return error.tag.startswith("list[")
    return False


def _told(document: Document, error: _Error, suggestions: Suggestions) -> Diagnostic:
    path, value = error.path, error.value
    name = quoted(next((part for part in reversed(path) if isinstance(part, str)), "the spec"))
    if path and isinstance(path[-1], int):
        name = f"item {int(document.original(path)[-1]) + 1} of {name}"
    echo = "" if is_hidden_at(path) or isinstance(value, dict | list) else quoted(value)

    def problem(code: Code, message: str, fix: str, *, at_key: bool = False) -> Diagnostic:
        return document.problem(code, message, fix, path, at_key=at_key, address=address_at(path))

    if error.last == "[key]":
        fix = f"use {_NAME_RULE}; `name:` can hold any live name"
        return problem(Code.BAD_NAME, f"{quoted(path[-1])} cannot be a name", fix, at_key=True)
    match error.kind:
        case "extra_forbidden":
            return _unknown_key(document, path, suggestions)
        case "missing":
            return problem(Code.MISSING_KEY, f"'{error.last}' is missing", f"add `{error.last}:` here", at_key=True)
        case "source_literal" if (source := source_meant(value)) is not None:
            return problem(Code.LITERAL_SECRET, NOT_FILLED_IN, f"write `{source}`")
        case "source_literal":
            fix = f"write where it comes from: {_SOURCE}; {ROTATE}"
            return problem(Code.LITERAL_SECRET, "a secret stands in the spec", fix)
        case "source_form" | "sink_form" | "sink_literal":
            noun = error.kind.split("_")[0]
            code = Code.BAD_VALUE if isinstance(value, dict | str) else Code.WRONG_TYPE
            return problem(code, f"{name} is not a {noun}", error.message)
        case "union":
            return _union(document, error, name)
        case "size" | "ratio" | "duration":
            code = {"size": Code.BAD_SIZE, "duration": Code.BAD_DURATION}.get(error.kind, Code.BAD_VALUE)
            return problem(code, f"{echo or name} is {error.message}", str(error.context.get("fix", "")))
        case "literal_error":
            return problem(Code.BAD_VALUE, *_not_one_of(error, name, echo, suggestions))
        case kind if kind in WANTED:
            shown = f" ({echo})" if echo and not isinstance(value, bool) else ""
            message = f"{name} needs {WANTED[kind]}, not {kind_of(value)}{shown}"
            return problem(Code.WRONG_TYPE, message, retyped(kind, value, path))
    return problem(Code.BAD_VALUE, *_bounds(error, name, echo))


def _union(document: Document, error: _Error, name: str) -> Diagnostic:
    wanted, fix = "a mapping or a list of mappings", "write it like {limit: 500GB}, or a list of these"
    if error.tag == "constrained-str":
        wanted, fix = "a text or a list of texts", "write a text, or a list of them"
    elif words_at(error.path).is_hidden:
        wanted, fix = "a text or a source", f"put it in quotes, or write where it comes from: {_SOURCE}"
    message = f"{name} needs {wanted}, not {kind_of(error.value)}"
    return document.problem(Code.WRONG_TYPE, message, fix, error.path, address=address_at(error.path))


def _not_one_of(error: _Error, name: str, echo: str, suggestions: Suggestions) -> tuple[str, str]:
    # pydantic's `expected` is lost where an error passed through a form; its message says the same
    expected = str(error.context.get("expected") or error.message.removeprefix("Input should be "))
    allowed = re.findall(r"'([^']*)'", expected) or [expected]
    told = ", ".join(allowed)
    if str(error.value) == told and not isinstance(error.value, int):
        return f"{name} is a text, not the number {told}", "write it without quotes"
    folded = {word.lower(): word for word in allowed}
    close = suggestions.nearest(error.value, list(folded)) if isinstance(error.value, str) and echo else None
    message = f"{name} is {echo}, which is not one of {told}" if echo else f"{name} is not one of {told}"
    fix = f"use one of {told}" if len(allowed) > 1 else f"use {told}"
    same = same_thing(error.value, allowed)
    return message, f"{fix}; {same}" if same else f"{fix}; did you mean {folded[close]}?" if close else fix


def _bounds(error: _Error, name: str, echo: str) -> tuple[str, str]:
    limits = error.context
    shown = f"{name} is {echo}" if echo else name
    match error.kind:
        case "string_too_short" | "too_short":
            return f"{name} is empty", "write a value, or leave the key out"
        case "string_too_long" if "max_length" in limits:
            return f"{name} is longer than {limits['max_length']} characters", "shorten it"
        case "greater_than_equal" if "ge" in limits:
            return f"{shown}, less than {limits['ge']}", f"write {limits['ge']} or more"
        case "less_than_equal" if "le" in limits:
            return f"{shown}, more than {limits['le']}", f"write {limits['le']} or less"
        case "string_pattern_mismatch" if "endpoint" in error.path[-2:]:
            return f"{shown}, which is not a URL", "write it like https://s3-us-east-1-aws.flashback.tech"
        case "string_pattern_mismatch" if error.path[-1:] == ("env",):
            return f"{name} is not the name of a variable", "use letters, digits and _, without a $"
    message = error.message.replace("String", "text").replace("Input", "it")
    return f"{name}: {message[:1].lower()}{message[1:]}", "see the schema: fbplan schema spec"


def _unknown_key(document: Document, path: TreePath, suggestions: Suggestions) -> Diagnostic:
    key, address = str(path[-1]), address_at(path)
    if key in _RESERVED:
        return document.problem(
            Code.RESERVED, f"'{key}' cannot be used here", _RESERVED[key], path, at_key=True, address=address
        )
    here = words_at(path[:-1])
    known = sorted(here.fields)
    close = suggestions.nearest(key, known)
    fix = f"did you mean `{close}`?" if close else f"known here: {', '.join(known)}" if known else "take it out"
    # Inside a secret, a key that is not a slip of a word may be the secret.
    is_shown = close is not None if is_hidden_at(path[:-1]) else here.names(key)
    message = f"unknown key {quoted(key)}" if is_shown else "unknown key"
    return document.problem(Code.UNKNOWN_KEY, message, fix, path, at_key=True, address=address)
