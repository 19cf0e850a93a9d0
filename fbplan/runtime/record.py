"""The decision record: what a write considered, tried and came to, as JSON of integers and text."""

from __future__ import annotations

from typing import Any

from fbplan.runtime.decision import Candidate, Decision
from fbplan.runtime.view import View

FORMAT = "fbplan.decision/1"


def decision_record(decision: Decision) -> dict[str, Any]:
    """One decision of a write. `retry_at_ms` is null where no time is known."""
    return {
        "at_ms": decision.at_ms,
        "bucket": decision.bucket,
        "rule": decision.rule,
        "retry_at_ms": decision.retry_at_ms,
        "candidates": [_candidate(candidate) for candidate in decision.candidates],
    }


def _candidate(found: Candidate) -> dict[str, Any]:
    return {
        "bucket": found.bucket,
        "tier": found.tier,
        "rule": found.rule,
        "retry_at_ms": found.retry_at_ms,
        "used": found.used,
        "own": found.own,
        "limit": found.limit,
        "room": found.room,
    }


def basis(view: View) -> dict[str, Any]:
    """What the decisions of a write were founded on."""
    return {
        "format": FORMAT,
        "repository": view.repository.name,
        "writer": view.writer,
        "generation": view.policy.generation,
        "seq": None if view.usage is None else view.usage.seq,
        "simple": view.simple,
    }
