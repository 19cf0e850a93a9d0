"""The JSON Schema of the plan document, derived from its dataclasses so that it cannot fall behind them."""

from __future__ import annotations

import dataclasses
import json
import types
import typing
from collections.abc import Mapping
from enum import StrEnum
from typing import Any, get_args, get_origin


def schema_text(root: type, version: int) -> str:
    """Draft 2020-12, ending in a newline. Readers ignore keys that they do not know."""
    definitions: dict[str, Any] = {}
    body = _record(root, definitions)
    head = {
        "format": {"const": "fbplan.plan"},
        "format_version": {"const": version},
        "summary": {"type": "object", "additionalProperties": {"type": "integer"}},
        "has_changes": {"type": "boolean"},
    }
    ending = {
        "exit": {
            "type": "object",
            "properties": {"code": {"type": "integer"}, "name": {"type": "string"}, "retryable": {"type": "boolean"}},
            "required": ["code", "name", "retryable"],
        }
    }
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "https://github.com/fbplan/fbplan/schemas/plan.schema.json",
        "title": "fbplan plan",
        "type": "object",
        "properties": {**head, **body["properties"], **ending},
        "required": [*head, *body["required"]],
        "$defs": definitions,
    }
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def _record(record: type, definitions: dict[str, Any]) -> dict[str, Any]:
    hints = typing.get_type_hints(record)
    names = [f.name for f in dataclasses.fields(record)]
    return {"type": "object", "properties": {n: _type(hints[n], definitions) for n in names}, "required": names}


def _type(hint: Any, definitions: dict[str, Any]) -> dict[str, Any]:
    if hint is Any:
        return {}
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        if hint.__name__ not in definitions:
            definitions[hint.__name__] = {}
            definitions[hint.__name__] = _record(hint, definitions)
        return {"$ref": f"#/$defs/{hint.__name__}"}
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        return {"enum": [member.value for member in hint]}
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is tuple:
        return {"type": "array", "items": _type(arguments[0], definitions)}
    if origin in {Mapping, dict}:
        return {"type": "object", "additionalProperties": _type(arguments[1], definitions)}
    if origin in {types.UnionType, typing.Union}:
        return {"anyOf": [_type(a, definitions) for a in arguments]}
    plain = {str: "string", int: "integer", bool: "boolean", type(None): "null"}
    return {"type": plain[hint]}
