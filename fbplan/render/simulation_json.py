"""A simulated month for programs: JSON with a `format_version`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from fbplan.errors import ExitCode
from fbplan.render.machine import exit_json
from fbplan.simulation.difference import Difference
from fbplan.simulation.moments import stamp
from fbplan.simulation.result import CapCourse, Simulation


def simulation_json(found: Simulation, changed: Sequence[Difference] | None) -> dict[str, Any]:
    """Times are RFC 3339, amounts bytes, durations seconds; `differences` only when two policies were compared."""
    return {
        "format": "fbplan.simulation",
        "format_version": 1,
        "from": stamp(found.start_ms),
        "until": stamp(found.end_ms),
        "terms": {
            "poll_s": found.terms.poll_ms // 1000,
            "lag_s": found.terms.lag_ms // 1000,
            "max_lag_s": found.terms.max_lag_ms // 1000,
            "simple": found.terms.is_simple,
        },
        "content_digest": found.content_digest,
        "buckets": [
            {"bucket": b.name, "written": b.written, "caps": [_cap_json(cap) for cap in b.caps]} for b in found.buckets
        ],
        "repositories": [
            {
                "repository": r.name,
                "writers": r.writers,
                "wanted": r.wanted,
                "written": r.written,
                "refused": r.refused,
                "read_only_s": r.read_only_ms // 1000,
                "read_only": [{"from": stamp(a), "until": stamp(b)} for a, b in r.read_only],
                "switches": [{"at": stamp(s.at_ms), "before": s.before, "after": s.after} for s in r.switches],
            }
            for r in found.repositories
        ],
        "read_only_s": found.read_only_ms // 1000,
        "overshoot": found.overshoot,
        "notes": list(found.notes),
        **({} if changed is None else {"differences": [_difference_json(d) for d in changed]}),
    }


def simulation_document(found: Simulation, changed: Sequence[Difference] | None, exit_code: ExitCode) -> str:
    body = {**simulation_json(found, changed), "exit": exit_json(exit_code)}
    return json.dumps(body, indent=1, ensure_ascii=False) + "\n"


def _cap_json(cap: CapCourse) -> dict[str, Any]:
    return {
        "meter": cap.meter,
        "limit": cap.limit,
        "soft": cap.soft,
        "hard": cap.hard,
        "used": cap.used,
        "peak": cap.peak,
        "left": cap.left,
        "overshoot": cap.overshoot,
        "reached": [
            {
                "period": r.period,
                "soft_at": None if r.soft_ms is None else stamp(r.soft_ms),
                "hard_at": None if r.hard_ms is None else stamp(r.hard_ms),
            }
            for r in cap.reached
        ],
    }


def _difference_json(found: Difference) -> dict[str, Any]:
    def shown(value: int | None) -> int | str | None:
        if value is None:
            return None
        return stamp(value) if found.unit == "time" else value // 1000 if found.unit == "duration" else value

    return {
        "subject": found.subject,
        "figure": found.figure,
        "unit": "seconds" if found.unit == "duration" else found.unit,
        "before": shown(found.before),
        "after": shown(found.after),
    }
