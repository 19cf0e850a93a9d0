"""What another policy changes: two simulations of one schedule, compared figure by figure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from fbplan.simulation.result import BucketCourse, RepositoryCourse, Simulation

Unit = Literal["bytes", "time", "duration", "count"]


@dataclass(frozen=True, slots=True)
class Difference:
    """One figure that differs; None is: not reached, or not there."""

    subject: str
    figure: str
    unit: Unit
    before: int | None
    after: int | None


def differences(before: Simulation, after: Simulation) -> tuple[Difference, ...]:
    """The figures that differ, buckets first, each by name; empty when the policies act alike."""
    return tuple(found for found in _all(before, after) if found.before != found.after)


def _all(before: Simulation, after: Simulation) -> Iterator[Difference]:
    old, new = ({bucket.name: bucket for bucket in played.buckets} for played in (before, after))
    for name in sorted({*old, *new}):
        yield from _bucket(name, old.get(name), new.get(name))
    was, now = ({found.name: found for found in played.repositories} for played in (before, after))
    for name in sorted({*was, *now}):
        yield from _repository(name, was.get(name), now.get(name))


def _bucket(name: str, old: BucketCourse | None, new: BucketCourse | None) -> Iterator[Difference]:
    yield Difference(name, "written", "bytes", old.written if old else None, new.written if new else None)
    caps_old, caps_new = ({cap.meter: cap for cap in found.caps} if found else {} for found in (old, new))
    for meter in sorted({*caps_old, *caps_new}):
        a, b = caps_old.get(meter), caps_new.get(meter)
        at = "" if meter == "ingress_bytes" else f"{meter} "
        reached_a, reached_b = ({r.period: r for r in cap.reached} if cap else {} for cap in (a, b))
        for period in sorted({*reached_a, *reached_b}):
            x, y = reached_a.get(period), reached_b.get(period)
            when = "" if period == "none" else f" in {period}"
            yield Difference(
                name, f"{at}soft cap reached{when}", "time", x.soft_ms if x else None, y.soft_ms if y else None
            )
            yield Difference(
                name, f"{at}hard cap reached{when}", "time", x.hard_ms if x else None, y.hard_ms if y else None
            )
        yield Difference(name, f"{at}over the hard cap", "bytes", a.overshoot if a else 0, b.overshoot if b else 0)
        yield Difference(name, f"{at}left at the end", "bytes", a.left if a else None, b.left if b else None)


def _repository(name: str, old: RepositoryCourse | None, new: RepositoryCourse | None) -> Iterator[Difference]:
    yield Difference(
        name, "read-only", "duration", old.read_only_ms if old else None, new.read_only_ms if new else None
    )
    yield Difference(name, "refused", "bytes", old.refused if old else None, new.refused if new else None)
    yield Difference(name, "switches", "count", len(old.switches) if old else None, len(new.switches) if new else None)
