"""Why a call has to be repeated, and the error it ends with when it may not be."""

from __future__ import annotations

from dataclasses import dataclass

from fbplan.errors import Ambiguous, Unreachable

TRIES = 5


@dataclass(frozen=True, slots=True)
class Trouble:
    """What one try came to, short of an answer; `fault` is what the call ends with after the last one."""

    fault: Unreachable
    wait: float
    """Seconds that this call alone waits; 0 where the throttle makes everyone wait."""
    why: str
    most: int = TRIES
    is_news: bool = True
    """Whether the retry counts: of many calls turned away at once, only the first does."""

    @property
    def told(self) -> str:
        """What was waited for, should the time run out over it."""
        return f"{self.why} ({self.fault.why})"


def not_reached(url: str, why: str) -> Unreachable:
    return Unreachable(
        "the API cannot be reached",
        url,
        why,
        "check the address in FB_API_URL and the network, then run the same command again",
    )


def not_answered(url: str, call: str, fault: Ambiguous) -> Unreachable:
    found = Unreachable(
        "the API does not answer as it should",
        f"{url} ({call})",
        fault.why or fault.what,
        "check the address in FB_API_URL and try again",
    )
    found.__cause__ = fault
    return found


def turned_away(call: str, tries: int) -> Unreachable:
    return Unreachable(
        "the API keeps asking to slow down",
        call,
        f"{tries} tries were turned away with status 429",
        "wait a minute and run the same command again, or lower --concurrency",
    )


def used_up(fault: Unreachable) -> Unreachable:
    """The error of a call that might have been tried again, had not others of this run used up the retries."""
    found = Unreachable(fault.what, fault.where, f"{fault.why}; the retries of this run are used up", fault.next)
    found.__cause__ = fault.__cause__
    return found
