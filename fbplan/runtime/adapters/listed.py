"""A listing over every bucket of a repository, to iterate over as the SDKs have it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from fbplan.runtime.finding import Listing, Placed


class Listed:
    """What was found, in one page. `fbplan_complete` is False when a bucket did not answer; `fbplan_failed` says why."""

    def __init__(self, found: list[Any], prefixes: set[str], listing: Listing) -> None:
        self.prefixes = prefixes
        self.num_results = len(found)
        self.fbplan_complete = listing.is_complete
        self.fbplan_failed = listing.failed
        self._rest = iter(found)

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        return next(self._rest)

    @property
    def pages(self) -> Iterator[Iterator[Any]]:
        return iter([self._rest])

    def by_page(self, continuation_token: str | None = None) -> Iterator[Iterator[Any]]:  # noqa: ARG002 -- there is one page
        return self.pages


def listed(
    listing: Listing, shown: Callable[[Placed], Any], prefix: str = "", delimiter: str = "", most: int | None = None
) -> Listed:
    """At most so many of the keys, those behind a delimiter as prefixes."""
    found: list[Any] = []
    prefixes: set[str] = set()
    for placed in listing.entries:
        group = group_of(placed.entry.key, prefix, delimiter)
        if group is not None:
            prefixes.add(group)
        elif most is None or len(found) < most:
            found.append(shown(placed))
    return Listed(found, prefixes, listing)


def group_of(key: str, prefix: str, delimiter: str) -> str | None:
    """The prefix that stands for a key in a listing with a delimiter, if one does."""
    if not delimiter:
        return None
    rest, found, _ = key[len(prefix) :].partition(delimiter)
    return f"{prefix}{rest}{delimiter}" if found else None
