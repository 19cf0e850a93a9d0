"""A published usage file beside the policy it was made for, for people: one row a meter."""

from __future__ import annotations

from dataclasses import dataclass

from fbplan.metering.memory import Memory, remembered
from fbplan.runtime.grants import is_live
from fbplan.runtime.policy import WRITTEN, Meter, Policy
from fbplan.runtime.times import stamp_of
from fbplan.runtime.usage import BucketUse, MeterUse, Usage, read_usage

_PPM = 1_000_000


@dataclass(frozen=True, slots=True)
class UseRow:
    """Bytes; None where nothing tells. `tier` is the one that is left: soft, hard or none; `left` is what of it."""

    bucket: str
    meter: str
    period: str
    used: int | None
    limit: int | None
    is_limited: bool
    share_ppm: int | None
    tier: str | None
    left: int | None
    granted_soft: int
    granted_hard: int
    is_granting: bool
    """Whether there is a grant that runs."""
    quality: str
    node: str
    resets_at: str | None
    as_of: str


@dataclass(frozen=True, slots=True)
class UsageView:
    """One usage file. `remarks` are what somebody should know who looks at it."""

    label: str
    seq: int
    policy_generation: int
    published_at: str
    age_s: int
    as_of: str
    rows: tuple[UseRow, ...]
    remarks: tuple[str, ...]


def usage_view(raw: bytes, policy: Policy | None, now_ms: int, label: str) -> UsageView:
    """Raises Unusable when `raw` is no usage file."""
    usage, memory = read_usage(raw), remembered(raw)
    rows = tuple(
        _row(name, found, meter, found.meters[meter], usage, memory, policy, now_ms)
        for name, found in usage.buckets.items()
        if policy is None or name in policy.buckets
        for meter in found.meters
    )
    return UsageView(
        label,
        usage.seq,
        usage.policy_generation,
        stamp_of(usage.published_ms),
        max(0, now_ms - usage.published_ms) // 1000,
        stamp_of(usage.as_of_ms),
        rows,
        tuple(_remarks(usage, memory, policy, rows, now_ms)),
    )


def _row(
    bucket: str,
    found: BucketUse,
    meter: str,
    use: MeterUse,
    usage: Usage,
    memory: Memory,
    policy: Policy | None,
    now_ms: int,
) -> UseRow:
    held = policy.buckets.get(bucket) if policy is not None else None
    cap = next((cap for cap in held.meters if cap.name == meter), None) if held is not None else None
    used = None if found.quality == "unknown" and meter == WRITTEN else use.used
    tier, left = _left(cap, used)
    known = memory.meters.get((bucket, meter))
    return UseRow(
        bucket=bucket,
        meter=meter,
        period=use.period,
        used=used,
        limit=cap.limit if cap is not None else None,
        is_limited=cap is None or cap.limit is not None,
        share_ppm=used * _PPM // cap.limit if cap is not None and cap.limit and used is not None else None,
        tier=tier,
        left=left,
        granted_soft=use.soft,
        granted_hard=use.hard,
        is_granting=use.hard > 0 and is_live(now_ms, found.expires_ms, 0),
        quality=found.quality,
        node=found.node,
        resets_at=stamp_of(use.resets_ms) if use.resets_ms is not None else None,
        as_of=stamp_of(known.as_of_ms if known is not None else usage.as_of_ms),
    )


def _left(cap: Meter | None, used: int | None) -> tuple[str | None, int | None]:
    if cap is None or used is None or cap.limit is None:
        return None, None
    if used < cap.soft:
        return "soft", cap.soft - used
    return ("hard", cap.hard - used) if used < cap.hard else ("none", 0)


def _remarks(usage: Usage, memory: Memory, policy: Policy | None, rows: tuple[UseRow, ...], now_ms: int) -> list[str]:
    out = []
    last_ms = max((found.expires_ms for found in usage.buckets.values()), default=0)
    if usage.buckets and last_ms <= now_ms:
        out.append(
            f"its grants ended at {stamp_of(last_ms)}: writers that live on them stand still; is the poller running?"
        )
    if memory.failures:
        out.append(f"the last {memory.failures} polls could not read everything; see the poller's messages")
    blind_ms = max(
        (
            memory.meters[row.bucket, row.meter].blind_until_ms
            for row in rows
            if row.is_limited and row.meter == WRITTEN
        ),
        default=0,
    )
    if blind_ms:
        out.append(f"earlier grants are not known: nothing is granted until the statistics reach {stamp_of(blind_ms)}")
    if policy is not None and policy.generation != usage.policy_generation:
        out.append(
            f"it was made for generation {usage.policy_generation} of the policy, the file here is {policy.generation}"
        )
    return out
