"""A schedule file: YAML or JSON by its keys, CSV by its rows. What is wrong with one is told with file and line."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from pydantic_core import PydanticCustomError

from fbplan.errors import Code, Diagnostic, SpecInvalid
from fbplan.kinds.amounts import MAX_BYTES, parse_duration, parse_ratio, parse_size
from fbplan.simulation.schedule import HOUR_MS, MOST_HOURS, OBJECT_BYTES, Burst, Flow, Rate, Schedule
from fbplan.simulation.table import read_table, time_of
from fbplan.spec.document import Document, TreePath
from fbplan.spec.source import Source, label_of, read_source
from fbplan.spec.syntax import parse

_TOP = ("from", "for", "repositories", "used")
_FLOW = ("rate", "object", "growth", "weekend", "busy", "bursts")
_HOURS = re.compile(r"([0-9]{1,2})-([0-9]{1,2})")
_UNITS = {"hour": 1, "day": 24, "week": 168, "month": 720}


def read_schedule(path: Path) -> Schedule:
    """The schedule in a file. Raises SpecInvalid with everything that is wrong with it, and nothing else."""
    outcome = _read(path)
    if isinstance(outcome, Schedule):
        return outcome
    label = label_of(path)
    ordered = tuple(sorted(outcome, key=lambda d: (d.location.line, d.location.column) if d.location else (1, 1)))
    count = f"{len(ordered)} problem{'s' if len(ordered) != 1 else ''}"
    raise SpecInvalid(
        f"the schedule has {count}",
        label,
        "",
        f"correct {'them' if len(ordered) != 1 else 'it'} and run the same command again; "
        "examples/credit-harvesting/month.yaml is one",
        ordered,
    )


def _read(path: Path) -> Schedule | list[Diagnostic]:
    source = read_source(path)
    if isinstance(source, Diagnostic):
        fix = "name a schedule file" if source.code is Code.UNREADABLE else "use fewer rows"
        return [replace(source, fix=fix)]
    return read_table(source) if path.suffix.lower() == ".csv" else _from_yaml(source)


def _from_yaml(source: Source) -> Schedule | list[Diagnostic]:
    document, found = parse(source)
    if document is None or found:
        return [replace(d, message=d.message.replace("a spec", "a schedule")) for d in found]
    reader = _Reader(document)
    schedule = reader.schedule()
    return reader.found or schedule


@dataclass(slots=True)
class _Reader:
    document: Document
    found: list[Diagnostic] = field(default_factory=list)

    def schedule(self) -> Schedule:
        top = self._mapping((), self.document.tree, _TOP, ("from", "for", "repositories"))
        start = self._asked((), top, "from", _hour, -1)
        hours = self._asked((), top, "for", _whole_hours, 24)
        if hours > MOST_HOURS:
            self._say(Code.BAD_VALUE, "longer than 400 days", "write a shorter one", ("for",))
            hours = 24
        if start >= 0 and start + hours > 9999 * 8766:
            self._say(Code.BAD_VALUE, "a time after the year 9000", "write an earlier one", ("from",))
            start = 0
        named = top.get("repositories", {})
        flows = self._named(("repositories",), named)
        if named == {} and "repositories" in top:
            self._say(Code.MISSING_KEY, "no repository writes anything", "add one below it", ("repositories",))
        made = tuple(self._flow(name, entry, max(start, 0), hours) for name, entry in flows)
        used = {
            name: self._value(("used", name), count, _size, 0)
            for name, count in self._named(("used",), top.get("used", {}))
        }
        return Schedule(max(start, 0) * HOUR_MS, hours, made, used)

    def _flow(self, name: str, entry: Any, start: int, hours: int) -> Flow:
        at: TreePath = ("repositories", name)
        held = self._mapping(at, entry, _FLOW, ("rate",))
        growth, every = self._asked(at, held, "growth", _growth, (0, 24))
        busy, share = self._busy((*at, "busy"), held["busy"]) if "busy" in held else (None, 0)
        rate = Rate(
            daily=self._asked(at, held, "rate", _daily, 0),
            growth_ppm=growth,
            growth_hours=every,
            weekend_ppm=self._asked(at, held, "weekend", _ratio, 1_000_000),
            busy=busy,
            busy_ppm=share,
            bursts=self._bursts((*at, "bursts"), held.get("bursts", []), start),
        )
        size = self._asked(at, held, "object", _size, OBJECT_BYTES)
        if size < 1:
            self._say(Code.BAD_VALUE, "an object without a byte", "write its size, like 8MB", (*at, "object"))
        hourly = rate.by_hour(start * HOUR_MS, hours) if not self.found else ()
        if any(count > MAX_BYTES for count in hourly):
            self._say(Code.BAD_VALUE, "grows past 2^53-1 bytes in an hour", "write less", at, at_key=True)
        return Flow(name, max(size, 1), hourly)

    def _busy(self, at: TreePath, entry: Any) -> tuple[tuple[int, int] | None, int]:
        held = self._mapping(at, entry, ("hours", "share"), ("hours", "share"))
        return self._asked(at, held, "hours", _hours, None), self._asked(at, held, "share", _ratio, 0)

    def _bursts(self, at: TreePath, entries: Any, start: int) -> tuple[Burst, ...]:
        if not isinstance(entries, list):
            self._say(Code.WRONG_TYPE, "not a list", "write `- {at: TIME, for: 2h, rate: 50GB/hour}`", at)
            return ()
        out = []
        for index, entry in enumerate(entries):
            place = (*at, index)
            held = self._mapping(place, entry, ("at", "for", "rate"), ("at", "for", "rate"))
            first = self._asked(place, held, "at", _hour, start) - start
            length = self._asked(place, held, "for", _whole_hours, 1)
            if first < 0:
                self._say(Code.BAD_VALUE, "before the schedule begins", "write a later time", (*place, "at"))
            out.append(Burst(max(first, 0), first + length, self._asked(place, held, "rate", _daily, 0) // 24))
        return tuple(out)

    def _mapping(self, at: TreePath, entry: Any, known: tuple[str, ...], required: tuple[str, ...]) -> dict[str, Any]:
        if not isinstance(entry, dict):
            told = "the schedule is empty" if entry is None and not at else "not a mapping"
            self._say(Code.NOT_A_MAPPING, told, f"write the keys {', '.join(required)}", at)
            return {}
        for key in entry:
            if key not in known:
                fix = f"use one of {', '.join(known)}"
                self._say(Code.UNKNOWN_KEY, f"'{str(key)[:60]}' is not a key here", fix, (*at, key), at_key=True)
        for key in required:
            if key not in entry:
                self._say(Code.MISSING_KEY, f"'{key}' is missing", f"add `{key}:` here", at, at_key=True)
        return {key: value for key, value in entry.items() if key in known}

    def _named(self, at: TreePath, entry: Any) -> list[tuple[str, Any]]:
        if not isinstance(entry, dict):
            self._say(Code.NOT_A_MAPPING, "not a mapping", "write NAME: … on a line each", at)
            return []
        for name in entry:
            if not isinstance(name, str):
                self._say(Code.BAD_NAME, "not a name", "put it in quotes", (*at, name), at_key=True)
        return [(name, value) for name, value in entry.items() if isinstance(name, str)]

    def _asked(self, at: TreePath, held: dict[str, Any], key: str, read: Callable[[Any], Any], default: Any) -> Any:
        return self._value((*at, key), held[key], read, default) if key in held else default

    def _value(self, at: TreePath, value: Any, read: Callable[[Any], Any], default: Any) -> Any:
        try:
            return read(value)
        except PydanticCustomError as fault:
            told = (
                f"'{str(value)[:60]}': {fault.message()}" if isinstance(value, str | int | float) else fault.message()
            )
            self._say(Code.BAD_VALUE, told, str((fault.context or {}).get("fix", "")), at)
            return default

    def _say(self, code: Code, message: str, fix: str, at: TreePath, *, at_key: bool = False) -> None:
        self.found.append(self.document.problem(code, message, fix, at, at_key=at_key))


def _hour(value: Any) -> int:
    found = time_of(value) if isinstance(value, str) else None
    if found is None:
        raise PydanticCustomError("time", "not a time", {"fix": "write it like 2026-11-01 or 2026-11-01T06:00:00Z"})
    if found % HOUR_MS:
        raise PydanticCustomError("time", "not a whole hour", {"fix": "write it like 2026-11-01T06:00:00Z"})
    return found // HOUR_MS


def _whole_hours(value: Any) -> int:
    seconds: Any = parse_duration(value)
    if seconds == 0 or seconds % 3600:
        raise PydanticCustomError("duration", "not whole hours", {"fix": "write it like 30d or 12h"})
    return int(seconds // 3600)


def _size(value: Any) -> int:
    found: Any = parse_size(value)
    return int(found)


def _ratio(value: Any) -> int:
    found: Any = parse_ratio(value)
    return int(found)


def _daily(value: Any) -> int:
    amount, _, unit = value.partition("/") if isinstance(value, str) else ("", "", "")
    if unit.strip() not in {"hour", "day"}:
        raise PydanticCustomError("rate", "not a rate", {"fix": "write it like 20GB/day or 500MB/hour"})
    return _size(amount.strip()) * 24 // _UNITS[unit.strip()]


def _growth(value: Any) -> tuple[int, int]:
    amount, _, unit = value.partition("/") if isinstance(value, str) else ("", "", "")
    if unit.strip() not in {"day", "week", "month"}:
        raise PydanticCustomError("growth", "not a growth", {"fix": "write it like 2%/day, 10%/week or 30%/month"})
    return _ratio(amount.strip()), _UNITS[unit.strip()]


def _hours(value: Any) -> tuple[int, int]:
    found = _HOURS.fullmatch(value) if isinstance(value, str) else None
    first, last = (int(found[1]), int(found[2])) if found else (0, 0)
    if first == last or first > 23 or last > 24 or (first, last) == (0, 24):
        raise PydanticCustomError("hours", "not a part of a day", {"fix": "write it like 8-20 or 22-6, in UTC"})
    return first, last
