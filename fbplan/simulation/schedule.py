"""What is to be written, hour by hour: the input of a simulation, whatever file it came from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import accumulate

HOUR_MS = 3_600_000
MOST_HOURS = 24 * 400
OBJECT_BYTES = 8_000_000
"""The size of an object where nothing states one."""


@dataclass(frozen=True, slots=True)
class Flow:
    """The writes of one repository: bytes in each hour, which flow evenly within it, and the size of an object."""

    repository: str
    size: int
    hourly: tuple[int, ...]
    _sums: tuple[int, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_sums", (0, *accumulate(self.hourly)))

    def until(self, ms: int) -> int:
        """Bytes from the start to `ms` after it."""
        hour, rest = divmod(ms, HOUR_MS)
        if hour >= len(self.hourly):
            return self._sums[-1]
        return self._sums[hour] + self.hourly[hour] * rest // HOUR_MS

    def peak(self, hour: int) -> int:
        """The most bytes of an hour around this one: what may have flowed just now, or soon will."""
        return max(self.hourly[max(0, hour - 1) : hour + 3], default=0)


@dataclass(frozen=True, slots=True)
class Schedule:
    """Every flow from `start_ms` to `end_ms`, both whole hours in UTC."""

    start_ms: int
    hours: int
    flows: tuple[Flow, ...]
    used: Mapping[str, int] = field(default_factory=dict)
    """Bucket → bytes that were written to it in its period before the start."""

    @property
    def end_ms(self) -> int:
        return self.start_ms + self.hours * HOUR_MS


@dataclass(frozen=True, slots=True)
class Burst:
    """Bytes an hour on top of everything else, from one hour to another, both counted from the start."""

    first: int
    last: int
    hourly: int


@dataclass(frozen=True, slots=True)
class Rate:
    """A rate with its habits. `growth_ppm` is added after each `growth_hours`, in steps, compounding."""

    daily: int
    growth_ppm: int = 0
    growth_hours: int = 24
    weekend_ppm: int = 1_000_000
    busy: tuple[int, int] | None = None
    """(first hour, hour after the last), in UTC; over midnight when the second is smaller."""
    busy_ppm: int = 0
    bursts: tuple[Burst, ...] = ()

    def by_hour(self, start_ms: int, hours: int) -> tuple[int, ...]:
        """Bytes of each hour. The hours of a day add up to the bytes of the day, to the byte."""
        weights = self._weights()
        sums = (0, *accumulate(weights))
        out = []
        for index in range(hours):
            day_number, hour = divmod(start_ms // HOUR_MS + index, 24)
            step = index // self.growth_hours
            day = self.daily * (1_000_000 + self.growth_ppm) ** step // 1_000_000**step
            if day_number % 7 in {2, 3}:  # 1970-01-01 was a Thursday
                day = day * self.weekend_ppm // 1_000_000
            out.append(day * sums[hour + 1] // sums[-1] - day * sums[hour] // sums[-1])
        for burst in self.bursts:
            for index in range(burst.first, min(burst.last, hours)):
                out[index] += burst.hourly
        return tuple(out)

    def _weights(self) -> list[int]:
        if self.busy is None:
            return [1] * 24
        first, last = self.busy
        inside = [first <= hour < last if first < last else hour >= first or hour < last for hour in range(24)]
        count = sum(inside)
        return [self.busy_ppm * (24 - count) if busy else (1_000_000 - self.busy_ppm) * count for busy in inside]


def flow_of(repository: str, size: int, start_hour: int, hours: int, amounts: Mapping[tuple[int, int], int]) -> Flow:
    """A flow of stated amounts: (first hour since 1970, length in hours) → bytes, spread evenly."""
    out = [0] * hours
    for (first, length), count in sorted(amounts.items()):
        for index in range(length):
            out[first - start_hour + index] += count * (index + 1) // length - count * index // length
    return Flow(repository, size, tuple(out))
