"""How the nodes in front of a bucket are, and how fast writes were: hints, so what is missing or odd is left out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

_BEST_FIRST = ("ONLINE", "DISCONNECTED", "OFFLINE")
WINDOW_MS = 3_600_000


@dataclass(frozen=True, slots=True)
class Health:
    """The best node of a bucket; of the minutes in which something was written to it the 95th percentile of latency."""

    node: str = "UNKNOWN"
    put_p95_us: int = 0
    samples: int = 0


def health_of(
    bucket_ids: Iterable[str], nodes: Iterable[Mapping[str, Any]], minutes: Iterable[Mapping[str, Any]]
) -> dict[str, Health]:
    """By remote id. The statistics tell no single write: a sample is one minute of one host."""
    words: dict[str, set[str]] = {}
    times: dict[str, list[int]] = {}
    for row in nodes:
        words.setdefault(_bucket(row), set()).add(str(row.get("nodeStatus") or "").upper())
    for row in minutes:
        latency = row.get("latency_ms")
        is_number = isinstance(latency, int | float) and not isinstance(latency, bool)
        if is_number and 0 <= latency < 10**7 and str(row.get("upl_bytes") or "0") not in {"", "0"}:  # type: ignore[operator]  # is_number
            times.setdefault(_bucket(row), []).append(round(latency * 1000))  # type: ignore[operator]  # is_number
    return {bucket: _health(words.get(bucket, set()), times.get(bucket, [])) for bucket in bucket_ids}


def _health(words: set[str], times: list[int]) -> Health:
    node = next((word for word in _BEST_FIRST if word in words), "UNKNOWN")
    ranked = sorted(times)
    return Health(node, ranked[-(-len(ranked) * 95 // 100) - 1] if ranked else 0, len(ranked))


def _bucket(row: Mapping[str, Any]) -> str:
    return str(row.get("bucketId") or row.get("unitId") or "")
