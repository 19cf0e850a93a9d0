"""What to write instead of a value of the wrong type or form, with the value itself where it is known what was meant."""

from __future__ import annotations

import re
from collections.abc import Mapping

from fbplan.spec.document import TreePath
from fbplan.spec.slips import ADD_SPACE, is_abutted
from fbplan.spec.vocabulary import words_at

WANTED: Mapping[str, str] = {
    "string_type": "a text",
    "int_type": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "dict_type": "a mapping",
    "list_type": "a list",
    "tuple_type": "a list",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
}
"""Pydantic's types of error for a value of another type, and what belongs there."""
NOT_FILLED_IN = "no variable is filled in here"
_YES_NO = {"true": "true", "yes": "true", "on": "true", "y": "true", "false": "false", "no": "false", "off": "false"}
_ENTRIES = {
    "buckets": "- {{bucket: {}}}",
    "delete": "- {{address: {}, reason: …}}",
    "forget": "- {{address: {}, reason: …}}",
}
_NAME = re.compile(r"[A-Za-z0-9][\w.-]{0,126}", re.ASCII)
_VARIABLE = re.compile(r"\$\{\s*([A-Z_][A-Z0-9_]*)\s*\}")
_TEMPLATE = re.compile(r"\$\{.*\}", re.DOTALL)
_SAME_THING = {
    "azure": "Azure is BLOB",
    "aws": "AWS is S3",
    "gcp": "Google is GCS",
    "google": "Google is GCS",
    "gs": "Google is GCS",
}


def retyped(kind: str, value: object, path: TreePath) -> str:
    """How a value of the wrong type is put right; `kind` is one of WANTED."""
    known = words_at(path)
    match WANTED[kind], value:
        case "true or false", str() if value.lower() in _YES_NO:
            return f"write {_YES_NO[value.lower()]}, without quotes"
        case (("a whole number" | "a number"), str()) if re.fullmatch(r"-?[0-9]{1,15}", value):
            return "write it without quotes"
        case "a text", int() | float():
            return "put it in quotes"
        case "a list", str():
            return "write it as a list: [...]"
        case "a mapping", str() if is_abutted(value, known.fields):
            return ADD_SPACE
        case "a mapping", str() if _NAME.fullmatch(value) and isinstance(path[-1], int) and path[-2] in _ENTRIES:
            return f"write `{_ENTRIES[str(path[-2])].format(value)}`"
        case "a mapping", list() if known.entries is not None:
            return "write each entry as `NAME: {…}`, without a dash"
    return f"write {WANTED[kind]}"


def same_thing(value: object, allowed: list[str]) -> str:
    """Which of the allowed words stands for what was written; empty when that is not known."""
    told = _SAME_THING.get(value.lower(), "") if isinstance(value, str) else ""
    return told if told.rpartition(" ")[2] in allowed else ""


def source_meant(value: object) -> str | None:
    """The source for `${NAME}`, as other tools fill it in. Of any other text nothing is shown: it may be the secret."""
    if not isinstance(value, str) or _TEMPLATE.fullmatch(value.strip()) is None:
        return None
    found = _VARIABLE.fullmatch(value.strip())
    return f"{{env: {found[1] if found is not None else 'NAME'}}}"
