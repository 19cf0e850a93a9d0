"""How the time between a signal and the end of an apply is shared out.

    0 ──── what is in flight ────► calls ──── ledger, receipt, report ────► books ── lock ──► end

CI services send a second signal 7.5 s after the first and kill at 10 s: with the default everything is over before
either, also where the API and the ledger's store both hang. Where nothing hangs, nobody waits for any of this.
"""

from __future__ import annotations

from dataclasses import dataclass

DEFAULT = 6.0
CLOSING = 2.0
"""Seconds that are enough to close the books and to give the lock back: a longer grace is all for the calls."""
AT_LEAST = 1.5
"""Seconds for the same, however short the grace: what is known by then is worth more than the haste."""
SPARE = 0.5
"""Seconds after the end for whatever hangs that none of the bounds was made for."""


@dataclass(frozen=True, slots=True)
class Grace:
    """`--grace`, and what falls to each part of the end. Seconds since the signal."""

    seconds: float = DEFAULT

    @property
    def calls(self) -> float:
        """Until when what is in flight is waited for: all but CLOSING, and no less than two thirds."""
        return max(self.seconds - CLOSING, self.seconds * 2 / 3)

    @property
    def books(self) -> float:
        """Until when the ledger and the receipt are waited for."""
        return self.calls + self._closing * 3 / 4

    @property
    def end(self) -> float:
        """When everything is over."""
        return self.calls + self._closing

    @property
    def _closing(self) -> float:
        return max(self.seconds - self.calls, AT_LEAST)
