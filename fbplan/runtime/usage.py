"""What was used and what may still be written: `fbplan.usage/1`, published by the poller at each poll."""

from collections.abc import Mapping
from typing import NamedTuple

from fbplan.runtime.form import Part, Unusable, parse
from fbplan.runtime.policy import METERS, Policy
from fbplan.runtime.times import time_in

FORMAT = "fbplan.usage/1"
QUALITIES = ("ok", "partial", "stale", "unknown")
NODES = ("ONLINE", "OFFLINE", "DISCONNECTED", "UNKNOWN")
TIERS = ("soft", "hard")


class MeterUse(NamedTuple):
    """Use of one meter in its period, and the bytes that the whole fleet may start before the bucket's expiry."""

    period: str
    used: int
    soft: int
    hard: int
    resets_ms: int | None


class BucketUse(NamedTuple):
    quality: str
    meters: Mapping[str, MeterUse]
    expires_ms: int
    writers: int
    """The number of writers that the poller had in mind; the larger of this and the policy's divides a grant."""
    node: str
    put_p95_us: int
    samples: int


class Usage(NamedTuple):
    policy_generation: int
    seq: int
    digest: str
    published_ms: int
    as_of_ms: int
    poll_ms: int
    buckets: Mapping[str, BucketUse]


def read_usage(raw: bytes) -> Usage:
    """The usage in the bytes of a file. Raises Unusable."""
    document = Part("", parse(raw, FORMAT))
    document.digest("policy_digest")
    document.integer("max_lag_s")
    document.integer("min_reader", 1, 1)
    return Usage(
        policy_generation=document.integer("policy_generation", low=1),
        seq=document.integer("seq", low=1),
        digest=document.digest("digest"),
        published_ms=time_in(document, "published_at"),
        as_of_ms=time_in(document, "as_of"),
        poll_ms=document.integer("poll_s", low=1) * 1000,
        buckets={name: _bucket(part) for name, part in document.named("buckets", required=True)},
    )


def _bucket(part: Part) -> BucketUse:
    meters = part.part("meters") if "meters" in part.held else None
    if meters is None:
        raise Unusable("shape", f"{part.at}.meters: missing")
    return BucketUse(
        quality=part.word("quality", QUALITIES),
        meters={name: _meter(meters.part(name)) for name in METERS if name in meters.held},
        expires_ms=time_in(part, "expires_at"),
        writers=part.integer("writers", 1),
        node=part.word("node", NODES, "UNKNOWN"),
        put_p95_us=part.integer("put_p95_us", 0),
        samples=part.integer("samples", 0),
    )


def _meter(part: Part) -> MeterUse:
    granted: dict[str, int] = {}
    for grant in part.each("grants"):
        grant.text("id")
        tier = grant.word("tier", TIERS)
        if tier in granted:
            raise Unusable("shape", f"{grant.at}: a second grant of tier {tier}")
        granted[tier] = grant.integer("bytes")
    return MeterUse(
        period=part.text("period"),
        used=part.integer("used"),
        soft=granted.get("soft", 0),
        hard=granted.get("hard", 0),
        resets_ms=time_in(part, "resets_at") if "resets_at" in part.held else None,
    )


def missing_meter(policy: Policy, usage: Usage) -> str | None:
    """A capped meter of the policy that the usage does not speak of, as `bucket.meter`; None when all are there."""
    for name, bucket in policy.buckets.items():
        found = usage.buckets.get(name)
        for cap in bucket.meters:
            if cap.limit is not None and (found is None or cap.name not in found.meters):
                return f"{name}.{cap.name}"
    return None
