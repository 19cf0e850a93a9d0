"""What writers report: that a store refused for want of quota under the cap, so that the credit is not what was thought.

A service appends the alarms of its Router to a file, one JSON object a line; those of several services may be joined.
    {"alarm": "credit_mismatch", "at": "2026-11-18T10:00:00Z", "bucket": "app-logs-gcp", "repository": "app-data"}
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from fbplan.metering.rounds import MeterRound, Round
from fbplan.runtime.times import stamp_ms, stamp_of

MISMATCH = "credit_mismatch"
_MOST = 1_048_576
"""Bytes that are looked at, from the end: what is older was told before."""


def read_reports(path: Path) -> dict[str, int]:
    """Bucket → when the last mismatch was reported. Lines that are no such report are left out; raises OSError."""
    with path.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(max(0, size - _MOST))
        lines = file.read(_MOST).splitlines()
    found: dict[str, int] = {}
    for line in lines:
        told = _report(line)
        if told is not None:
            found[told[0]] = max(found.get(told[0], 0), told[1])
    return found


def mismatches(made: Round, reports: Mapping[str, int], told: Mapping[str, int]) -> dict[str, str]:
    """Bucket → what to say of a report that is news and speaks of a cap that is not reached."""
    out: dict[str, str] = {}
    for bucket in made.buckets:
        name = bucket.bucket.name
        at_ms = reports.get(name, 0)
        cap = next((m for m in bucket.meters if m.round is not None), None)
        if cap is not None and at_ms > told.get(name, 0) and cap.standing.used < cap.meter.hard:
            out[name] = _said(name, at_ms, cap)
    return out


def _said(name: str, at_ms: int, cap: MeterRound) -> str:
    used = cap.standing.used
    return (
        f"{name}: at {stamp_of(at_ms)} the store refused a write for want of quota, at a use of {used} of "
        f"{cap.meter.limit} bytes: the credit is smaller, or somebody else uses it. Look it up at the provider; if it is "
        f"all gone: soft_cap: {{limit: {used}B}}"
    )


def _report(line: bytes) -> tuple[str, int] | None:
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(found, dict) or found.get("alarm") != MISMATCH:
        return None
    bucket, at = found.get("bucket"), found.get("at")
    at_ms = stamp_ms(at) if isinstance(at, str) else None
    return (bucket, at_ms) if isinstance(bucket, str) and at_ms is not None else None
