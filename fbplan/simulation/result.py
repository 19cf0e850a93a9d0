"""What a simulation found. Times in milliseconds since 1970 in UTC, amounts in bytes."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Reached:
    """When a cap was reached in one period: from then on not one more object fits under it. None: it was not."""

    period: str
    soft_ms: int | None
    hard_ms: int | None


@dataclass(frozen=True, slots=True)
class CapCourse:
    """One cap of a bucket. `used` is that of the last period, `overshoot` the worst of all."""

    meter: str
    limit: int
    soft: int
    hard: int
    used: int
    peak: int
    overshoot: int
    reached: tuple[Reached, ...]

    @property
    def left(self) -> int:
        return max(0, self.hard - self.used)


@dataclass(frozen=True, slots=True)
class BucketCourse:
    """One bucket. `hourly` is what each hour brought, `uses` the use of the period at the end of each hour."""

    name: str
    written: int
    caps: tuple[CapCourse, ...]
    hourly: tuple[int, ...]
    uses: tuple[int, ...]

    @property
    def cap(self) -> CapCourse | None:
        """The cap that closes the bucket for writes."""
        return next((cap for cap in self.caps if cap.meter == "ingress_bytes"), None)


@dataclass(frozen=True, slots=True)
class Switch:
    """From here on most of a repository's bytes went to another bucket; None is no bucket: read-only."""

    at_ms: int
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True)
class RepositoryCourse:
    """One repository. What finds no bucket is `refused` and does not come back later."""

    name: str
    writers: int
    wanted: int
    written: int
    read_only_ms: int
    read_only: tuple[tuple[int, int], ...]
    switches: tuple[Switch, ...]

    @property
    def refused(self) -> int:
        return self.wanted - self.written


@dataclass(frozen=True, slots=True)
class Terms:
    """How the world is, and what the poller counts on: statistics that are late by `max_lag_ms` at most."""

    poll_ms: int = 60_000
    lag_ms: int = 120_000
    max_lag_ms: int = 120_000
    is_simple: bool = False
    """Processes that count their own bytes on top of the last usage, instead of a fleet that lives on grants."""
    calm_ms: int = 900_000
    """The longest step, far from any cap."""


@dataclass(frozen=True, slots=True)
class Simulation:
    """A schedule played against a policy."""

    start_ms: int
    end_ms: int
    terms: Terms
    content_digest: str
    buckets: tuple[BucketCourse, ...]
    repositories: tuple[RepositoryCourse, ...]
    steps: int
    notes: tuple[str, ...] = ()
    """What the input holds and the simulation leaves out."""

    @property
    def read_only_ms(self) -> int:
        return sum(found.read_only_ms for found in self.repositories)

    @property
    def overshoot(self) -> int:
        return sum(cap.overshoot for bucket in self.buckets for cap in bucket.caps if cap.meter == "ingress_bytes")
