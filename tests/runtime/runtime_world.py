"""Small policies and usages for the tests of the chooser, as documents and as what is read from them."""

from __future__ import annotations

import json
from typing import Any

from fbplan.runtime.canonical import sealed
from fbplan.runtime.policy import Policy, read_policy
from fbplan.runtime.times import stamp_of
from fbplan.runtime.usage import Usage, read_usage
from fbplan.runtime.view import View

T0 = 1_795_000_000_000
"""2026-11-18, some time in the morning."""
ZERO = "sha256:" + "0" * 64


def meter(limit: int | None, **stated: Any) -> dict[str, Any]:
    return {"meter": "ingress_bytes", "limit": limit, **stated}


def policy_document(
    buckets: dict[str, dict[str, Any]] | None = None, generation: int = 7, **repository: Any
) -> dict[str, Any]:
    """Buckets a, b, c with caps of 1000 bytes unless told otherwise, one repository `app`."""
    stated = buckets if buckets is not None else {name: {"meters": [meter(1000)]} for name in "abc"}
    full = {
        name: {"bucket_id": f"id-{name}", "container": f"c-{name}", "storage_type": "S3", "folders": {"app": name}, **b}
        for name, b in stated.items()
    }
    return sealed(
        {
            "format": "fbplan.routing/1",
            "min_reader": 1,
            "generation": generation,
            "spec_digest": ZERO,
            "content_digest": ZERO,
            "repositories": {"app": {"repo_id": "r1", "protocol": "S3", "order": sorted(full), **repository}},
            "buckets": full,
        }
    )


def usage_document(
    buckets: dict[str, dict[str, Any]], seq: int = 1, at_ms: int = T0, generation: int = 7, **top: Any
) -> dict[str, Any]:
    """Per bucket `used`, `soft` and `hard` grants, and whatever else an entry holds."""
    entries = {}
    for name, told in buckets.items():
        rest = {k: v for k, v in told.items() if k not in {"used", "soft", "hard", "period", "resets_at"}}
        grants = [
            {"id": f"{seq}.{name}.{tier}", "tier": tier, "bytes": told[tier]}
            for tier in ("soft", "hard")
            if tier in told
        ]
        measured = {"period": told.get("period", "2026-11"), "used": told.get("used", 0), "grants": grants}
        if "resets_at" in told:
            measured["resets_at"] = told["resets_at"]
        entries[name] = {
            "quality": "ok",
            "meters": {"ingress_bytes": measured},
            "expires_at": stamp_of(at_ms + 90_000),
            **rest,
        }
    return sealed(
        {
            "format": "fbplan.usage/1",
            "policy_generation": generation,
            "policy_digest": ZERO,
            "seq": seq,
            "published_at": stamp_of(at_ms),
            "as_of": stamp_of(at_ms - 120_000),
            "poll_s": 60,
            "max_lag_s": 120,
            "buckets": entries,
            **top,
        }
    )


def raw(document: dict[str, Any]) -> bytes:
    return json.dumps(document, indent=2).encode()


def policy_of(document: dict[str, Any]) -> Policy:
    return read_policy(raw(document))


def usage_of(document: dict[str, Any]) -> Usage:
    return read_usage(raw(document))


def view_of(policy: dict[str, Any], usage: dict[str, Any] | None = None, **changes: Any) -> View:
    found = policy_of(policy)
    stated = {
        "confirmed_ms": T0,
        "writer": "w1",
        "simple": usage is None,
        "expects_usage": usage is not None,
        **changes,
    }
    return View(found, found.repositories["app"], None if usage is None else usage_of(usage), **stated)
