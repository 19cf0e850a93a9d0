"""Values of the policy as a person reads them: sizes, shares, times."""

from __future__ import annotations

from fbplan.kinds.base import Json
from fbplan.policy.reading import printable

_UNITS = (
    *((f"{prefix}B", 10**power) for prefix, power in (("P", 15), ("T", 12), ("G", 9), ("M", 6), ("k", 3))),
    *((f"{prefix}iB", 2**power) for prefix, power in (("P", 50), ("T", 40), ("G", 30), ("M", 20), ("K", 10))),
)


def size(count: int) -> str:
    """The shortest exact way to write a number of bytes: `500 GB`, `1.5 TB`, `2 TiB`, else plain bytes."""
    exact = [
        f"{_decimal(count * 1000 // scale, 3)} {unit}"
        for unit, scale in _UNITS
        if count >= scale and count * 1000 % scale == 0
    ]
    # min takes the first of equals: decimal before binary, large units before small ones
    return min([*exact, f"{count} B"], key=len)


def share(ppm: int) -> str:
    """`80%`, `97.5%`."""
    return f"{_decimal(ppm, 4)}%"


def ratio(ppm: int) -> str:
    """`0.8`, `1.0`: the literal of a float in most languages, exact."""
    text = _decimal(ppm, 6)
    return text if "." in text else f"{text}.0"


def _decimal(scaled: int, places: int) -> str:
    whole, fraction = divmod(scaled, 10**places)
    return f"{whole}.{fraction:0{places}}".rstrip("0").rstrip(".")


def label(key: str) -> str:
    """The key without its unit, which stands in the value."""
    return key.removesuffix("_ppm").removesuffix("_ms").removesuffix("_s")


def worded(key: str, value: Json) -> str:
    """The value of a key, with its unit."""
    match value:
        case None:
            return "unlimited" if key == "limit" else "none"
        case int() if key == "limit":
            return size(value)
        case int() if key.endswith("_ppm"):
            return share(value)
        case int() if key.endswith("_ms"):
            return f"{value} ms"
        case int() if key.endswith("_s"):
            return f"{value} s"
        case str():
            return printable(value) or "(none)"
        case _:
            return printable(str(value))


def chain(names: list[str]) -> str:
    """An order of buckets."""
    return " → ".join(map(printable, names)) or "(no bucket takes writes)"
