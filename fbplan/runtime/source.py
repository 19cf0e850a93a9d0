"""The two files as they stand on disk, watched by path: the newest good pair, swapped in as one reference."""

from __future__ import annotations

import contextlib
import os
import stat
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from fbplan.runtime.accept import next_policy, next_usage
from fbplan.runtime.form import LIMIT, Unusable
from fbplan.runtime.policy import Policy
from fbplan.runtime.usage import Usage

EVERY_MS = 1_000
"""The files are looked at no more often than this."""
Alarm = Callable[[str, Mapping[str, str]], None]


class Pair(NamedTuple):
    """What a request runs by from its beginning to its end."""

    policy: Policy | None = None
    usage: Usage | None = None
    confirmed_ms: int = 0
    """When the policy was last seen to stand at its path."""


Mark = tuple[int, int, int]
_HOUR_MS = 3_600_000


class _File:
    """One path: the mark of what was last looked at there, and whether that was taken."""

    def __init__(self, path: Path, kept: Path | None) -> None:
        self.path = path
        self.kept = kept
        self.mark: Mark | None = None
        self.was_taken = False
        self.kept_ms: int | None = None

    def changed(self) -> bytes | None:
        """The content if it is not what was looked at before. Raises OSError and Unusable."""
        mark = _mark(self.path)
        if mark == self.mark:
            return None
        self.was_taken, self.mark = False, None
        raw = _content(self.path)
        if _mark(self.path) == mark:  # else it was replaced meanwhile, and is read again next time
            self.mark = mark
        return raw

    def confirm(self, at_ms: int) -> None:
        """The content still stands: what is kept is as young as that, to the hour."""
        if self.kept is not None and (self.kept_ms is None or at_ms - self.kept_ms >= _HOUR_MS):
            os.utime(self.kept, ns=(at_ms * 1_000_000, at_ms * 1_000_000))
            self.kept_ms = at_ms

    def keep(self, raw: bytes, at_ms: int) -> None:
        """Remember the content on disk, for a start at which the file is gone or damaged."""
        if self.kept is None:
            return
        temporary = self.kept.with_name(f".{self.kept.name}.{os.getpid()}.fbplan-tmp")
        self.kept.parent.mkdir(parents=True, exist_ok=True)
        try:
            with temporary.open("wb") as file:
                file.write(raw)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(self.kept)
            self.kept_ms = None
            self.confirm(at_ms)
        finally:
            temporary.unlink(missing_ok=True)


def _mark(path: Path) -> Mark:
    found = path.stat()  # follows links, so that a switched link is a change
    if not stat.S_ISREG(found.st_mode):
        raise Unusable("unreadable", "it is not a regular file")
    return found.st_ino, found.st_mtime_ns, found.st_size


def _content(path: Path) -> bytes:
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
        return file.read(LIMIT + 1)


class Source:
    """Reads the files again when they change. `pair` may be read at any time from any thread."""

    def __init__(
        self,
        policy: Path,
        usage: Path | None,
        *,
        clock_ms: Callable[[], int],
        alarm: Alarm,
        last_good: Path | None = None,
    ) -> None:
        """`last_good` is a folder of this process's own, where what was good is kept for the next start."""
        kept = {name: last_good / name if last_good else None for name in ("routing-policy.json", "usage.json")}
        self._policy = _File(policy, kept["routing-policy.json"])
        self._usage = _File(usage, kept["usage.json"]) if usage is not None else None
        self._clock_ms = clock_ms
        self._alarm = alarm
        self._lock = threading.Lock()
        self._looked_ms: int | None = None
        self.counts: Counter[str] = Counter()
        """`policy.taken`, `usage.digest`, …: how often each file was taken, or refused and why."""
        self.pair = Pair()
        self._restore()
        self.refresh()

    def refresh(self, *, now: bool = False) -> Pair:
        """Look at the files, unless that was done within the last second; `now` looks in any case."""
        at = self._clock_ms()
        if not now and not self.is_due():
            return self.pair
        if not self._lock.acquire(blocking=now):
            return self.pair  # another thread is at it
        try:
            self._looked_ms = at
            self._look(at)
        finally:
            self._lock.release()
        return self.pair

    def is_due(self) -> bool:
        """Whether a second has passed since the files were looked at."""
        return self._looked_ms is None or not 0 <= self._clock_ms() - self._looked_ms < EVERY_MS

    def _look(self, at: int) -> None:
        pair = self.pair
        raw = self._read("policy", self._policy)
        if raw is not None:
            with self._refusals("policy", self._policy):
                pair = pair._replace(policy=next_policy(pair.policy, raw))
                self._taken("policy", self._policy, raw, at)
        if self._policy.was_taken:
            pair = pair._replace(confirmed_ms=at)
            with contextlib.suppress(OSError):
                self._policy.confirm(at)
        if self._usage is not None:
            raw = self._read("usage", self._usage)
            if raw is not None:
                with self._refusals("usage", self._usage):
                    pair = pair._replace(usage=next_usage(pair.usage, pair.policy, raw))
                    self._taken("usage", self._usage, raw, at)
        self.pair = pair

    def _restore(self) -> None:
        """Begin with what was good in the last run; it is confirmed as of then, not as of now."""
        with contextlib.suppress(OSError, Unusable):
            if self._policy.kept is not None:
                seen = self._policy.kept.stat().st_mtime_ns // 1_000_000
                self.pair = Pair(next_policy(None, _content(self._policy.kept)), None, seen)
        with contextlib.suppress(OSError, Unusable):
            if self._usage is not None and self._usage.kept is not None:
                self.pair = self.pair._replace(usage=next_usage(None, None, _content(self._usage.kept)))

    def _read(self, word: str, file: _File) -> bytes | None:
        with self._refusals(word, file):
            return file.changed()
        return None

    def _taken(self, word: str, file: _File, raw: bytes, at_ms: int) -> None:
        file.was_taken = True
        self.counts[f"{word}.taken"] += 1
        try:
            file.keep(raw, at_ms)
        except OSError as error:
            self._report(word, file, "kept", error.strerror or str(error))

    @contextlib.contextmanager
    def _refusals(self, word: str, file: _File) -> Iterator[None]:
        try:
            yield
        except Unusable as error:
            self._report(word, file, error.reason, str(error))
        except OSError as error:
            file.was_taken, file.mark = False, None
            self._report(word, file, "unreadable", error.strerror or str(error))

    def _report(self, word: str, file: _File, reason: str, told: str) -> None:
        self.counts[f"{word}.{reason}"] += 1
        self._alarm(f"{word}.{reason}", {"path": str(file.path), "why": told})
