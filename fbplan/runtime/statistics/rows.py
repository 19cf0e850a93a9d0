"""What the statistics say, as exact integers; or why they cannot be taken for numbers.

The API notes §7 leave open whether counters are strings or numbers, whether the id is called `unitId` or `bucketId`, and
whether a timestamp is in seconds or milliseconds: all of these are read. Anything else is odd, and odd is never zero.
"""

import re
from collections.abc import Collection, Iterable, Mapping
from typing import Any, NamedTuple

from fbplan.runtime.times import DAY_MS, stamp_ms

_COUNT = re.compile(r"-?[0-9]{1,40}")
_SECONDS_BELOW = 10**11
_FIRST_MS = 1_420_070_400_000
"""2015: no row is older, so one that seems to be is in a unit that nobody expects."""
_IDS = ("bucketId", "unitId")


class Row(NamedTuple):
    """Bytes of one day (or minute) of one bucket. `change` may be negative."""

    at_ms: int
    up: int
    down: int
    change: int


class Total(NamedTuple):
    """Bytes of a bucket since it was registered."""

    up: int
    down: int
    change: int


class Odd(NamedTuple):
    """Statistics of one bucket that were not there or cannot be understood, and why."""

    why: str


class _NotANumber(ValueError):
    pass


def rows_of(
    answer: Iterable[Mapping[str, Any]], wanted: Collection[str], latest_ms: int
) -> dict[str, tuple[Row, ...] | Odd]:
    """The rows of each wanted bucket id; none is an empty tuple. `latest_ms` is the end that was asked for."""
    found: dict[str, list[Row]] = {bucket: [] for bucket in wanted}
    odd: dict[str, Odd] = {}
    for number, row in enumerate(answer):
        bucket = _bucket(row)
        if bucket is None:  # its bytes may be those of any bucket
            return {name: Odd(f"row {number} names no bucket") for name in wanted}
        if bucket not in found or bucket in odd:
            continue
        try:
            found[bucket].append(_row(row, latest_ms))
        except _NotANumber as fault:
            odd[bucket] = Odd(f"row {number}: {fault}")
    return {bucket: odd.get(bucket) or tuple(rows) for bucket, rows in found.items()}


def totals_of(answer: Iterable[Mapping[str, Any]], wanted: Collection[str]) -> dict[str, Total | Odd]:
    """The lifetime totals of each wanted bucket id."""
    found: dict[str, Total | Odd] = {bucket: Odd("the statistics do not know the bucket") for bucket in wanted}
    for row in answer:
        bucket = _bucket(row)
        if bucket in found:
            try:
                found[bucket] = Total(
                    _count(row, "totalUploadBytes"),
                    _count(row, "totalDownloadBytes"),
                    _count(row, "totalSizeChange", signed=True),
                )
            except _NotANumber as fault:
                found[bucket] = Odd(str(fault))
    return found


def _row(row: Mapping[str, Any], latest_ms: int) -> Row:
    at = _moment(row.get("timestamp"))
    # a row far from what was asked for is in another unit; read as it stands it would lie in no period, and be zero
    if not _FIRST_MS <= at <= latest_ms + 2 * DAY_MS:
        raise _NotANumber("its timestamp is far from the days that were asked for")
    return Row(at, _count(row, "upl_bytes"), _count(row, "dwl_bytes"), _count(row, "size_change", signed=True))


def _bucket(row: Mapping[str, Any]) -> str | None:
    told = {row[name] for name in _IDS if isinstance(row.get(name), str) and row[name]}
    return told.pop() if len(told) == 1 else None


def _count(row: Mapping[str, Any], name: str, *, signed: bool = False) -> int:
    value = row.get(name)
    if isinstance(value, str) and _COUNT.fullmatch(value):
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool):
        raise _NotANumber(f"{name} is missing" if value is None else f"{name} is no whole number")
    if value < 0 and not signed:
        raise _NotANumber(f"{name} is less than nothing")
    return value


def _moment(value: object) -> int:
    """A time in milliseconds, from any of the forms that the API may use."""
    if isinstance(value, str):
        found = stamp_ms(value)
        if found is not None:
            return found
        value = int(value) if re.fullmatch(r"[0-9]{1,16}", value) else None
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise _NotANumber("timestamp is no time")
    return value * 1000 if value < _SECONDS_BELOW else value
