"""The JSON Schema of a spec, for editors and for other tools; and the table of diagnostic codes."""

from __future__ import annotations

import json
from typing import Any

from fbplan.errors import Code
from fbplan.spec.model import Spec


def spec_schema() -> str:
    """Draft 2020-12, ending in a newline; `null` is nowhere allowed, as in the loader."""
    schema = Spec.model_json_schema()
    head = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "https://github.com/fbplan/fbplan/schemas/spec.schema.json",
        "title": "fbplan spec",
    }
    return json.dumps({**head, **_without_null(schema), "title": "fbplan spec"}, indent=2, ensure_ascii=False) + "\n"


def _without_null(node: Any) -> Any:
    if isinstance(node, list):
        return [_without_null(item) for item in node]
    if not isinstance(node, dict):
        return node
    out = {key: _without_null(value) for key, value in node.items() if not (key == "default" and value is None)}
    if isinstance(out.get("anyOf"), list):
        out["anyOf"] = [option for option in out["anyOf"] if option != {"type": "null"}]
        if len(out["anyOf"]) == 1:
            only = out.pop("anyOf")[0]
            out = {**only, **out}
    if isinstance(out.get("properties"), dict):
        out["properties"] = {name: _untitled(value) for name, value in out["properties"].items()}
    return out


def _untitled(value: Any) -> Any:
    return {k: v for k, v in value.items() if k != "title"} if isinstance(value, dict) else value


def codes_table() -> str:
    """Every diagnostic code, as a markdown table."""
    rows = "\n".join(f"| {code.id} | {code.meaning} |" for code in Code)
    return f"| code | meaning |\n| --- | --- |\n{rows}\n"
