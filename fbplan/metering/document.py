"""A round as the usage file: `fbplan.usage/1`, sealed. What only the poller reads stands there too, as its memory."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fbplan.metering.health import Health
from fbplan.metering.memory import Known
from fbplan.metering.rounds import BucketRound, Habits, MeterRound, Round, shown_use
from fbplan.runtime.accept import next_usage
from fbplan.runtime.canonical import canonical, sealed
from fbplan.runtime.grants import Grant
from fbplan.runtime.policy import Policy
from fbplan.runtime.times import stamp_of
from fbplan.runtime.usage import FORMAT


def usage_bytes(made: Round, policy: Policy, habits: Habits, health: Mapping[str, Health]) -> bytes:
    """The file's content, which the chooser's own reader has accepted."""
    buckets = {
        found.bucket.name: _bucket(found, health.get(found.bucket.bucket_id, Health())) for found in made.buckets
    }
    for (bucket, meter), known in made.gone.items():
        entry = buckets.setdefault(bucket, {"quality": "unknown", "meters": {}, "expires_at": stamp_of(made.at_ms)})
        entry["meters"][meter] = _gone(known)
    document = sealed(
        {
            "format": FORMAT,
            "policy_generation": policy.generation,
            "policy_digest": policy.digest,
            "seq": made.seq,
            "published_at": stamp_of(made.at_ms),
            "as_of": stamp_of(made.as_of_ms),
            "poll_s": habits.poll_ms // 1000,
            "max_lag_s": habits.lag_ms // 1000,
            **({"failed_polls": made.failures} if made.failures else {}),
            "buckets": buckets,
        }
    )
    raw = canonical(document) + b"\n"  # indented it is twice as large, and every writer reads it every minute
    next_usage(None, policy, raw)
    return raw


def _bucket(found: BucketRound, health: Health) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "quality": found.quality,
        "meters": {m.meter.name: _meter(m) for m in found.meters},
        "expires_at": stamp_of(found.expires_ms),
        "writers": found.bucket.writers,
        "node": health.node,
    }
    if health.samples:
        entry |= {"put_p95_us": health.put_p95_us, "samples": health.samples}
    return entry


def _meter(found: MeterRound) -> dict[str, Any]:
    given, span, known = found.round, found.standing.span, found.known
    shown: dict[str, Any] = {"period": span.key, "used": shown_use(found)}
    if span.ends_ms is not None:
        shown["resets_at"] = stamp_of(span.ends_ms)
    if given is not None:
        shown["grants"] = [{"id": g.id, "tier": g.tier, "bytes": g.size} for g in given.grants]
        shown["earlier"] = [_earlier(g) for g in given.earlier if g.size]
    return {**shown, **_remembered(known)}


def _gone(known: Known) -> dict[str, Any]:
    highest = max(known.highs.items(), key=lambda high: high[1], default=("none", 0))
    shown = {"period": highest[0], "used": highest[1], "earlier": [_earlier(g) for g in known.earlier]}
    return {**shown, **_remembered(known)}


def _remembered(known: Known) -> dict[str, Any]:
    shown: dict[str, Any] = {"as_of": stamp_of(known.as_of_ms)}
    if known.highs:
        shown["highs"] = dict(known.highs)
    if known.blind_until_ms:
        shown["blind_until"] = stamp_of(known.blind_until_ms)
    return shown


def _earlier(grant: Grant) -> dict[str, Any]:
    return {"id": grant.id, "tier": grant.tier, "bytes": grant.size, "expires_at": stamp_of(grant.expires_ms)}
