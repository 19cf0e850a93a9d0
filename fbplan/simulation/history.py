"""A schedule from what was written: rows of `/stats/daily` (api/README.md §7), replayed day by day."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from fbplan.errors import ApiFault
from fbplan.runtime.policy import Policy
from fbplan.simulation.schedule import HOUR_MS, Schedule, flow_of

_SECONDS_BELOW = 10**11
"""A smaller timestamp is in seconds, a larger one in milliseconds."""


def schedule_of(
    rows: Iterable[Mapping[str, Any]], policy: Policy, first_day: int, days: int, size: int
) -> tuple[Schedule, tuple[str, ...]]:
    """What the rows say was uploaded, by repository and day (counted since 1970), and what of it is left out.

    Raises ApiFault for a row that cannot be read: what is not known is never zero.
    """
    repositories = {entry.repo_id: name for name, entry in policy.repositories.items()}
    buckets = {entry.bucket_id: name for name, entry in policy.buckets.items()}
    amounts: dict[str, dict[tuple[int, int], int]] = defaultdict(lambda: defaultdict(int))
    foreign = 0
    for row in rows:
        day, count = _day(row), _count(row)
        bucket = buckets.get(str(row.get("bucketId") or row.get("unitId")))
        name = repositories.get(str(row.get("repoId"))) if row.get("repoId") is not None else _only(policy, bucket)
        if not first_day <= day < first_day + days:
            continue
        if name is None:
            foreign += count
        else:
            amounts[name][day * 24, 24] += count
    flows = tuple(flow_of(name, size, first_day * 24, days * 24, held) for name, held in sorted(amounts.items()))
    notes = (f"{foreign:,} bytes of the history belong to no repository of the policy",) if foreign else ()
    return Schedule(first_day * 24 * HOUR_MS, days * 24, flows), notes


def _only(policy: Policy, bucket: str | None) -> str | None:
    """The one repository that a bucket is attached to; rows need not name it."""
    homes = [name for name, entry in policy.repositories.items() if bucket in entry.attached]
    return homes[0] if len(homes) == 1 else None


def _day(row: Mapping[str, Any]) -> int:
    at = row.get("timestamp")
    text = str(at)
    if isinstance(at, bool) or not isinstance(at, int | str) or not text.isdecimal() or len(text) > 16:
        raise _odd("timestamp")
    found = int(text)
    return (found if found < _SECONDS_BELOW else found // 1000) // 86_400


def _count(row: Mapping[str, Any]) -> int:
    count = row.get("upl_bytes")
    text = str(count)
    if isinstance(count, bool) or not isinstance(count, int | str) or not text.isdecimal() or len(text) > 20:
        raise _odd("upl_bytes")
    return int(text)


def _odd(key: str) -> ApiFault:
    return ApiFault(
        "the statistics cannot be read",
        "GET /stats/daily",
        f"a row has no usable '{key}'",
        "simulate a schedule file instead, and report it if it stays",
    )
