"""Random policies, usages, and the text of files that are damaged, odd or just allowed."""

from __future__ import annotations

import json
from random import Random
from typing import Any

from fbplan.runtime.canonical import MAX_INTEGER, sealed
from fbplan.runtime.times import stamp_of

T0 = 1_795_000_000_000
NAMES = ("a", "b", "c", "d_1")
ZONES = ("UTC", "UTC", "Europe/Berlin", "Asia/Kolkata", "America/St_Johns", "Pacific/Auckland", "No/Where", "utc")
ZERO = "sha256:" + "0" * 64
ODD = (0, 1, 2, 999_999, 1_000_000, 2**31, 2**32 + 1, MAX_INTEGER - 1, MAX_INTEGER)
_KEYS = ("generation", "ü", "\uffff", "😀", "\ud83d", "", "limit", "a b", "__proto__", "toString", "\u2028")


def amount(random: Random, near: int = 1000) -> int:
    """Bytes: mostly near the caps, sometimes at the ends of what an integer may be."""
    if random.random() < 0.08:
        return random.choice(ODD)
    return max(0, random.choice((near, near * 4 // 5, near // 2, 0)) + random.randint(-3, 3))


def policy(random: Random) -> dict[str, Any]:
    """A policy without its digest."""
    names = NAMES[: random.randint(1, len(NAMES))]
    order = random.sample(names, random.choice((len(names), len(names), random.randint(0, len(names)))))
    repository = {
        "repo_id": "r", "protocol": "S3", "order": order,
        "select": {
            "strategy": random.choice(("ordered", "ordered", "latency")),
            "hysteresis": {
                "reopen_ppm": random.choice((0, 500_000, 950_000, 1_000_000)),
                "min_closed_s": random.choice((0, 1, 60, 300, MAX_INTEGER)),
                "ramp_s": random.choice((0, 1, 60, 120, 86_400)),
            },
        },
        "retry": {
            "deadline_ms": random.choice((0, 100, 15_000, 60_000)),
            "per_try_ms": random.choice((0, 100, 5_000)),
            "max_hops": random.randint(0, 4),
        },
        "fleet": {"skew_s": random.choice((0, 2, 30)), "max_upload_s": random.choice((0, 60, 300))},
        "valid": {
            "expires_after_s": random.choice((60, 604_800, 604_800, MAX_INTEGER)),
            "on_expired": random.choice(("read_only", "continue")),
        },
    }  # fmt: skip
    for part in ("select", "retry", "fleet", "valid"):
        if random.random() < 0.4:
            del repository[part]
    return {
        "format": "fbplan.routing/1", "min_reader": 1, "generation": 7, "spec_digest": ZERO, "content_digest": ZERO,
        "repositories": {"app": repository},
        "buckets": {name: _bucket(random, name) for name in names},
    }  # fmt: skip


def _bucket(random: Random, name: str) -> dict[str, Any]:
    made: dict[str, Any] = {"bucket_id": name, "container": name, "storage_type": "S3", "folders": {"app": name}}
    if random.random() < 0.06:
        made["state"] = random.choice(("drain", "closed"))
    if random.random() < 0.3:
        made["writers"] = random.choice((0, 2, 3, 7, MAX_INTEGER))
    made["meters"] = [_meter(random) for _ in range(random.choice((0, 1, 1, 1, 2, 3)))]
    return made


def _meter(random: Random) -> dict[str, Any]:
    made: dict[str, Any] = {
        "meter": random.choice(("ingress_bytes",) * 6 + ("egress_bytes", "stored_bytes")),
        "limit": random.choice((None, amount(random), *(1000,) * 8)),
    }
    for key in ("soft_ppm", "hard_ppm", "reserve_ppm"):
        if random.random() < 0.15:
            made[key] = random.choice((0, 100_000, 333_333, 999_999, 1_000_000))
    if random.random() < 0.3:
        grace = random.choice((0, 60, 7_200, 31 * 86_400))
        made["period"] = {
            "kind": random.choice(("month", "month", "none")), "tz": random.choice(ZONES),
            "anchor_day": random.choice((1, 18, 19, 28)), "rollover_grace_s": grace,
        }  # fmt: skip
    return made


def usage(random: Random, names: list[str], seq: int, at_ms: int) -> dict[str, Any]:
    """A usage without its digest."""
    known = [name for name in names if random.random() < 0.93]
    return {
        "format": "fbplan.usage/1", "policy_generation": 7, "policy_digest": ZERO, "seq": seq, "max_lag_s": 120,
        "published_at": stamp_of(at_ms), "as_of": stamp_of(at_ms - random.choice((0, 120_000, 600_000))),
        "poll_s": random.choice((1, 60, 600)),
        "buckets": {name: _bucket_use(random, at_ms) for name in known},
    }  # fmt: skip


def _bucket_use(random: Random, at_ms: int) -> dict[str, Any]:
    made: dict[str, Any] = {
        "quality": random.choice(("ok",) * 8 + ("partial", "stale", "unknown")),
        "expires_at": stamp_of(at_ms + random.choice((0, 1, 90_000, 90_000, 3_600_000))),
        "meters": {"ingress_bytes": _meter_use(random, at_ms)},
    }
    for name in ("egress_bytes", "stored_bytes"):
        if random.random() < 0.3:
            made["meters"][name] = _meter_use(random, at_ms)
    if random.random() < 0.3:
        made["node"] = random.choice(("ONLINE", "ONLINE", "OFFLINE", "DISCONNECTED", "UNKNOWN"))
    if random.random() < 0.5:
        made["put_p95_us"] = random.choice((0, 40_000, 50_000, 31_999, 32_000, MAX_INTEGER))
        made["samples"] = random.choice((0, 49, 50, 500))
    if random.random() < 0.2:
        made["writers"] = random.choice((0, 1, 5, MAX_INTEGER))
    return made


def _meter_use(random: Random, at_ms: int) -> dict[str, Any]:
    tiers = random.choice((("soft", "hard"), ("soft", "hard"), ("hard",), ("soft",), ()))
    made: dict[str, Any] = {
        "period": random.choice(("2026-11", "2026-11", "2026-12", "none", "é")),
        "used": amount(random, random.choice((0, 500, 900, 1000))),
        "grants": [{"id": tier, "tier": tier, "bytes": amount(random, random.choice((100, 400)))} for tier in tiers],
    }
    if random.random() < 0.3:
        made["resets_at"] = stamp_of(at_ms + random.choice((-1, 1000, 86_400_000)))
    return made


def text(random: Random, document: dict[str, Any]) -> str:
    """The text of a file that holds the document, or nearly."""
    made = json.loads(json.dumps(document))
    for _ in range(random.choice((0, 0, 1, 1, 2))):
        _disturb(random, made)
    try:
        made = sealed(made) if random.random() < 0.9 else {**made, "digest": random.choice((ZERO, None, "\ud800", 1))}
    except UnicodeEncodeError:  # half of a surrogate pair has no digest
        made["digest"] = ZERO
    written = json.dumps(made, ensure_ascii=random.random() < 0.5, indent=random.choice((None, 1)))
    if random.random() < 0.25:
        written = _damaged(random, written)
    return written.encode("utf-8", "surrogatepass").decode("utf-8", "replace")


def _disturb(random: Random, made: dict[str, Any]) -> None:
    """One value somewhere becomes another, comes or goes."""
    at: Any = made
    while True:
        keys = list(at) if isinstance(at, dict) else list(range(len(at)))
        inner = [key for key in keys if isinstance(at[key], dict | list) and at[key]]
        if not inner or random.random() < 0.2:
            break
        at = at[random.choice(inner)]
    odd = random.choice(
        (None, True, "", "x", [], {}, -1, 0, 2**53, -(2**53), 10**30, {"ü": [1, "\u2028"]}, random.choice(ODD))
    )
    if isinstance(at, list) and not at:
        at.append(odd)
    elif isinstance(at, dict) and (not at or random.random() < 0.4):
        at[random.choice(_KEYS)] = odd
    else:
        key = random.choice(list(at) if isinstance(at, dict) else list(range(len(at))))
        if random.random() < 0.3:
            del at[key]
        else:
            at[key] = odd


def _damaged(random: Random, written: str) -> str:
    at = random.randrange(len(written))
    match random.randrange(7):
        case 0:
            return written[:at]
        case 1:
            return written[:at] + random.choice('{}[],:"\\\n\0 01.eE-\x7f\ufeff\u2029tfnNI') + written[at:]
        case 2:
            return written[:at] + written[at + 1 :]
        case 3:
            token = random.choice(("7.0", "7e0", "-0", "07", "NaN", "-Infinity", "1" * 4301, "-", "7.", "0x1", "tru"))
            return written.replace("7", token, 1)
        case 4:
            return random.choice(("\ufeff", " ", "\t\r\n", "\f", "\u00a0")) + written
        case 5:
            return written + random.choice((" ", "x", "{}", "\u2003"))
        case _:
            return written.replace("{", '{"x":1,"x":2,', 1)
