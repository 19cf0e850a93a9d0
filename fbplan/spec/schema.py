"""The JSON Schema of a spec, for editors and for other tools; and the table of diagnostic codes."""

from __future__ import annotations

import json
from typing import Any

from fbplan.errors import Code
from fbplan.spec.model import NAME_PATTERN, Spec


def spec_schema() -> str:
    """Draft 2020-12, ending in a newline. It refuses what the loader refuses, as far as a schema can tell."""
    head = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "https://github.com/fbplan/fbplan/schemas/spec.schema.json",
    }
    schema = {**head, **_as_the_loader_reads(Spec.model_json_schema()), "title": "fbplan spec"}
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def codes_table() -> str:
    """Every diagnostic code, as a markdown table."""
    rows = "\n".join(f"| {code.id} | {code.meaning} |" for code in Code)
    return f"| code | meaning |\n| --- | --- |\n{rows}\n"


def _as_the_loader_reads(node: Any) -> Any:
    """Pydantic's schema without null, with closed maps of plain names, and defaults as a person writes them."""
    if isinstance(node, list):
        return [_as_the_loader_reads(part) for part in node]
    if not isinstance(node, dict):
        return node
    out = {key: _as_the_loader_reads(value) for key, value in node.items()}
    if "default" in out and not _is_plain_default(out):
        del out["default"]
    if isinstance(out.get("anyOf"), list):
        options = [option for option in out.pop("anyOf") if option != {"type": "null"}]
        out = {**options[0], **out} if len(options) == 1 else {"anyOf": options, **out}
    if "patternProperties" in out:
        (entry,) = out.pop("patternProperties").values()
        out["additionalProperties"] = entry
    if isinstance(out.get("additionalProperties"), dict):
        out["propertyNames"] = {"pattern": NAME_PATTERN}
    if isinstance(out.get("properties"), dict):
        out["properties"] = {name: _untitled(value) for name, value in out["properties"].items()}
    return out


def _is_plain_default(node: dict[str, Any]) -> bool:
    """Whether a default is what one would write: an amount is kept as a number, and a section has those of its keys."""
    default = node["default"]
    return isinstance(default, bool | str) or (isinstance(default, int | float) and node.get("type") != "string")


def _untitled(value: Any) -> Any:
    return {k: v for k, v in value.items() if k != "title"} if isinstance(value, dict) else value
