"""What an apply remembers while it runs: each step goes into the journal before it is sent, and its outcome after.

At the end the ledger is written whole and the journal removed. Whatever happens in between, `recovery` has it.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from threading import Lock

from typing_extensions import override

from fbplan.apply.contract import Books, Done, Sending
from fbplan.apply.recorder import Recorder
from fbplan.errors import FbplanError, Interrupted, LockHeld
from fbplan.journal.reading import read_journal
from fbplan.journal.records import (
    Begun,
    DrainsBegun,
    DrainsOver,
    Ended,
    Intent,
    Issued,
    Left,
    PolicyPublished,
    Seen,
)
from fbplan.journal.recovery import folded
from fbplan.journal.writing import Journal
from fbplan.kinds.base import split_address
from fbplan.ledger import read_ledger, write_ledger
from fbplan.ledger.entry import UNKNOWN_ID
from fbplan.ledger.pending import Pending
from fbplan.observe import Observation
from fbplan.outcome import Outcome
from fbplan.plan import Step, Verb
from fbplan.storage.base import JOURNAL, Conflict, Lease, Storage
from fbplan.storage.holding import lost_lock


@dataclass(frozen=True, slots=True)
class Keeping:
    """Where the books of an apply are kept, and what says that it must stop."""

    storage: Storage | None = None
    lease: Lease | None = None
    begun: Begun | None = None
    stopped: Callable[[], bool] = lambda: False


def unclosed(keeping: Keeping) -> FbplanError:
    """Why the books of an apply are still open, when there was no time to wait for where they are kept."""
    return FbplanError(
        "the ledger was not written before the run had to end",
        keeping.storage.label if keeping.storage is not None else "",
        "the place where it is kept did not answer",
        "run the same command again: each step stood in the journal before it was sent, and what it became is read",
    )


class Bookkeeper(Books):
    """The journal and the growing ledger of one apply. Safe across threads."""

    def __init__(
        self, keeping: Keeping, recorder: Recorder, observation: Observation, now: Callable[[], float]
    ) -> None:
        self._keeping, self._recorder, self._observation, self._now = keeping, recorder, observation, now
        self._turn = Lock()
        self._seen: dict[tuple[str, str | None], tuple[str, ...]] = {}
        self._pending: dict[str, Pending] = {}
        self._name = ""
        self.journal: Journal | None = None
        self.is_written = False
        """Whether the ledger holds all of it: what is left of the journal then says nothing new."""

    def begin(self, dropped: tuple[str, ...] = ()) -> None:
        """Open the journal. What cannot be recorded must not be written: this fails before the first call.

        `dropped` are the drains that this apply takes back: forgotten before anything makes clients come again, and
        whatever comes of it, since that only ever waits longer.
        """
        storage, begun = self._keeping.storage, self._keeping.begun
        if storage is not None and begun is not None:
            self._name = f"{JOURNAL}{begun.run}"
            self.journal = Journal(storage.open_log(self._name))
            try:
                self.journal.intend(replace(begun, salt=self._recorder.ledger.salt))
                if dropped:
                    self.journal.intend(DrainsOver(dropped))
            except FbplanError:
                self.journal.close()
                storage.remove(self._name)
                raise
        self._recorder.drains_over(dropped)

    @property
    def _runs(self) -> tuple[str, ...]:
        return (self._keeping.begun.run,) if self._keeping.begun is not None else ()

    @property
    def halt(self) -> FbplanError | None:
        """Why nothing new may be sent: a signal, a lost lock, a journal that cannot be written."""
        if self.journal is not None and self.journal.fault is not None:
            return self.journal.fault
        lost = self.lost_lock
        if lost is not None:
            return lost
        if self._keeping.stopped():
            return Interrupted("interrupted", "", "nothing new was started", "run the same command again to finish")
        return None

    @property
    @override
    def lost_lock(self) -> LockHeld | None:
        return lost_lock(self._keeping.lease, self._keeping.storage)

    @override
    def intend(self, step: Step, sending: Sending | None) -> None:
        kind, pending = split_address(step.address)[0], None
        held = self._recorder.ledger.entries.get(step.address)
        was = held.id if held is not None else None
        if sending is not None:
            before = self._before(kind, sending.parent_id)
            pending = Pending(
                step.address,
                sending.name,
                sending.parent_id,
                int(self._now()),
                self._recorder.delta(step, Done(UNKNOWN_ID)),
                sending.sent,
                before,
                was,
                sink=step.sink if step.verb is Verb.ISSUE else None,
            )
            self._pending[step.id] = pending
        if self.journal is not None:
            light = None if pending is None else replace(pending, before=())
            self.journal.intend(Intent(step.id, step.address, step.verb.value, was, light))
        self._require_leave()

    def _before(self, kind: str, parent_id: str | None) -> tuple[str, ...]:
        """What was there of a kind in a parent when the apply began; written down once for each."""
        with self._turn:
            place = (kind, parent_id)
            if place not in self._seen:
                rows = self._observation.by_id.values()
                self._seen[place] = tuple(o.id for o in rows if o.kind == kind and o.parent_id == parent_id)
                if self.journal is not None:
                    self.journal.note(Seen(kind, parent_id, self._seen[place]))
            return self._seen[place]

    def _require_leave(self) -> None:
        fault = self.halt
        if fault is not None:
            raise fault

    @override
    def issued(self, step: Step, remote: str, key_id: str) -> None:
        self._pending[step.id] = replace(self._pending[step.id], issued=remote, key_id=key_id)
        if self.journal is None or self.journal.fault is not None:
            return
        try:
            self.journal.note(Issued(step.id, remote, key_id))
        except FbplanError:
            return  # the key is there: its secret must reach the sink whatever the disk says, and `halt` tells the rest

    @override
    def left(self, step: Step) -> None:
        pending = self._pending[step.id]
        self._recorder.leave(pending)
        if self.journal is not None:
            self.journal.intend(Left(pending))

    def ended(self, step: Step, outcome: Outcome, done: Done | None, *, is_settled: bool) -> None:
        """A step is over, or given up. The ledger grows; a create that nobody can tell of stays on the books."""
        over = self._recorder.drains_ended_by(step) if done is not None else ()
        self._recorder.drains_over(over)
        pending, record = self._pending.get(step.id), Ended(step.id, outcome.result.value, is_settled)
        if done is not None and pending is not None:
            self._recorder.take(pending.then.identified(done.id, done.key_id))
            record = replace(record, id=done.id, key_id=done.key_id)
        elif done is not None:
            delta = self._recorder.delta(step, done)
            self._recorder.take(delta)
            record = replace(record, delta=delta)
        elif pending is not None and not is_settled:
            self._recorder.leave(pending)
        if self.journal is not None and self.journal.fault is None:
            with suppress(FbplanError):  # `halt` tells it; what this step did is found by reading
                self.journal.note(record)
                if over:
                    self.journal.note(DrainsOver(over))

    def publishes(self, generation: int) -> None:
        """A generation is taken before it is published: whatever happens then, no other policy ever bears its number.

        Raises FbplanError: then nothing may be published.
        """
        if self.journal is not None:
            self.journal.intend(PolicyPublished(generation))
        self._require_leave()  # that may have taken its time
        self._recorder.published(generation)

    def drains_begin(self, items: tuple[str, ...]) -> None:
        """Nothing published routes to these any more. What cannot be written down here begins with a later apply."""
        if not items:
            return
        at = int(self._now())
        with suppress(FbplanError):  # `halt` tells it
            if self.journal is not None:
                self.journal.intend(DrainsBegun(items, at))
            self._recorder.drains_begun(items, at)

    def close(self) -> FbplanError | None:
        """Write the ledger whole and remove the journal; why not, if that fails: then the journal stays and knows."""
        self._recorder.take_the_rest()
        try:
            if self._keeping.lease is not None and not self._keeping.lease.is_held():
                return self.halt
            self._write()
            self.is_written = True
            if self._keeping.storage is not None and self._name:
                self._keeping.storage.remove(self._name)
        except FbplanError as fault:
            return fault
        finally:
            if self.journal is not None:
                self.journal.close()
        return None

    def _write(self) -> None:
        """The ledger, whole. Where a rival wrote it meanwhile, what the journal tells is folded into the rival's."""
        storage, at = self._keeping.storage, int(self._now())
        try:
            self._recorder.ledger = write_ledger(self._recorder.ledger, storage, at, self._runs)
        except Conflict:
            if storage is None or self.journal is None:
                raise
            self.journal.flush()
            newer = folded(read_ledger(storage), read_journal(storage, self._name))
            self._recorder.ledger = write_ledger(newer, storage, at, self._runs)
