"""Reading the journals that are there: line by line, and what is wrong with one that cannot be believed."""

from __future__ import annotations

import re
from dataclasses import dataclass

from fbplan.errors import FbplanError
from fbplan.journal.records import FORMAT, Begun, Foreign, Record, record_from
from fbplan.storage.base import JOURNAL, Storage

_FORMAT = re.compile(rb'"format":"(fbplan\.journal/[\w.+-]{1,40})"')


@dataclass(frozen=True, slots=True)
class Damage:
    """The first line of a journal that cannot be read."""

    line: int
    lines: int
    why: str
    is_foreign: bool = False
    """Whether it is whole, and written by another version of fbplan."""


@dataclass(frozen=True, slots=True)
class Unfinished:
    """A journal that was left behind, or is being written, read."""

    name: str
    records: tuple[Record, ...]
    is_torn: bool
    """Whether its last line was cut: the write of a record that nobody was told of yet."""
    damage: Damage | None = None
    """Then `records` holds what can be read, for people only: a plan must not be made from it."""

    @property
    def run(self) -> str:
        """The id of the lease under which it is, or was, written."""
        return self.name.removeprefix(JOURNAL)

    @property
    def begun(self) -> Begun | None:
        return next((r for r in self.records if isinstance(r, Begun)), None)


def journal_names(storage: Storage | None) -> tuple[str, ...]:
    """Every journal, oldest first. One that a person moved aside has another ending, and is a journal no more."""
    there = () if storage is None else storage.names(JOURNAL)
    return tuple(name for name in there if "." not in name.removeprefix(JOURNAL))


def unfinished(storage: Storage | None, names: tuple[str, ...]) -> tuple[Unfinished, ...]:
    """These journals, to be believed. Raises FbplanError for a damaged one."""
    found = () if storage is None else tuple(read_journal(storage, name) for name in names)
    for journal in found:
        if storage is not None and journal.damage is not None:
            raise damaged(storage, journal.name, journal.damage)
    return found


def read_journal(storage: Storage, name: str) -> Unfinished:
    """One journal, line by line. Only a line without its end is torn: a whole one that cannot be read is damage."""
    *lines, tail = storage.read_log(name).split(b"\n")
    records: list[Record] = []
    damage = _other_format(lines[0] if lines else tail, len(lines))
    for number, line in enumerate(lines, 1):
        try:
            records.append(record_from(line, None if damage else number))
        except (Foreign, ValueError) as fault:
            damage = damage or Damage(number, len(lines), str(fault), isinstance(fault, Foreign))
    return Unfinished(name, tuple(records), tail != b"", damage)


def _other_format(first: bytes, lines: int) -> Damage | None:
    """Looked for in the plain text: another version may write its lines in another way."""
    found = _FORMAT.search(first[:1000])
    name = found[1].decode() if found is not None else FORMAT
    if name == FORMAT:
        return None
    return Damage(1, lines, f"its format is '{name}', this version reads '{FORMAT}'", is_foreign=True)


def damaged(storage: Storage, name: str, damage: Damage) -> FbplanError:
    """What every command says of a journal that cannot be believed."""
    if damage.is_foreign:
        return FbplanError(
            "the journal of an earlier apply was written by another version of fbplan",
            f"{storage.label} ({name})",
            damage.why,
            f"use that version; nothing was changed. Or go on without what it knows: {storage.aside(name)}",
        )
    return FbplanError(
        f"the journal of an earlier apply is damaged at line {damage.line} of {damage.lines}",
        f"{storage.label} ({name})",
        damage.why,
        f"restore it from a backup; or look at it (fbplan journal show{storage.given}), check what the steps from line {damage.line}"
        f" on left behind, and move it aside: {storage.aside(name)}",
    )
