"""What every storage can do. Names are short words of ours (`ledger`, `journal.RUN`, `receipts.0001`); a storage makes
paths or keys of them.

    read, write, remove     one document whole; a write says what it believes to replace
    open_log, read_log      lines that only grow, durable after each `sync`
    add_record              one line more in a log that outlives runs; it sees the line before
    lease                   the right to apply: one holder at a time
"""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass

from fbplan.errors import LockHeld

LEDGER = "ledger"
JOURNAL = "journal."
RECEIPTS = "receipts.jsonl"
LOCK = "lock"


class Conflict(LockHeld):
    """Somebody else wrote the document since it was read: the lock did not keep two applies apart."""


@dataclass(frozen=True, slots=True)
class Blob:
    """A document and the mark by which the storage tells whether it is still the same one."""

    content: bytes
    tag: str


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds the right to apply. Times are RFC 3339, UTC, and for people: nothing is decided by them."""

    id: str
    who: str
    host: str
    process: int
    since: str
    command: str = ""
    run_url: str = ""
    seconds: float = 0.0
    """How long the lease lives without a heartbeat; 0 when the machine itself frees it (a lock of the kernel)."""
    beat: int = 0
    """How often it was renewed. A number that moves is a holder that lives."""


def since_boot() -> float:
    """Seconds that never jump; where the system can tell, they count on while the machine sleeps."""
    if hasattr(time, "CLOCK_BOOTTIME"):
        return time.clock_gettime(time.CLOCK_BOOTTIME)
    return time.monotonic()


@dataclass(frozen=True, slots=True)
class Clock:
    """How a wait passes. No decision here compares the clocks of two machines."""

    now: Callable[[], float] = since_boot
    sleep: Callable[[float], None] = time.sleep


class Log(ABC):
    """Bytes that only grow. One thread may append while another one syncs; two of a kind hold a lock of their own."""

    @abstractmethod
    def append(self, content: bytes) -> None:
        """Add bytes; they survive the process at the latest after `sync`. Raises FbplanError."""

    @abstractmethod
    def sync(self) -> None:
        """Return once everything appended survives the machine. Raises FbplanError; Conflict once somebody removed it."""

    @abstractmethod
    def close(self) -> None:
        """Let go of it; what was not synced may be lost."""


class Lease(ABC):
    """The right to apply, as long as `is_held` says so."""

    holder: Holder

    @abstractmethod
    def is_held(self) -> bool:
        """Whether it is still ours. Cheap, safe across threads: asked before every write to the API."""

    @abstractmethod
    def release(self) -> bool:
        """Give it back; never raises, since whatever is left behind expires. False when something may be."""


class Storage(ABC):
    """One place for one ledger and what belongs to it."""

    label: str
    """The path or URL of the ledger, for people."""
    given: str = ""
    """What a command is given to come here, ready to paste: ` infra/fbplan.yaml`. See `commands.given`."""
    is_local: bool

    @abstractmethod
    def read(self, name: str) -> Blob | None:
        """A document; None when there is none. Raises FbplanError when that cannot be told."""

    @abstractmethod
    def write(self, name: str, content: bytes, tag: str | None) -> str:
        """Replace a document whole and durably, if it is still the one with `tag` (None: if there is none).

        Returns the new tag. Raises Conflict when it is not, FbplanError when it cannot be written, or nothing tells
        whether it was; then the old one stands there whole, or the new one.
        """

    @abstractmethod
    def remove(self, name: str) -> None:
        """Remove a document, or a log with all its parts; one that is not there is removed already."""

    @abstractmethod
    def names(self, prefix: str) -> list[str]:
        """The names of documents and logs that begin with `prefix`, sorted."""

    @abstractmethod
    def aside(self, name: str) -> str:
        """The command with which a person moves a log out of the way; what it is called then is no name of ours."""

    @abstractmethod
    def open_log(self, name: str) -> Log:
        """A new, empty log. Raises Conflict when one of this name exists."""

    @abstractmethod
    def read_log(self, name: str) -> bytes:
        """Everything in a log that survived, in order; empty when there is none."""

    @abstractmethod
    def add_record(self, name: str, make: Callable[[bytes], bytes]) -> None:
        """Add the line that `make` returns, durably; it is given the last line, empty when there is none.

        `make` may be called again when somebody else added a line first. Read it with `read_log`. Raises FbplanError.
        """

    @abstractmethod
    def lease(self, holder: Holder, wait: float, told: Callable[[str], None]) -> Lease:
        """Take the right to apply, waiting up to `wait` seconds for whoever has it. Raises LockHeld."""

    @abstractmethod
    def holder(self) -> Holder | None:
        """Who has the right to apply now; None when nobody has."""

    @abstractmethod
    def break_lease(self, lease_id: str) -> None:
        """Take the right away from the holder with this id. Raises FbplanError.

        It notices before its next write; in an object store at its next heartbeat, and nobody follows it any sooner.
        """
