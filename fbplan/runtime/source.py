"""The two files as they stand at their places: the newest good pair, swapped in as one reference."""

from __future__ import annotations

import os
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from fbplan.runtime.accept import Pair, with_policy, with_usage
from fbplan.runtime.form import Unusable
from fbplan.runtime.origin import Origin, origin_of

if TYPE_CHECKING:
    from pathlib import Path

    from fbplan.runtime.kept import Kept
    from fbplan.runtime.watch import Watch

EVERY_MS = 1_000
"""Files are looked at no more often than this."""
REMOTE_EVERY_S = 2.0
"""And what stands behind a network by a thread, so often."""
Alarm = Callable[[str, Mapping[str, str]], None]


class _Followed:
    """One of the two: where it stands, whether what was read there last was taken, and where the last good is kept."""

    def __init__(self, word: str, origin: Origin, kept: Kept | None) -> None:
        self.word = word
        self.origin = origin
        self.kept = kept
        self.was_taken = False
        self.stands = False
        """Whether the last look saw it there."""
        self.fault = ""
        """What was wrong with it when it was refused last."""


class Source:
    """Reads the files again when they change. `pair` may be read at any time from any thread.

    Paths are looked at by whoever calls `refresh`. As soon as one of the two stands behind a network, a thread looks at
    both: no caller waits for it, but for the first time in a process.
    """

    def __init__(
        self,
        policy: str | Path,
        usage: str | Path | Origin | None,
        *,
        clock_ms: Callable[[], int],
        alarm: Alarm,
        last_good: str | Path | None = None,
        every_s: float = REMOTE_EVERY_S,
    ) -> None:
        """`last_good` is a folder of this process's own, where what was good is kept for the next start."""
        found = usage if usage is None or not isinstance(usage, str | os.PathLike) else origin_of(usage)
        self._policy = _Followed("policy", origin_of(policy), _kept(last_good, "routing-policy.json"))
        self._usage = None if found is None else _Followed("usage", found, _kept(last_good, "usage.json"))
        self._followed = (self._policy,) if self._usage is None else (self._policy, self._usage)
        self._clock_ms = clock_ms
        self._alarm = alarm
        self._lock = threading.Lock()
        self._looked_ms: int | None = None
        self.counts: Counter[str] = Counter()
        """`policy.taken`, `usage.digest`, …: how often each file was taken, or refused and why."""
        self.pair = Pair()
        self._restore()
        self.look()
        self._watch: Watch | None = None
        if any(followed.origin.is_remote for followed in self._followed):
            from fbplan.runtime.watch import Watch

            self._watch = Watch(self, every_s)

    def refresh(self, *, now: bool = False) -> Pair:
        """Look at the files, unless that was done within the last second; `now` looks in any case.

        Where a thread looks, this only sees to it that it runs.
        """
        if not now and not self.is_due():
            return self.pair
        watch = self._watch
        if watch is not None:
            self._begin(watch, now=now)
        elif self._lock.acquire(blocking=now):  # else another thread is at it
            try:
                self._look()
            finally:
                self._lock.release()
        return self.pair

    def is_due(self) -> bool:
        """Whether `refresh` has anything to do."""
        if self._watch is not None:
            return not self._watch.is_running and not self._watch.is_closed
        return self._is_old(EVERY_MS)

    @property
    def policy_fault(self) -> tuple[str, str]:
        """Where the policy should stand, and what was wrong there the last time."""
        return self._policy.origin.label, self._policy.fault

    def look(self) -> None:
        """Look at the files now."""
        with self._lock:
            self._look()

    def close(self) -> None:
        """End the thread, if there is one; the pair stays as it is."""
        if self._watch is not None:
            self._watch.close()

    def begin_anew(self) -> None:
        """Be the child of a fork: what was under way in the other process is not finished here."""
        self._lock = threading.Lock()
        for followed in self._followed:
            followed.origin.forget()

    def _begin(self, watch: Watch, *, now: bool) -> None:
        """A process begins with files that are as new as if it had just started; from there on the thread looks."""
        with self._lock:
            if now or (not watch.is_running and self._is_old(EVERY_MS)):
                self._look()
            watch.start()

    def _is_old(self, than_ms: int) -> bool:
        return self._looked_ms is None or not 0 <= self._clock_ms() - self._looked_ms < than_ms

    def _look(self) -> None:
        at = self._looked_ms = self._clock_ms()
        pair = self._follow(self._policy, self.pair, at, with_policy)
        if self._policy.stands:
            pair = pair._replace(confirmed_ms=at)
        if self._usage is not None:
            pair = self._follow(self._usage, pair, at, with_usage)
        self.pair = pair

    def _follow(self, file: _Followed, pair: Pair, at: int, taken: Callable[[Pair, bytes], Pair]) -> Pair:
        """The pair with what stands there now, if that is new and good."""
        file.stands = False
        try:
            raw = file.origin.read(pair, lambda reason, why: self._report(file, reason, why))
            if raw is not None:
                file.was_taken = False
                pair = taken(pair, raw)
                self.counts[f"{file.word}.taken"] += 1
                file.was_taken = True
        except Unusable as error:
            file.fault = str(error)
            self._report(file, error.reason, str(error))
            return pair
        file.stands = file.was_taken
        if file.kept is not None and file.stands:
            try:
                file.kept.confirm(at) if raw is None else file.kept.keep(raw, at)
            except OSError as error:
                if raw is not None:
                    self._report(file, "kept", error.strerror or str(error))
        return pair

    def _restore(self) -> None:
        """Begin with what was good in the last run; it is confirmed as of then, not as of now."""
        for file, taken in zip(self._followed, (with_policy, with_usage), strict=False):
            if file.kept is not None:
                try:
                    raw, seen_ms = file.kept.read()
                    self.pair = taken(self.pair, raw)
                except (OSError, Unusable):
                    continue
                if file is self._policy:
                    self.pair = self.pair._replace(confirmed_ms=seen_ms)

    def _report(self, file: _Followed, reason: str, told: str) -> None:
        self.counts[f"{file.word}.{reason}"] += 1
        self._alarm(f"{file.word}.{reason}", {"path": file.origin.label, "why": told})


def _kept(folder: str | Path | None, name: str) -> Kept | None:
    if folder is None:
        return None
    from fbplan.runtime.kept import Kept

    return Kept(folder, name)
