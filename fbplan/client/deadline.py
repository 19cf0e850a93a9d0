"""How long something may take in all, by a clock that never jumps."""

from __future__ import annotations

from dataclasses import dataclass

from fbplan.errors import Unreachable


@dataclass(frozen=True, slots=True)
class Deadline:
    """The end of the time for one call or one run; `name` is what `--timeout` calls it."""

    name: str
    allowed: float
    at: float

    @classmethod
    def after(cls, name: str, seconds: float, now: float) -> Deadline:
        return cls(name, seconds, now + seconds)

    def or_sooner(self, other: Deadline) -> Deadline:
        return other if other.at < self.at else self

    def left(self, now: float) -> float:
        return self.at - now

    def missed(self, call: str, told: str) -> Unreachable:
        """The error of a call that may not go on; nothing of it is in flight."""
        return Unreachable(
            f"the time for this {self.name} ran out",
            call,
            f"{told}; {spoken(self.allowed)} are allowed",
            f"run the same command again, or allow more with --timeout {self.name}=…",
        )

    def refused(self, call: str, wait: float, why: str, now: float) -> Unreachable:
        """The error of a wait that would end after the time is up: it is not begun."""
        return Unreachable(
            f"{why}: a wait of {spoken(wait)}, and there is no time for it",
            call,
            f"this {self.name} may take {spoken(self.allowed)}, of which {spoken(max(0.0, self.left(now)))} are left",
            f"run the same command again after that wait, or allow it with --timeout {self.name}=…",
        )


def spoken(seconds: float) -> str:
    """`7 s`, `5 min`, `28 h`: for people; rounded, never shorter than it is by more than a half."""
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.0f} h"
