"""Where the API is, and how patient to be with it."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Timeouts:
    """How long each thing may take, in seconds. The names are those of `--timeout NAME=DURATION`."""

    connect: float = 10.0
    read: float = 30.0
    """Between two parts of an answer."""
    write: float = 30.0
    """Between two parts of a request."""
    create: float = 120.0
    """`read` for POST /bucket and POST /apikeys, which check the credentials at the provider first."""
    pool: float = 30.0
    """For a free connection."""
    action: float = 300.0
    """One call with all its repeats and waits."""
    run: float = 6 * 3600.0
    """Everything from connecting to the end; as long as the jobs of common CI services may last."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Where the API is and how patient to be."""

    url: str
    concurrency: int = 8
    timeouts: Timeouts = field(default_factory=Timeouts)
