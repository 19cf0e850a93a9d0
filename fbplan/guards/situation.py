"""What the guards look at, and the words that open one."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from fbplan.errors import UsageFault
from fbplan.ledger import Entry, Ledger
from fbplan.ledger.pending import Question
from fbplan.plan import Change
from fbplan.state import DesiredState, World

_ALLOWANCE = re.compile(
    r"(replace|rename|adopt|delete):([A-Za-z_]+\.[A-Za-z0-9_.@-]+)|max-deletes=\d{1,6}|max-change=\d{1,3}%|short-listing:[a-z_]+|other-spec"
)


@dataclass(frozen=True, slots=True)
class Limits:
    """How much one apply may remove or change before it asks."""

    max_deletes: int = 5
    max_change_ppm: int = 300_000


@dataclass(frozen=True, slots=True)
class Situation:
    """What the guards look at."""

    desired: DesiredState
    world: World
    ledger: Ledger
    changes: tuple[Change, ...]
    limits: Limits
    allowances: frozenset[str]
    routed: frozenset[str]
    """Addresses of buckets that the published or the coming policy sends writes to."""
    named: frozenset[str] = frozenset()
    """Remote ids of buckets and repositories that the published policy sends clients to."""
    orders: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Routed buckets by repository address, where the spec does not say what is attached."""
    questions: tuple[Question, ...] = ()
    """What lost answers left behind and only a person can tell apart."""
    draining: Mapping[str, int] = field(default_factory=dict)
    """Seconds, by address of a change with which a drain would begin."""
    leaving: frozenset[str] = frozenset()
    """Addresses that will go, also those that only wait for it."""

    def entry(self, change: Change) -> Entry | None:
        """What the ledger knows of the object, also under the address it had before a rename."""
        return self.ledger.entries.get(change.address) or self.ledger.entries.get(change.former or "")

    def allows(self, text: str) -> bool:
        return text in self.allowances

    def bound(self, name: str, default: int) -> int:
        given = [int(a.split("=")[1].rstrip("%")) for a in self.allowances if a.startswith(name + "=")]
        return max([default, *given])


def checked_allowances(given: tuple[str, ...]) -> tuple[str, ...]:
    """`--allow` values, sorted; raises UsageFault for one that means nothing."""
    for text in given:
        if not _ALLOWANCE.fullmatch(text):
            raise UsageFault(
                f"--allow '{text}' means nothing",
                "",
                "",
                "use one of replace:ADDR, rename:ADDR, adopt:ADDR, delete:ADDR, max-deletes=N, max-change=N%, short-listing:SECTION, other-spec",
            )
    return tuple(sorted(set(given)))
