"""What both faces of the router share: the state under its lock, and a script for each request."""

import threading
from collections import Counter
from collections.abc import Callable, Mapping
from typing import IO, Any, NamedTuple

from fbplan.runtime.accept import Pair
from fbplan.runtime.body import Body, body_of
from fbplan.runtime.course import Step, begin, told
from fbplan.runtime.decision import Decision, decide
from fbplan.runtime.faults import NoPolicy, NotFound, RoutingError, fault_of
from fbplan.runtime.finding import Deleted, Listing, Located, deleting, getting, listing, locating
from fbplan.runtime.flight import Answer, Flight
from fbplan.runtime.policy import Policy, Repository
from fbplan.runtime.record import write_record
from fbplan.runtime.reference import Reference, reference_in, required
from fbplan.runtime.script import Script
from fbplan.runtime.source import Alarm, Source
from fbplan.runtime.state import State, released
from fbplan.runtime.transport import Got, Place, Stored, place_of
from fbplan.runtime.view import Request, View
from fbplan.runtime.writing import Write, writing

Record = Mapping[str, Any]
Content = bytes | bytearray | memoryview | IO[bytes]
_NEGATIVE_MS, _NEGATIVES = 1_000, 1_024
_PER_TRY_MS = 5_000


class Placement(NamedTuple):
    """Where an object was placed. Store `str(reference)` beside your data: one request finds the object again."""

    reference: Reference
    record: Record
    answer: Any = None
    """The SDK's own answer, where the adapter passes it on and the write was not settled by a HEAD."""

    @property
    def bucket(self) -> str:
        return self.reference.bucket


class Habits(NamedTuple):
    """How a router is set up; the defaults are right for a service."""

    writer: str
    simple: bool
    expects_usage: bool
    clock_ms: Callable[[], int]
    dice: Callable[[], int]
    alarm: Alarm
    on_record: Callable[[Record], None]
    spool_limit: int
    born_ms: int | None


