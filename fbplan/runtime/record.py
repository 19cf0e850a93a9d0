"""The decision record: what a write considered, tried and came to, as JSON of integers and text."""

from __future__ import annotations

from typing import Any

from fbplan.runtime.decision import Candidate, Decision
from fbplan.runtime.flight import Attempt, Flight

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


def write_record(flight: Flight) -> dict[str, Any]:
    """The record of a write that has ended."""
    view, last = flight.view, flight.decisions[-1]
    attempts = () if "9.record" in view.off else flight.attempts
    ended = max((attempt.end_ms for attempt in flight.attempts), default=last.at_ms)
    outcome = flight.action.do
    return {
        "format": FORMAT,
        "repository": view.repository.name,
        "writer": view.writer,
        "generation": view.policy.generation,
        "seq": None if view.usage is None else view.usage.seq,
        "simple": view.simple,
        "size": flight.request.size,
        "at_ms": flight.began_ms,
        "took_ms": ended - flight.began_ms,
        "decisions": [decision_record(decision) for decision in flight.decisions],
        "attempts": [_attempt(attempt) for attempt in attempts],
        "charged": sum(attempt.charge for attempt in flight.attempts),
        "alarms": list(flight.alarms),
        "outcome": outcome,
        "bucket": flight.action.bucket,
        "rule": flight.rule or last.rule,
        "retry_at_ms": last.retry_at_ms if outcome == "read_only" else None,
    }


def _attempt(found: Attempt) -> dict[str, Any]:
    return {
        "decision": found.decision,
        "bucket": found.bucket,
        "at_ms": found.at_ms,
        "end_ms": found.end_ms,
        "charge": found.charge,
        "status": found.status,
        "code": found.code,
        "class": found.kind,
        "rule": found.rule,
        "settled": found.settled,
        "then": found.then,
    }
