"""What every storage can do. Names are short words of ours (`ledger`, `journal.RUN`, `receipts.0001`); a storage makes
paths or keys of them.

    read, write, remove     one document whole; a write says what it believes to replace
    open_log, read_log      lines that only grow, durable after each `sync`
    lease                   the right to apply: one holder at a time
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass

from fbplan.errors import LockHeld

LEDGER = "ledger"
JOURNAL = "journal."
RECEIPTS = "receipts"
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


class Log(ABC):
    """Bytes that only grow. Not thread-safe: whoever writes it holds a lock of its own."""

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
    def release(self) -> None:
        """Give it back; never raises, since whatever is left behind expires."""


class Storage(ABC):
    """One place for one ledger and what belongs to it."""

    label: str
    """The path or URL of the ledger, for people."""
    is_local: bool

    @abstractmethod
    def read(self, name: str) -> Blob | None:
        """A document; None when there is none. Raises FbplanError when that cannot be told."""

    @abstractmethod
    def write(self, name: str, content: bytes, tag: str | None) -> str:
        """Replace a document whole and durably, if it is still the one with `tag` (None: if there is none).

        Returns the new tag. Raises Conflict when it is not, FbplanError when it cannot be written; then what stood
        there still stands.
        """

    @abstractmethod
    def remove(self, name: str) -> None:
        """Remove a document, or a log with all its parts; one that is not there is removed already."""

    @abstractmethod
    def names(self, prefix: str) -> list[str]:
        """The names of documents and logs that begin with `prefix`, sorted."""

    @abstractmethod
    def open_log(self, name: str) -> Log:
        """A new, empty log. Raises Conflict when one of this name exists."""

    @abstractmethod
    def read_log(self, name: str) -> bytes:
        """Everything in a log that survived, in order; empty when there is none."""

    @abstractmethod
    def lease(self, holder: Holder, wait: float, told: Callable[[str], None]) -> Lease:
        """Take the right to apply, waiting up to `wait` seconds for whoever has it. Raises LockHeld."""

    @abstractmethod
    def holder(self) -> Holder | None:
        """Who has the right to apply now; None when nobody has."""

    @abstractmethod
    def break_lease(self, lease_id: str) -> None:
        """Take the right away from the holder with this id, who notices before its next write. Raises FbplanError."""