class Core:
    """One repository as one writer sees it. Every method may be called from any thread."""

    def __init__(self, source: Source, repository: str | None, habits: Habits) -> None:
        self._source = source
        self._wanted = repository
        self._habits = habits
        self._lock = threading.Lock()
        self._state = State()
        self._view: tuple[Pair, View] | None = None
        self._seq = 0
        self._absent: dict[str, int] = {}
        self._is_stale = False
        self.counts: Counter[str] = Counter()
        """Writes by outcome, tries by class, alarms by name."""

    def now_ms(self) -> int:
        return self._habits.clock_ms()

    def dice(self) -> int:
        return self._habits.dice()

    def view(self) -> View:
        """What a request that begins now runs by. Raises NoPolicy."""
        pair, known = self._source.pair, self._view
        if known is None or known[0] is not pair:
            policy, repository = self._repository(pair)
            habits = self._habits
            view = View(
                policy,
                repository,
                pair.usage,
                pair.confirmed_ms,
                habits.writer,
                habits.simple,
                habits.expects_usage,
                habits.born_ms,
            )
            self._view = known = (pair, view)
        return known[1]

    def _repository(self, pair: Pair) -> tuple[Policy, Repository]:
        policy = pair.policy
        if policy is None:
            where, told = self._source.policy_fault
            raise NoPolicy(
                f"no routing policy was ever good, nothing is written: {where}: {told}; run: fbplan policy check {where}"
            )
        names = [self._wanted] if self._wanted is not None else list(policy.repositories)
        if len(names) != 1 or names[0] not in policy.repositories:
            known = ", ".join(sorted(policy.repositories))
            raise NoPolicy(f"name one repository of the policy: Router(…, repository=…); it has: {known}")
        return policy, policy.repositories[names[0]]

    def choose(self, size: int) -> Decision:
        """What would be chosen for a write that begins now; nothing is counted."""
        return decide(self.view(), self._state, self.now_ms(), Request(size))

    def step(self, change: Callable[[State], Step]) -> Flight:
        with self._lock:
            self._state, flight = change(self._state)
        return flight

    def begin(self, request: Request) -> Flight:
        view, now = self.view(), self.now_ms()
        self._note_age(view, now)
        return self.step(lambda state: begin(view, state, now, request))

    def release(self, view: View, bucket: str, at_ms: int, size: int) -> None:
        """Bytes that were counted at that time, by that view, and will not be sent."""
        with self._lock:
            self._state = released(self._state, view, at_ms, bucket, size)

    def place(self, flight: Flight, bucket: str) -> Place:
        return place_of(flight.view.policy, flight.view.repository, bucket)

    def refresh(self) -> None:
        """Look whether the files changed. It reads them, so an event loop has to do it elsewhere."""
        self._source.refresh()

    def body(self, content: Content, size: int | None) -> Body:
        return body_of(content, size, self._habits.spool_limit)

    def put(
        self, key: str, content: Content, size: int | None, options: Mapping[str, Any], *, overwrite: bool
    ) -> Script[Placement]:
        required(key)
        body = self.body(content, size)
        only = (yield from self.holder(key)) if overwrite else None
        metadata = {"fbseq": str(self.next_seq())}
        if body.sha256 is not None:
            metadata["fbsha256"] = body.sha256
        write = Write(key, body, metadata, not overwrite, options)
        landed = yield from writing(self, self.begin(Request(body.size, body.is_repeatable, only)), write)
        return self.placed(key, landed.stored, write_record(landed.flight))

    def placed(self, key: str, stored: Stored, record: Record) -> Placement:
        """A write that has ended, reported. Raises WriteFailed for one that was not made."""
        self.report(record)
        if record["outcome"] != "stored":
            raise fault_of(record)
        self._absent.pop(key, None)
        reference = Reference(record["repository"], record["bucket"], key, stored.etag)
        return Placement(reference, record, stored.answer)

    def holder(self, key: str) -> Script[str | None]:
        """The bucket that holds a key; None when certainly none does. Raises Unavailable."""
        view = self.view()
        try:
            located = yield from locating(self._places(view), key, view.repository.per_try_ms)
        except NotFound:
            return None
        return located.place.bucket

    def rehearse(self, size: int) -> Record:
        """What a write would come to if every store took it; it is counted and reported as if it had been made."""
        flight = self.begin(Request(size))
        if not flight.action.is_end:
            begun = flight
            flight = self.step(lambda state: told(state, begun, self.now_ms(), Answer(200)))
        record = write_record(flight)
        self.report(record)
        return record

    def get(self, where: str | Reference, options: Mapping[str, Any]) -> Script[Got]:
        reference = reference_in(where)
        if reference is not None:
            places, timeout_ms = self._referred(reference)
            return (yield from getting(places, reference.key, timeout_ms, options))
        located = yield from self.locate(str(where))
        return (yield from getting([located.place], str(where), self.view().repository.per_try_ms, options))

    def locate(self, where: str | Reference) -> Script[Located]:
        """Where an object is. Raises NotFound and Unavailable."""
        reference = reference_in(where)
        if reference is not None:
            places, timeout_ms = self._referred(reference)
            return (yield from locating(places, reference.key, timeout_ms))
        key, view = str(where), self.view()
        if self._absent.get(key, 0) > self.now_ms():
            raise NotFound(f"no bucket holds '{key}', as of a moment ago")
        try:
            return (yield from locating(self._places(view), key, view.repository.per_try_ms))
        except NotFound:
            if len(self._absent) >= _NEGATIVES:
                self._absent.clear()
            self._absent[key] = self.now_ms() + _NEGATIVE_MS
            raise

    def delete(self, where: str | Reference) -> Script[Deleted]:
        reference, view = reference_in(where), self.view()
        key = str(where) if reference is None else reference.key
        return deleting(self._places(view), key, view.repository.per_try_ms)

    def keys(self, prefix: str, options: Mapping[str, Any]) -> Script[Listing]:
        view = self.view()
        return listing(self._places(view), prefix, view.repository.per_try_ms, options)

    def addresses(self) -> frozenset[str]:
        return frozenset(place.address for place in self._places(self.view()))

    def _places(self, view: View) -> list[Place]:
        return [place_of(view.policy, view.repository, name) for name in view.repository.attached]

    def _referred(self, reference: Reference) -> tuple[list[Place], int]:
        """Where a reference leads: to its bucket, and to the mirrors of that if there are any."""
        try:
            view = self.view()
        except NoPolicy:
            # reading needs no policy when the bucket is known
            return [Place(reference.repository, reference.bucket, reference.bucket)], _PER_TRY_MS
        if reference.repository != view.repository.name:
            raise RoutingError(f"the reference is of repository '{reference.repository}', not '{view.repository.name}'")
        places = {place.bucket: place for place in self._places(view)}
        first = places.pop(reference.bucket, Place(reference.repository, reference.bucket, reference.bucket))
        others = list(places.values()) if view.repository.mode == "MIRROR" else []
        return [first, *others], view.repository.per_try_ms

    def next_seq(self) -> int:
        """Rises with every write of this process; of two copies of a key the larger one is the newer."""
        with self._lock:
            self._seq = max(self._seq + 1, self.now_ms() * 1000)
            return self._seq

    def _note_age(self, view: View, now_ms: int) -> None:
        is_stale = now_ms >= view.confirmed_ms + view.repository.stale_after_ms
        if is_stale and not self._is_stale:
            self._alarm("policy.stale", {"repository": view.repository.name})
        self._is_stale = is_stale

    def report(self, record: Record) -> None:
        self.counts[str(record["outcome"])] += 1
        self.counts.update(f"try.{attempt['class'] or 'stored'}" for attempt in record["attempts"])
        for alarm in record["alarms"]:
            self._alarm(alarm, {"repository": record["repository"], "bucket": _alarmed(record, alarm)})
        self._habits.on_record(record)

    def _alarm(self, name: str, told: Mapping[str, str]) -> None:
        self.counts[f"alarm.{name}"] += 1
        self._habits.alarm(name, told)


def _alarmed(record: Record, alarm: str) -> str:
    """The bucket whose answer raised the alarm. The last try may have gone to another one, and well."""
    classes = ("quota",) if alarm == "credit_mismatch" else ("auth", "quota_suspect", "clock")
    tried = [attempt["bucket"] for attempt in record["attempts"] if attempt["class"] in classes]
    found: str = tried[-1] if tried else record["attempts"][-1]["bucket"]
    return found
