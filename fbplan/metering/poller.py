"""The poller: look, read, reckon, publish, read back; and again at the next time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from fbplan.errors import FbplanError, Interrupted, LockHeld
from fbplan.metering.document import usage_bytes
from fbplan.metering.memory import Memory, blinded, merged, remembered
from fbplan.metering.place import Place, content_of
from fbplan.metering.reading import Reading, Statistics, read_statistics
from fbplan.metering.reports import MISMATCH, mismatches, read_reports
from fbplan.metering.rounds import Habits, Round, next_round, terms_for
from fbplan.runtime.accept import next_policy
from fbplan.runtime.form import Unusable
from fbplan.runtime.grants import blind_ms
from fbplan.runtime.policy import Policy
from fbplan.runtime.statistics.standing import Freshness
from fbplan.runtime.statistics.use import unknown_zones
from fbplan.storage import Conflict, Storage

ALERT_AFTER = 2
"""Failed polls in a row, from which on each one is an alert."""
HINTS_REST = 10
"""Polls for which nodes are not asked after, once they gave no answer."""
TRIES = 3
Alert = Callable[[str, str], None]
"""Called with a short name (`statistics`, `fell`, `second_publisher`, `memory`, `policy`, …) and a sentence."""


@dataclass(frozen=True, slots=True)
class Polled:
    """What one poll came to. `faults` are why use could not be read."""

    round: Round
    reading: Reading
    is_published: bool = True
    """False when nothing was learnt: the file stands as it is until its grants end."""

    @property
    def faults(self) -> tuple[FbplanError, ...]:
        return self.reading.faults


class Poller:
    """One publisher of one usage file."""

    def __init__(
        self,
        policy: Storage,
        place: Place,
        habits: Habits,
        *,
        clock_ms: Callable[[], int],
        alert: Alert,
        reports: Path | None = None,
    ) -> None:
        """`reports` is a file to which writers append their alarms (see `metering.reports`)."""
        self._reports_at, self._reported = reports, dict[str, int]()
        self._policy_at, self._place, self._habits = policy, place, habits
        self._clock_ms, self._alert = clock_ms, alert
        self._policy: Policy | None = None
        self._memory: Memory | None = None
        self._hints_rest = 0

    def poll(self, api: Statistics) -> Polled:
        """One round, published unless nothing was learnt. Raises FbplanError when there is no policy, or no place."""
        policy = self._current_policy()
        self._recall(policy)
        reading = read_statistics(api, policy, self._clock_ms(), with_hints=not self._hints_rest)
        gave_none = not self._hints_rest and not reading.health and not reading.faults
        self._hints_rest = HINTS_REST if gave_none else max(0, self._hints_rest - 1)
        for tried in range(1, TRIES + 1):
            memory = self._memory or Memory()
            made = self._made(policy, reading, memory)
            if made.cuts(memory):
                self._memory = replace(memory, failures=made.failures)
                self._tell(made)
                return Polled(made, reading, is_published=False)
            # remembered before it is published: when that fails half way, its grants may be out all the same
            self._memory = made.memory
            try:
                self._place.publish(usage_bytes(made, policy, self._habits, reading.health))
                break
            except Conflict:
                self._recall(policy)
                if tried == TRIES:
                    raise
        self._tell(made)
        return Polled(made, reading)

    def _made(self, policy: Policy, reading: Reading, memory: Memory) -> Round:
        return next_round(policy, reading.buckets, memory, self._habits, read_ms=reading.at_ms, now_ms=self._clock_ms())

    def _current_policy(self) -> Policy:
        """The policy as it stands; what was good before when that cannot be used."""
        try:
            raw = content_of(self._policy_at, "policy")
            if raw is not None:
                return self._taken(next_policy(self._policy, raw))
            told = "it is gone"
        except Unusable as fault:
            told = str(fault)
        except FbplanError as fault:
            if self._policy is None:
                raise
            told = str(fault)
        if self._policy is None:
            what = "there is no policy file" if told == "it is gone" else "the policy file cannot be used"
            why = "" if told == "it is gone" else told
            raise FbplanError(what, self._policy_at.label, why, "fbplan apply publishes it; or name it with --policy")
        self._alert("policy", f"{self._policy_at.label}: {told}; generation {self._policy.generation} stays in force")
        return self._policy

    def _taken(self, policy: Policy) -> Policy:
        if self._policy is None or policy.digest != self._policy.digest:
            for tz in unknown_zones(policy):
                told = (
                    f"{self._policy_at.label}: the time zone '{tz}' is not known here, so UTC is taken; install tzdata"
                )
                self._alert("policy", told)
        self._policy = policy
        return policy

    def _recall(self, policy: Policy) -> None:
        """Learn what stands at the place, unless it is what this poller put there."""
        content, is_foreign = self._place.look()
        if is_foreign:
            what = "took the file away" if content is None else "published there too"
            self._alert(
                "second_publisher",
                f"{self._place.label}: somebody else {what}; see that only one poller runs, with one policy",
            )
        if self._memory is not None and not is_foreign:
            return
        now_ms = self._clock_ms()
        until_ms = now_ms + max((blind_ms(terms_for(policy, name, self._habits)) for name in policy.buckets), default=0)
        try:
            found = remembered(content) if content is not None else Memory()
        except Unusable as fault:
            self._alert("memory", f"{self._place.label}: it cannot be read ({fault}): earlier grants are not known")
            # whatever `seq` it had, readers have seen it
            found = blinded(self._memory or Memory(), until_ms)
            self._memory = replace(found, seq=max(found.seq, now_ms // 1000 - 1)) if found.seq else found
            return
        self._memory = found if self._memory is None else merged(self._memory, found)

    def _tell(self, made: Round) -> None:
        self._tell_reports(made)
        for bucket in made.buckets:
            for meter in bucket.meters:
                if meter.standing.fell is not None:
                    period, before, now = meter.standing.fell
                    name = bucket.bucket.name
                    self._alert(
                        "fell",
                        f"{name}.{meter.meter.name}: use in {period} fell from {before} to {now} bytes; the larger counts, "
                        f"and its grants end until it is back. If the fall is right: --allow fall:{name}",
                    )
        if made.failures >= ALERT_AFTER:
            for why, places in sorted(_unread(made).items()):
                self._alert(
                    "statistics",
                    f"{made.failures} polls in a row did not read the use of {', '.join(places)}: {why}; "
                    "grants shrink and end",
                )

    def _tell_reports(self, made: Round) -> None:
        if self._reports_at is None:
            return
        try:
            reports = read_reports(self._reports_at)
        except FileNotFoundError:
            return  # nobody had anything to report yet
        except OSError as fault:
            self._alert("reports", f"{self._reports_at}: the reports cannot be read: {fault.strerror or fault}")
            return
        for told in mismatches(made, reports, self._reported).values():
            self._alert(MISMATCH, told)
        self._reported = reports


def _unread(made: Round) -> dict[str, list[str]]:
    """Why → the meters that could not be read for that reason."""
    out: dict[str, list[str]] = {}
    for bucket in made.buckets:
        for meter in bucket.meters:
            found = meter.standing
            if meter.meter.limit is not None and found.freshness is not Freshness.FRESH and found.fell is None:
                out.setdefault(found.why, []).append(f"{bucket.bucket.name}.{meter.meter.name}")
    return out


def blind_until(made: Round) -> int | None:
    """When the last bucket begins to get grants, where earlier ones are not known; None when none waits for that."""
    return max((m.blind_until_ms for b in made.buckets for m in b.meters if m.is_blind), default=None)


def polls(
    poll: Callable[[], Polled],
    habits: Habits,
    *,
    clock_ms: Callable[[], int],
    sleep: Callable[[float], None],
    stopped: Callable[[], bool],
    alert: Alert,
) -> Iterator[Polled | FbplanError]:
    """Poll at fixed times until stopped; a time that passed during a poll is left out. Raises LockHeld when it is lost.

    A poll that published nothing is yielded as its error, and tried again at the next time.
    """
    due_ms, misses = clock_ms(), 0
    while not stopped():
        came: Polled | FbplanError
        try:
            came, misses = poll(), 0
        except FbplanError as fault:
            if isinstance(fault, Interrupted | LockHeld) and not isinstance(fault, Conflict):
                raise
            came, misses = fault, misses + 1
            if misses >= ALERT_AFTER:
                alert("publish", f"{misses} polls in a row published nothing: {fault}; grants end")
        yield came
        now_ms = clock_ms()
        passed = max(0, now_ms - due_ms) // habits.poll_ms
        due_ms += (passed + 1) * habits.poll_ms
        while not stopped() and clock_ms() < due_ms:
            before_ms = clock_ms()
            sleep((due_ms - before_ms) / 1000)
            if clock_ms() < before_ms:  # the clock was set back: do not wait for the old time
                due_ms = clock_ms()
