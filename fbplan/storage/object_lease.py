"""The right to apply in an object store: one small object, taken and renewed by conditional writes.

    held ── renewed every third of its life ──► held
     │  └── released by its holder ──► released ──► the next one takes it at once
     └── broken by hand, or silent ──► the next one takes it when it stood still for its whole life

Nobody compares clocks: a lease is dead when whoever waits for it has seen the same version of it for as long as it
lives, by its own clock. A broken one cannot be renewed; it too runs its time, because its holder may be in the middle
of a write and has not looked yet.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace

from typing_extensions import override

from fbplan.errors import FbplanError, LockHeld
from fbplan.storage.base import Blob, Clock, Holder, Lease
from fbplan.storage.holding import decoded, encoded, not_the_holder, sentence, wait_for
from fbplan.storage.object_calls import Calls

SECONDS = 30.0
"""How long a lease lives without a heartbeat, unless it says otherwise."""
HELD, RELEASED, BROKEN = "held", "released", "broken"
_MARGIN = 1 / 6
"""The share of its life in which a lease that is not renewed counts as lost: for the write that is under way."""


class Locker:
    """The lock object of one ledger."""

    def __init__(self, calls: Calls, label: str, key: str, seconds: float, clock: Clock) -> None:
        self._calls, self._label, self._key, self._seconds, self._clock = calls, label, key, seconds, clock
        self._seen: tuple[str, float] = ("", 0.0)

    def take(
        self, holder: Holder, wait: float, told: Callable[[str], None], *, beats: bool = True, given: str = ""
    ) -> Lease:
        """Take the lease, waiting for its holder to release it or to fall silent. Raises LockHeld, FbplanError."""
        mine = replace(holder, seconds=self._seconds, beat=0)
        lease = wait_for(
            lambda: self._attempt(mine, told), wait, told, self._clock, self._label, min(2.0, self._seconds / 10), given
        )
        self._require_conditions(lease)
        if beats:
            lease.start()
        return lease

    def present_holder(self) -> Holder | None:
        found = self._calls.get(self._key)
        holder, state = _read(found)
        return holder if state == HELD else None

    def break_lease(self, lease_id: str, given: str = "") -> None:
        """Make the lease of this id one that cannot be renewed. Raises Refused when another holds the lock."""
        for _ in range(5):
            found = self._calls.get(self._key)
            holder, state = _read(found)
            if found is None or state != HELD:
                return
            if holder.id != lease_id:
                raise not_the_holder(self._label, lease_id, holder, given)
            if self._calls.put(self._key, encoded(holder, state=BROKEN), found.tag) is not None:
                return
        raise LockHeld(
            "the lease changes faster than it can be broken",
            self._label,
            sentence(holder),
            f"fbplan unlock{given} {lease_id}",
        )

    def _attempt(self, mine: Holder, told: Callable[[str], None]) -> ObjectLease | Holder:
        found = self._calls.get(self._key)
        holder, state = _read(found)
        if found is not None and state != RELEASED:
            if not self._is_silent(found, holder):
                return (
                    holder
                    if state == HELD
                    else replace(
                        holder,
                        who=f"{holder.who}, whose lease was broken and ends within {holder.seconds or SECONDS:.0f} s,",
                    )
                )
            told(f"no heartbeat for {holder.seconds or SECONDS:.0f} s: the lock of {sentence(holder)} is taken over")
        before = self._clock.now()
        tag = self._calls.put(self._key, encoded(mine, state=HELD), None if found is None else found.tag)
        if tag is not None:
            return ObjectLease(self._calls, self._key, mine, tag, before, self._clock)
        return _read(self._calls.get(self._key))[0]

    def _is_silent(self, found: Blob, holder: Holder) -> bool:
        now = self._clock.now()
        if self._seen[0] != found.tag:
            self._seen = (found.tag, now)
        return now - self._seen[1] >= (holder.seconds or SECONDS)

    def _require_conditions(self, lease: ObjectLease) -> None:
        """A store that takes every write keeps nobody apart: better no ledger there than two holders."""
        heeds = False
        try:
            heeds = self._calls.heeds_conditions(self._key)
        finally:
            if not heeds:
                lease.release()
        if heeds:
            return
        raise FbplanError(
            "this object store does not keep two applies apart",
            self._label,
            "it accepts conditional writes (If-None-Match, If-Match) and ignores the condition",
            "use a store that supports them (AWS S3, GCS, Azure and most others do), or a local ledger",
        )


class ObjectLease(Lease):
    """A lease and its heartbeat. It is lost at once when somebody else wrote it, and when no heartbeat came through."""

    def __init__(self, calls: Calls, key: str, holder: Holder, tag: str, since: float, clock: Clock) -> None:
        self.holder, self._calls, self._key, self._tag, self._clock = holder, calls, key, tag, clock
        self._until = since + holder.seconds * (1 - _MARGIN)
        self._is_lost = False
        self._ended = threading.Event()
        self._heart = threading.Thread(target=self._beat, name="fbplan lease", daemon=True)

    @override
    def is_held(self) -> bool:
        return not self._is_lost and self._clock.now() < self._until

    def start(self) -> None:
        self._heart.start()

    def renew(self) -> bool:
        """One heartbeat. False when it did not come through; then the lease goes on until its time."""
        before = self._clock.now()  # not after: others count from what they see, and they see it later than this
        following = replace(self.holder, beat=self.holder.beat + 1)
        try:
            tag = self._calls.put(self._key, encoded(following, state=HELD), self._tag)
            if tag is None and self._is_still_ours():
                tag = self._calls.put(self._key, encoded(following, state=HELD), self._tag)
        except FbplanError:
            return False
        if tag is None:
            self._is_lost = True
            return False
        self.holder, self._tag = following, tag
        self._until = before + following.seconds * (1 - _MARGIN)
        return True

    @override
    def release(self) -> bool:
        self._ended.set()
        if self._heart.is_alive():
            self._heart.join(min(2.0, self.holder.seconds / 4))
        gone = encoded(self.holder, state=RELEASED)
        try:  # one try: what is left behind expires, and a signal's grace is short
            if self._calls.put(self._key, gone, self._tag, tries=1) is None and self._is_still_ours():
                return self._calls.put(self._key, gone, self._tag, tries=1) is not None
        except FbplanError:
            return False
        finally:
            self._is_lost = True
        return True

    def _is_still_ours(self) -> bool:
        """Whether what stands there is a heartbeat of ours whose answer was lost."""
        found = self._calls.get(self._key)
        holder, state = _read(found)
        if found is None or state != HELD or holder.id != self.holder.id:
            return False
        self._tag = found.tag
        return True

    def _beat(self) -> None:
        pause = self.holder.seconds / 3
        while not self._ended.wait(pause) and not self._is_lost:
            pause = self.holder.seconds / (3 if self.renew() else 10)


def _read(found: Blob | None) -> tuple[Holder, str]:
    """Who stands in the lock, and in which state; a lock that cannot be read counts as held."""
    if found is None:
        return Holder("", "nobody", "", 0, ""), RELEASED
    holder, more = decoded(found.content)
    return holder, str(more.get("state") or HELD)
