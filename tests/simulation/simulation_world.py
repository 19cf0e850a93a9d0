"""Small policies and schedules for the simulation, from a spec as a user would write one."""

from __future__ import annotations

from fbplan.policy.compose import compose
from fbplan.runtime.times import stamp_ms
from fbplan.simulation.result import Simulation, Terms
from fbplan.simulation.schedule import Flow, Rate, Schedule
from fbplan.simulation.subject import Subject, subject_of_content
from fbplan.spec.model import Spec

GB = 10**9
MB = 10**6
HOUR = 3_600_000
DAY = 24 * HOUR
START = stamp_ms("2026-11-01T00:00:00Z") or 0
SLICE = 900_000


def at(text: str) -> int:
    found = stamp_ms(f"2026-{text}:00Z")
    assert found is not None
    return found


def policy(
    caps: dict[str, dict[str, object] | None], orders: dict[str, list[str]] | None = None, fleet: int = 1, **routing
) -> Subject:
    """`caps` is bucket → soft_cap as in a spec (or other keys of the bucket), None for none; each repository has a fleet of its own."""
    orders = orders or {"r": list(caps)}
    spec = {
        "version": 1,
        "buckets": {
            name: {
                "bucket": name,
                "storage_type": "S3",
                "key": {"env": "K"},
                "secret": {"env": "S"},
                **({"soft_cap": cap} if cap and "limit" in cap else cap or {}),
            }
            for name, cap in caps.items()
        },
        "repositories": {
            name: {
                "storage_type": "S3",
                "buckets": [{"bucket": bucket, "folder": name} for bucket in order],
                "routing": {"order": order, "fleet": {"size": fleet}, **routing},
            }
            for name, order in orders.items()
        },
    }
    return subject_of_content(compose(Spec.model_validate(spec)))


def cap(limit: str, soft: str = "100%", **more: object) -> dict[str, object]:
    return {"limit": limit, "soft": soft, **more}


def evenly(daily: int, days: int, size: int = MB, name: str = "r", **habits) -> Schedule:
    """The same on every day."""
    return Schedule(START, days * 24, (Flow(name, size, Rate(daily, **habits).by_hour(START, days * 24)),))


def reached(found: Simulation, bucket: str, period: str = "2026-11") -> tuple[int | None, int | None]:
    (course,) = (b for b in found.buckets if b.name == bucket)
    assert course.cap is not None
    return next(((r.soft_ms, r.hard_ms) for r in course.cap.reached if r.period == period), (None, None))


__all__ = ["DAY", "GB", "HOUR", "MB", "SLICE", "START", "Terms", "at", "cap", "evenly", "policy", "reached"]
