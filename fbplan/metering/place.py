"""Where the usage file stands: one publisher by a lease, each write read back, anybody else's noticed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from fbplan.errors import FbplanError, LockHeld, UsageFault
from fbplan.storage import Conflict, Holder, Lease, Storage, open_storage
from fbplan.storage.base import LEDGER


def open_place(location: str, environ: Mapping[str, str] | None = None, what: str = "usage") -> Storage:
    """The storage of one file or object. Raises UsageFault for a URL that cannot be used."""
    try:
        found = open_storage(location, Path(), environ)
    except UsageFault as fault:
        named = fault.where != "ledger"
        raise UsageFault(
            fault.what if named else f"the URL of the {what} cannot be used", "", fault.why, fault.next
        ) from None
    if found is None:
        raise UsageFault(f"'none' is no place for the {what}", "", "", "name a file, or the URL of an object")
    return found


def content_of(storage: Storage, what: str) -> bytes | None:
    """The file as it stands; None when there is none."""
    with _of(what, "read"):
        found = storage.read(LEDGER)
        return None if found is None else found.content


def leased(storage: Storage, holder: Holder, wait: float, told: Callable[[str], None]) -> Lease:
    """The right to publish there, waiting for whoever has it. Raises LockHeld."""
    try:
        with _of("usage", "locked"):
            return storage.lease(holder, wait, told)
    except LockHeld as fault:
        raise LockHeld(
            "another poller publishes this usage",
            storage.label,
            fault.why,
            "let it do so: fbplan usage show; or stand by until it ends, with a longer --lock-timeout",
        ) from None


class Place:
    """The file of one publisher. `look` before each round, `publish` after it."""

    def __init__(self, storage: Storage, lease: Lease) -> None:
        self._storage, self._lease = storage, lease
        self.label = storage.label
        self._tag: str | None = None
        self._ours: set[bytes] = set()
        """What of ours may stand there: the last content that did, and one whose answer was lost."""
        self._has_looked = False

    def look(self) -> tuple[bytes | None, bool]:
        """What stands there, and whether somebody else put it there (or took it away) since the last look."""
        with _of("usage", "read"):
            found = self._storage.read(LEDGER)
        self._tag = None if found is None else found.tag
        content = None if found is None else found.content
        is_foreign = self._has_looked and (content not in self._ours if content is not None else bool(self._ours))
        self._has_looked = True
        self._ours = set() if content is None else {content}
        return content, is_foreign

    def publish(self, content: bytes) -> None:
        """Replace what the last look saw. Raises Conflict when somebody else did, LockHeld when the lease is lost."""
        if not self._lease.is_held():
            raise LockHeld(
                "the lease was lost, so nothing is published",
                self._storage.label,
                "another poller took over, or the lease could not be renewed in time",
                "see that one poller runs: fbplan usage show",
            )
        self._ours.add(content)
        with _of("usage", "written"):
            self._tag = self._storage.write(LEDGER, content, self._tag)
            found = self._storage.read(LEDGER)
        if found is None or found.content != content:
            raise Conflict("what was published does not stand there", self._storage.label, "somebody else wrote it", "")


@contextmanager
def _of(what: str, verb: str) -> Iterator[None]:
    """Storage speaks of the ledger; here it is another file."""
    try:
        yield
    except LockHeld:
        raise
    except FbplanError as fault:
        steps = fault.next if "ledger" not in fault.next else "correct the path or the permissions, then try again"
        told = type(fault)(f"the {what} cannot be {verb}", fault.where, fault.why.replace(" for its ledger", ""), steps)
        raise told from fault
