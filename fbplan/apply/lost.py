"""A call whose answer was lost: reading tells what became of it, or it is said that nobody knows."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from fbplan.errors import Ambiguous, AuthenticationFailed, FbplanError, Interrupted, LockHeld, Lost, Unreachable
from fbplan.state import Observed

_SHOWN = {
    "create": "a fresh listing does not show it",
    "update": "a fresh listing shows it as it was",
    "delete": "a fresh listing still has it",
}


@contextmanager
def settling(what: str, fault: Ambiguous) -> Iterator[None]:
    """Reading that must tell what became of a call. When it fails too, nobody knows: that is no plain failure."""
    try:
        yield
    except (Ambiguous, Lost):
        raise
    except FbplanError as second:
        raise Ambiguous(
            f"the {what} was lost on the way, and reading could not tell what became of it",
            "",
            f"{fault.why or fault.what}; {second.what}",
            second.next or "run the same command again",
        ) from second


@contextmanager
def once(*, again: bool) -> Iterator[None]:
    """One sending of a call. Where the second one does not get out, the first may still take effect."""
    try:
        yield
    except (Interrupted, LockHeld, Unreachable, AuthenticationFailed) as fault:
        if not again:
            raise
        raise Ambiguous(fault.what, "", f"it was not sent again: {fault.why}", fault.next) from fault


def lost(what: str, found: list[Observed], fault: Ambiguous) -> FbplanError:
    """The error of a call that got no answer, after reading."""
    if not found:
        return Lost(
            f"the {what} was lost on the way",
            "",
            f"{fault.what}; {_SHOWN[what]}",
            "run the same command again",
        )
    return Ambiguous(
        f"the {what} was answered by {len(found)} objects",
        "",
        f"ids: {', '.join(sorted(o.id for o in found))}",
        "delete all but one by hand, then run the same command again",
    )
