"""A schedule as CSV: `time,repository,bytes` and perhaps `object`; a row is an hour or, with a plain date, a day."""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Iterator

from pydantic_core import PydanticCustomError

from fbplan.errors import Code, Diagnostic, Location
from fbplan.kinds.amounts import parse_size
from fbplan.runtime.times import stamp_ms
from fbplan.simulation.schedule import HOUR_MS, MOST_HOURS, OBJECT_BYTES, Schedule, flow_of
from fbplan.spec.source import Source

_COLUMNS = ("time", "repository", "bytes")
MOST_PROBLEMS = 20


def time_of(text: str) -> int | None:
    """Milliseconds of a date or an RFC 3339 time in UTC; None when it is neither."""
    return stamp_ms(text if "T" in text else f"{text}T00:00:00Z")


def read_table(source: Source) -> Schedule | list[Diagnostic]:
    """The rows of a CSV file as a schedule, or what is wrong with them; rows may come in any order and add up."""
    found: list[Diagnostic] = []
    amounts: dict[str, dict[tuple[int, int], int]] = defaultdict(lambda: defaultdict(int))
    sizes: dict[str, int] = {}
    for line, row in _rows(source, found):
        told = _taken(row, amounts, sizes)
        if told is not None:
            found.append(_problem(source, line, *told))
        if len(found) >= MOST_PROBLEMS:
            break
    if not found and not amounts:
        found.append(_problem(source, 1, Code.MISSING_KEY, "no row with an amount", "add a row below the heading"))
    if found:
        return found
    spans = [span for held in amounts.values() for span in held]
    first, last = min(start for start, _ in spans), max(start + length for start, length in spans)
    if last - first > MOST_HOURS:
        return [_problem(source, 1, Code.BAD_VALUE, "the rows span more than 400 days", "keep to a shorter time")]
    flows = tuple(
        flow_of(name, sizes.get(name, OBJECT_BYTES), first, last - first, held)
        for name, held in sorted(amounts.items())
    )
    return Schedule(first * HOUR_MS, last - first, flows)


def _rows(source: Source, found: list[Diagnostic]) -> Iterator[tuple[int, dict[str, str]]]:
    reader = csv.reader(source.text.splitlines(), strict=True)
    heading: list[str] | None = None
    try:
        for row in reader:
            cells = [cell.strip() for cell in row]
            if not any(cells) or cells[0].startswith("#"):
                continue
            if heading is None:
                heading = cells
                absent = [name for name in _COLUMNS if name not in heading]
                if absent or len(set(heading)) < len(heading):
                    told = f"no column {', '.join(absent)}" if absent else "a column stands twice"
                    found.append(
                        _problem(source, reader.line_num, Code.MISSING_KEY, told, "head it time,repository,bytes")
                    )
                    return
            elif len(cells) != len(heading):
                told = f"{len(cells)} cells under {len(heading)} columns"
                found.append(_problem(source, reader.line_num, Code.SYNTAX, told, "write one cell for each column"))
            else:
                yield reader.line_num, dict(zip(heading, cells, strict=True))
    except csv.Error:
        found.append(_problem(source, reader.line_num, Code.SYNTAX, "not CSV", "close the quote that was opened"))


def _taken(
    row: dict[str, str], amounts: dict[str, dict[tuple[int, int], int]], sizes: dict[str, int]
) -> tuple[Code, str, str] | None:
    """Take a row in; or what is wrong with it."""
    at_ms, name = time_of(row["time"]), row["repository"]
    if at_ms is None or at_ms % HOUR_MS:
        return Code.BAD_VALUE, "not a day or a whole hour", "write it like 2026-11-01 or 2026-11-01T06:00:00Z"
    if not name:
        return Code.MISSING_KEY, "no repository", "name one of the policy"
    try:
        count, size = _bytes(row["bytes"]), _bytes(row.get("object") or str(OBJECT_BYTES))
    except PydanticCustomError as fault:
        return Code.BAD_SIZE, fault.message(), str((fault.context or {}).get("fix", ""))
    if size < 1 or sizes.setdefault(name, size) != size:
        return Code.BAD_VALUE, "another size of the objects of this repository", "give each repository one size"
    amounts[name][at_ms // HOUR_MS, 1 if "T" in row["time"] else 24] += count
    return None


def _bytes(text: str) -> int:
    """A plain number is bytes, as statistics write it."""
    found: object = parse_size(int(text) if text.isdecimal() and text.isascii() and len(text) < 20 else text)
    return int(str(found))


def _problem(source: Source, line: int, code: Code, message: str, fix: str) -> Diagnostic:
    return Diagnostic(code, message, fix, location=Location(source.label, max(line, 1), 1))
