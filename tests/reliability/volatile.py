"""Local files of which one knows what a power cut would leave: of a log, only what was synced. And they can fill up."""

from __future__ import annotations

from pathlib import Path

from typing_extensions import override

from fbplan.errors import FbplanError
from fbplan.journal.records import Record, record_from
from fbplan.storage import Files
from fbplan.storage.base import JOURNAL, LEDGER, Log


class Volatile(Files):
    """Files that remember how much of each log is durable."""

    def __init__(self, ledger: Path) -> None:
        super().__init__(ledger)
        self.synced: dict[str, int] = {}

    @override
    def open_log(self, name: str) -> Log:
        return Watched(super().open_log(name), name, self)

    def durable_records(self) -> list[Record]:
        """What the journals would hold after a power cut now."""
        found: list[Record] = []
        for name in self.names(JOURNAL):
            lines = self.read_log(name)[: self.synced.get(name, 0)].split(b"\n")[:-1]
            found += [record_from(line, number) for number, line in enumerate(lines, 1)]
        return found


class Watched(Log):
    """A log that tells its storage what is durable, and fails when its storage is full."""

    def __init__(self, inner: Log, name: str, storage: Volatile) -> None:
        self.inner, self.name, self.storage, self.length = inner, name, storage, 0

    @override
    def append(self, content: bytes) -> None:
        self.inner.append(content)
        self.length += len(content)

    @override
    def sync(self) -> None:
        self.inner.sync()
        self.storage.synced[self.name] = self.length

    @override
    def close(self) -> None:
        self.inner.close()


class Full(Volatile):
    """A disk that is full from the `nth` call of one kind on: append (half of the line gets through), sync, or ledger."""

    def __init__(self, ledger: Path, what: str, nth: int) -> None:
        super().__init__(ledger)
        self.what, self.nth, self.calls = what, nth, 0

    @property
    def has_failed(self) -> bool:
        return self.calls >= self.nth

    def is_full(self, what: str) -> bool:
        self.calls += what == self.what
        return what == self.what and self.has_failed

    def no_space(self) -> FbplanError:
        return FbplanError(
            "a file beside the ledger cannot be written", self.label, "No space left on device", "free some space"
        )

    @override
    def open_log(self, name: str) -> Log:
        if self.is_full("open"):
            raise self.no_space()
        return Filling(Files.open_log(self, name), name, self)

    @override
    def write(self, name: str, content: bytes, tag: str | None) -> str:
        if name == LEDGER and self.is_full("ledger"):
            raise self.no_space()
        return super().write(name, content, tag)


class Filling(Watched):
    """A log on such a disk."""

    storage: Full

    @override
    def append(self, content: bytes) -> None:
        if self.storage.is_full("append"):
            self.inner.append(content[: len(content) // 2])
            raise self.storage.no_space()
        super().append(content)

    @override
    def sync(self) -> None:
        if self.storage.is_full("sync"):
            raise self.storage.no_space()
        super().sync()
