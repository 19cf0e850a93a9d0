"""What a node does with whole objects, in no protocol's terms: each protocol brings the conditions and words of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from fbplan.emulator.bridge import objects, traffic
from fbplan.emulator.bridge.credit import charge
from fbplan.emulator.bridge.errand import Errand
from fbplan.emulator.bridge.objects import Stored
from fbplan.emulator.bridge.refusals import Refusal
from fbplan.emulator.bridge.replies import Part
from fbplan.emulator.bridge.store import Incoming

Check = Callable[[Stored | None], None]
"""Raises the Refusal of a write whose condition on what is there does not hold."""
Stretch = tuple[int, int]
"""Where a range starts, and its length."""


@dataclass(frozen=True, slots=True)
class Reading:
    """An object that is being answered: the whole, or the `part` that was asked for. `body` is None for its facts alone."""

    stored: Stored
    part: Stretch | None
    body: Part | None

    @property
    def length(self) -> int:
        return self.stored.size if self.part is None else self.part[1]

    @property
    def status(self) -> int:
        return 200 if self.part is None else 206

    @property
    def content_range(self) -> tuple[tuple[str, str], ...]:
        """The header that says which part it is."""
        if self.part is None:
            return ()
        start, length = self.part
        return (("Content-Range", f"bytes {start}-{start + length - 1}/{self.stored.size}"),)


def found(stored: Stored | None) -> Stored:
    """Raise the Refusal of an object that is not there."""
    if stored is None:
        raise Refusal("NoSuchKey", "The specified key does not exist.")
    return stored


def put(errand: Errand, headers: Mapping[str, str], check: Check, least: int) -> Stored:
    """Make the body of the request the object; it is `least` bytes or more. Raises Refusal."""
    place = errand.place
    with errand.store.reading() as db:  # refuse before reading what will not be kept
        before = objects.find(db, place.container, errand.key)
        check(before)
        charge(db, place.bucket_id, errand.now, up=least, growth=least - (before.size if before else 0))
    with errand.store.incoming() as coming:
        received = errand.receive(coming.file)
        stored = Stored(coming.name, received.size, received.md5, errand.now.timestamp(), headers, received.checksums)
        commit(errand, stored, coming, check, up=received.size)
    return stored


def commit(errand: Errand, stored: Stored, coming: Incoming, check: Check, *, up: int) -> None:
    """Make a written file the object: conditions, credit, index and count in one transaction. Raises Refusal."""
    place, key = errand.place, errand.key
    with errand.store.writing() as db:
        before = objects.find(db, place.container, key)
        check(before)
        growth = stored.size - (before.size if before else 0)
        charge(db, place.bucket_id, errand.now, up=up, growth=growth)
        coming.keep()
        objects.put(db, place.container, key, stored)
        traffic.note(db, errand.now, place.bucket_id, errand.visitor.repo_id, up=up, size=growth)
    if before is not None:
        errand.store.drop(before.file)


def read(errand: Errand, check: Callable[[Stored], None], part_of: Callable[[int], Stretch | None]) -> Reading:
    """The object or a range of it. It counts as downloaded when its answer begins."""
    place = errand.place
    with errand.store.writing() as db:
        stored = found(objects.find(db, place.container, errand.key))
        check(stored)
        part = part_of(stored.size)
        start, length = part or (0, stored.size)
        file = errand.store.open(stored.file)  # under the lock, so that nobody drops it before
        traffic.note(db, errand.now, place.bucket_id, errand.visitor.repo_id, down=length)
    return Reading(stored, part, Part(file, start, length))


def look(
    errand: Errand, check: Callable[[Stored], None], part_of: Callable[[int], Stretch | None] = lambda _size: None
) -> Reading:
    """The facts of an object; nothing is counted."""
    with errand.store.reading() as db:
        stored = found(objects.find(db, errand.place.container, errand.key))
    check(stored)
    return Reading(stored, part_of(stored.size), None)


def delete(errand: Errand, key: str, check: Check = lambda _stored: None) -> bool:
    """Take an object out; False when there was none."""
    place = errand.place
    with errand.store.writing() as db:
        stored = objects.find(db, place.container, key)
        check(stored)
        if stored is None:
            return False
        objects.remove(db, place.container, key)
        traffic.note(db, errand.now, place.bucket_id, errand.visitor.repo_id, size=-stored.size)
    errand.store.drop(stored.file)
    return True
