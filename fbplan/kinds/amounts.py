"""Sizes, ratios and durations as a person writes them, as exact integers."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import BeforeValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

_DECIMAL = {"B": 1, "kB": 10**3, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12, "PB": 10**15}
_BINARY = {"KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "TiB": 2**40, "PiB": 2**50}
_SIZE = re.compile(r"([0-9]+)(?:\.([0-9]+))?\s*([A-Za-z]*)")
_PERCENT = re.compile(r"([0-9]{1,3})(?:\.([0-9]{1,4}))?\s*%")
_SPAN = re.compile(r"([0-9]+)\s*(ms|s|m|h|d|w)")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
MAX_BYTES = 2**53 - 1
"""The largest integer that every JSON reader keeps exactly."""
MAX_SECONDS = 36_500 * 86_400
"""A hundred years; a calendar ends somewhere after that."""


def parse_size(value: object) -> object:
    """`500GB`, `1.5TiB` or a plain integer of bytes → bytes; a bare `G` is refused because it has two readings."""
    if isinstance(value, int) and not isinstance(value, bool):
        return _bounded(value)
    found = _SIZE.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise PydanticCustomError("size", "not a size", {"fix": "write it like 500GB, 1.5TB or 200GiB"})
    whole, fraction, unit = found[1], found[2] or "", found[3]
    if len(whole) + len(fraction) > 30:
        raise PydanticCustomError("size", "too long to be a size", {"fix": "write it like 500GB"})
    scale = _DECIMAL.get(unit) or _BINARY.get(unit)
    if scale is None:
        told = "without a unit" if not unit else "without an exact unit"
        amount = f"{whole}.{fraction}" if fraction else whole
        raise PydanticCustomError("size", told, {"fix": _readings(amount, unit)})
    scaled = int(whole + fraction) * scale
    if scaled % 10 ** len(fraction):
        raise PydanticCustomError("size", "not a whole number of bytes", {"fix": "write it with a smaller unit"})
    return _bounded(scaled // 10 ** len(fraction))


def _readings(amount: str, unit: str) -> str:
    """Both ways to read `500G`, `500gb` or `500Gi`; every unit for one that is none."""
    letter = unit[:1].upper()
    if letter and letter in "KMGTP" and unit[1:].lower() in {"", "b", "i", "ib"}:
        return f"write {amount}{'k' if letter == 'K' else letter}B (decimal) or {amount}{letter}iB (binary)"
    return "write it with a unit: B, kB, MB, GB, TB, PB, KiB, MiB, GiB, TiB or PiB"


def _bounded(value: int) -> int:
    if value < 0:
        raise PydanticCustomError("size", "less than nothing", {"fix": "write it like 500GB"})
    if value > MAX_BYTES:
        raise PydanticCustomError("size", "more than 2^53-1 bytes", {"fix": "use `unlimited` for no limit"})
    return value


def parse_ratio(value: object) -> object:
    """`80%` → 800000 parts per million, exactly."""
    found = _PERCENT.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise PydanticCustomError("ratio", "not a percentage", {"fix": "write it like 80% or 97.5%"})
    ppm = int(found[1]) * 10_000 + int((found[2] or "").ljust(4, "0"))
    if ppm > 1_000_000:
        raise PydanticCustomError("ratio", "more than 100%", {"fix": "write a percentage from 0% to 100%"})
    return ppm


def parse_duration(value: object) -> object:
    """`90d`, `72h`, `30s` → seconds."""
    found = _SPAN.fullmatch(value) if isinstance(value, str) else None
    if found is None or found[2] == "ms":
        raise PydanticCustomError("duration", "not a duration", {"fix": "write it like 90d, 72h, 30m or 45s"})
    return _seconds(found)


def parse_millis(value: object) -> object:
    """`5s` or `250ms` → milliseconds."""
    found = _SPAN.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise PydanticCustomError("duration", "not a duration", {"fix": "write it like 5s or 250ms"})
    if found[2] != "ms":
        return _seconds(found) * 1000
    return int(found[1]) if len(found[1]) <= 12 else _seconds(found)


def _seconds(found: re.Match[str]) -> int:
    seconds = int(found[1]) * _SECONDS.get(found[2], 1) if len(found[1]) <= 12 else MAX_SECONDS + 1
    if seconds > MAX_SECONDS:
        raise PydanticCustomError("duration", "longer than 100 years", {"fix": "write a shorter one"})
    return seconds


def span(seconds: int) -> str:
    """A duration as a spec would write it: `90d`, `24h`, `45s`; days from two on."""
    for unit, length, least in (("d", 86_400, 172_800), ("h", 3600, 3600), ("m", 60, 60)):
        if seconds >= least and seconds % length == 0:
            return f"{seconds // length}{unit}"
    return f"{seconds}s"


def parse_limit(value: object) -> object:
    return value if value == "unlimited" else parse_size(value)


_SIZE_SCHEMA = {
    "type": ["string", "integer"],
    "minimum": 0,
    "maximum": MAX_BYTES,
    "pattern": r"^[0-9]+(\.[0-9]+)?\s*(B|[kKMGTP]B|[KMGTP]iB)$",
    "examples": ["500GB", "1.5TiB"],
}
_span_schema = {"type": "string", "pattern": r"^[0-9]+\s*(s|m|h|d|w)$", "examples": ["90d", "72h"]}

Ratio = Annotated[
    int,
    BeforeValidator(parse_ratio),
    WithJsonSchema(
        {"type": "string", "pattern": r"^(100(\.0{1,4})?|0?[0-9]{1,2}(\.[0-9]{1,4})?)\s*%$", "examples": ["80%"]}
    ),
]
Duration = Annotated[int, BeforeValidator(parse_duration), WithJsonSchema(_span_schema)]
Millis = Annotated[
    int,
    BeforeValidator(parse_millis),
    WithJsonSchema({"type": "string", "pattern": r"^[0-9]+\s*(ms|s|m|h|d|w)$", "examples": ["5s", "250ms"]}),
]
Limit = Annotated[
    int | Literal["unlimited"],
    BeforeValidator(parse_limit),
    WithJsonSchema({"anyOf": [{"const": "unlimited"}, _SIZE_SCHEMA]}),
]
