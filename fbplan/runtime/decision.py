"""One decision: a pure function of the policy and of what was used. ROUTING §3, rules 1, 2, 5 and 6.

Usage that is missing is an error state, never zero: a bucket whose use is not known takes no write.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_PPM = 1_000_000
_DEFAULT_SOFT, _DEFAULT_HARD, _DEFAULT_METER = 800_000, 1_000_000, "ingress_bytes"


@dataclass(frozen=True, slots=True)
class Decision:
    """The bucket that takes the next write (None: read-only), and for every candidate why it does or does not."""

    bucket: str | None
    reasons: tuple[tuple[str, str], ...]


def choose(
    policy: Mapping[str, Any], repository: str, used: Mapping[str, Mapping[str, int]], size: int = 0
) -> Decision:
    """Pick a bucket for a write of `size` bytes. `used` is bucket → meter → bytes in the running period.

    Soft caps are left while another bucket is open; hard caps are never passed. Raises KeyError for a repository that
    the policy does not know.
    """
    order = policy["repositories"][repository]["order"]
    tiers: dict[str, list[str]] = {"open": [], "last resort": []}
    reasons = []
    for name in order:
        tier, reason = _tier(policy["buckets"][name], used.get(name), size)
        reasons.append((name, reason))
        if tier in tiers:
            tiers[tier].append(name)
    best = next((group[0] for group in tiers.values() if group), None)
    return Decision(best, tuple(reasons))


def _tier(bucket: Mapping[str, Any], used: Mapping[str, int] | None, size: int) -> tuple[str, str]:
    if bucket.get("state", "active") != "active":
        return "closed", f"state is {bucket['state']}"
    tier, reason = "open", "no cap"
    for meter in bucket.get("meters", ()):
        name, limit = meter.get("meter", _DEFAULT_METER), meter.get("limit")
        if limit is None or name != _DEFAULT_METER:
            continue
        if used is None or name not in used:
            return "closed", f"its {name} are not known"
        after = used[name] + size
        soft = limit * meter.get("soft_ppm", _DEFAULT_SOFT) // _PPM
        hard = limit * (meter.get("hard_ppm", _DEFAULT_HARD) - meter.get("reserve_ppm", 0)) // _PPM
        share = f"{used[name] * 100 // limit if limit else 100}% used"
        if after > hard or used[name] >= hard:
            return "closed", f"at its hard cap: {share}"
        if after > soft or used[name] >= soft:
            tier, reason = "last resort", f"past its soft cap: {share}"
        elif tier == "open":
            reason = f"open: {share}"
    return tier, reason


def used_since(rows: list[Mapping[str, Any]], policy: Mapping[str, Any], start: int) -> dict[str, dict[str, int]]:
    """Sum rows of `/stats/daily` since `start` (Unix seconds) by bucket; counters may be strings, ids have two names.

    Buckets without a row get 0 only because the statistics did answer; when they did not, do not call this.
    """
    names = {entry.get("bucket_id"): name for name, entry in policy["buckets"].items()}
    out = {name: {"ingress_bytes": 0, "egress_bytes": 0, "stored_bytes": 0} for name in policy["buckets"]}
    for row in rows:
        name = names.get(row.get("bucketId") or row.get("unitId"))
        stamp = int(row.get("timestamp") or 0)
        if name is None or (stamp // 1000 if stamp > 10**11 else stamp) < start:
            continue
        for meter, field in (
            ("ingress_bytes", "upl_bytes"),
            ("egress_bytes", "dwl_bytes"),
            ("stored_bytes", "size_change"),
        ):
            out[name][meter] += int(row.get(field) or 0)
    return out
