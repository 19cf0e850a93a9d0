"""Whether GET /user/quota says that there is room for one more bucket (API notes §8: its codes are not documented)."""

from __future__ import annotations

from typing import Any

_UNITS = ("byte", "size", "gb", "traffic", "egress", "ingress")


def is_full_of_buckets(found: Any) -> bool:
    """Whether a capability that counts buckets is used up. Any shape is taken; what cannot be read says nothing."""
    rows = found.get("quotaUsage") if isinstance(found, dict) else None
    return any(_is_used_up(row) for row in (rows if isinstance(rows, list) else ()))


def _is_used_up(row: Any) -> bool:
    if not isinstance(row, dict):
        return False
    capability, usage = row.get("capability"), row.get("usage")
    if not isinstance(capability, dict) or not isinstance(usage, dict):
        return False
    words = " ".join(str(capability.get(name) or "") for name in ("code", "description")).lower()
    if "bucket" not in words or any(unit in words for unit in _UNITS):
        return False
    current, most = _number(usage.get("current")), _number(usage.get("max"))
    # No limit may read as 0, -1 or null; only a real limit can be reached.
    return current is not None and most is not None and current >= most > 0


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        return float(value)
    except (ValueError, OverflowError):
        return None
