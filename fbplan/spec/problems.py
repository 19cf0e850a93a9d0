"""What pydantic found wrong, told as diagnostics: one per place, with a stable code and a fix."""

from __future__ import annotations

import difflib
import types
import typing
from collections.abc import Mapping
from typing import Annotated, Any, get_args, get_origin

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from fbplan.errors import Code, Diagnostic
from fbplan.spec.document import Document, TreePath

_RESERVED: Mapping[str, str] = {
    "removed": "use `delete:` to destroy a resource, or `forget:` to drop it from the ledger without a write",
    "credits": "the word is reserved for credits shared by buckets; put a soft_cap on each bucket",
    "<<": "write the keys out; merge keys are not part of YAML 1.2",
}
_WANTED = {
    "string_type": "a text",
    "int_type": "a whole number",
    "bool_type": "true or false",
    "dict_type": "a mapping",
    "list_type": "a list",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
}
_SECRET_PARTS = frozenset({"key", "secret"})


def diagnostics_of(document: Document, errors: list[ErrorDetails], root: type[BaseModel]) -> list[Diagnostic]:
    """One diagnostic per place, in file order."""
    by_place: dict[TreePath, Diagnostic] = {}
    for error in errors:
        path, is_whole = tree_path(document.tree, error["loc"])
        told = _told(document, error, path, root)
        if path not in by_place or is_whole:
            by_place[path] = told
    return list(by_place.values())


def tree_path(tree: Any, loc: tuple[str | int, ...]) -> tuple[TreePath, bool]:
    """The part of pydantic's location that exists in the file; union tags and the like are passed over."""
    found: list[str | int] = []
    current, is_whole = tree, True
    for part in loc:
        if isinstance(current, dict) and part in current:
            current = current[part]
        elif isinstance(current, list) and isinstance(part, int) and part < len(current):
            current = current[part]
        else:
            is_whole = False
            continue
        found.append(part)
    return tuple(found), is_whole


def address_at(path: TreePath) -> str | None:
    """The address of the resource that a place in the file belongs to."""
    match path:
        case ("credentials", str(name), *_):
            return f"credential.{name}"
        case ("buckets", str(name), *_):
            return f"bucket.{name}"
        case ("repositories", str(repository), "api_keys", str(name), *_):
            return f"api_key.{repository}.{name}"
        case ("repositories", str(name), *_):
            return f"repository.{name}"
    return None


def _told(document: Document, error: ErrorDetails, path: TreePath, root: type[BaseModel]) -> Diagnostic:
    kind, value, context = error["type"], error["input"], error.get("ctx") or {}
    name = str(path[-1]) if path else "the spec"
    at = address_at(path)
    place = {"address": at}
    is_secret = bool(_SECRET_PARTS & {str(part) for part in path[-2:]})
    if kind == "extra_forbidden":
        return _unknown_key(document, path, root, at)
    if kind == "missing":
        wanted = str(error["loc"][-1])
        return document.problem(
            Code.MISSING_KEY, f"'{wanted}' is missing", f"add `{wanted}:` here", path, at_key=True, **place
        )
    if error["loc"] and error["loc"][-1] == "[key]":
        return document.problem(
            Code.BAD_NAME,
            f"{_shown(path[-1])} cannot be a name",
            "use letters, digits, - and _, 63 at most, starting with a letter or digit; `name:` can hold any live name",
            path,
            at_key=True,
            **place,
        )
    if name == "secret" and isinstance(value, str):
        return document.problem(
            Code.LITERAL_SECRET,
            "a secret stands in the spec",
            "write where it comes from: {env: NAME}, {file: PATH} or {exec: [...]}; and change that secret, it may have been committed",
            path,
            **place,
        )
    if kind in {"size", "ratio", "duration"}:
        code = {"size": Code.BAD_SIZE, "ratio": Code.BAD_VALUE, "duration": Code.BAD_DURATION}[kind]
        return document.problem(code, f"{_shown(value)} is {error['msg']}", str(context.get("fix", "")), path, **place)
    if kind == "literal_error":
        expected = str(context.get("expected", ""))
        close = difflib.get_close_matches(
            str(value).upper() if expected.isupper() else str(value),
            [e.strip("' ") for e in expected.replace(" or ", ",").split(",")],
            n=1,
        )
        hint = f"; did you mean {close[0]}?" if close else ""
        return document.problem(
            Code.BAD_VALUE,
            f"'{name}' is {_shown(value)}, which is not one of {expected.replace(chr(39), '')}",
            f"use one of {expected.replace(chr(39), '')}{hint}",
            path,
            **place,
        )
    if kind in _WANTED:
        fix = (
            "write it without quotes"
            if kind == "bool_type" and value in {"true", "false"}
            else f"write {_WANTED[kind]}"
        )
        if kind == "string_type" and isinstance(value, (int, float)):
            fix = "put it in quotes"
        return document.problem(
            Code.WRONG_TYPE,
            f"'{name}' needs {_WANTED[kind]}, not {_type_of(value)}{'' if is_secret else _quoted(value)}",
            fix,
            path,
            **place,
        )
    return document.problem(
        Code.BAD_VALUE,
        f"'{name}': {error['msg'][:1].lower()}{error['msg'][1:]}",
        str(context.get("fix") or "see the schema: fbplan schema spec"),
        path,
        **place,
    )


def _unknown_key(document: Document, path: TreePath, root: type[BaseModel], at: str | None) -> Diagnostic:
    name = str(path[-1])
    if name in _RESERVED:
        return document.problem(
            Code.FORBIDDEN_YAML if name == "<<" else Code.RESERVED,
            f"'{name}' cannot be used here",
            _RESERVED[name],
            path,
            at_key=True,
            address=at,
        )
    known = known_keys(root, path[:-1])
    close = difflib.get_close_matches(name.lower(), known, n=1)
    fix = f"did you mean `{close[0]}`?" if close else f"known here: {', '.join(known)}" if known else "remove it"
    return document.problem(Code.UNKNOWN_KEY, f"unknown key {_shown(path[-1])}", fix, path, at_key=True, address=at)


def known_keys(root: type[BaseModel], path: TreePath) -> list[str]:
    """The keys that the model allows at a place."""
    here: list[Any] = [root]
    for part in path:
        here = [step for annotation in here for step in _step(annotation, part)]
    return sorted({key for annotation in here if _is_model(annotation) for key in annotation.model_fields})


def _is_model(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def _step(annotation: Any, part: str | int) -> list[Any]:
    if _is_model(annotation):
        declared = annotation.model_fields.get(part)
        return _members(declared.annotation) if declared is not None else []
    arguments = get_args(annotation)
    if get_origin(annotation) is dict:
        return _members(arguments[1])
    if get_origin(annotation) is list:
        return _members(arguments[0])
    return []


def _members(annotation: Any) -> list[Any]:
    if get_origin(annotation) in {typing.Union, types.UnionType}:
        return [member for argument in get_args(annotation) for member in _members(argument)]
    if get_origin(annotation) is Annotated:
        return _members(get_args(annotation)[0])
    return [annotation]


def _shown(value: object) -> str:
    text = str(value)
    return f"'{text[:60]}…'" if len(text) > 60 else f"'{text}'"


def _quoted(value: object) -> str:
    return f" ({_shown(value)})" if isinstance(value, (str, int, float)) and not isinstance(value, bool) else ""


def _type_of(value: object) -> str:
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
