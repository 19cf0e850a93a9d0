"""What can go wrong for a service that writes and reads through the chooser.

RoutingError
├── NoPolicy             no policy was ever good: nothing is written
├── ReadOnly             no bucket takes the write now; says when to ask again
├── NotStored            every way was tried; the record lists the attempts
├── Refused              the store refuses the request, whatever the bucket
│   └── CredentialsRefused   the key, or the clock, also after the credentials were loaded again
├── AlreadyExists        the key was written before, perhaps with the same content; `overwrite` replaces it
├── NotFound             every bucket said that the key is not there
└── Unavailable          not found, but not every bucket could be asked
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fbplan.runtime.times import stamp_of
from fbplan.runtime.words import why


class RoutingError(Exception):
    """Base of everything that the chooser raises."""


class NoPolicy(RoutingError):
    pass


class NotFound(RoutingError):
    pass


class Unavailable(RoutingError):
    """`buckets` maps each one that gave no answer to the reason."""

    def __init__(self, message: str, buckets: Mapping[str, str]) -> None:
        super().__init__(message)
        self.buckets = dict(buckets)


class WriteFailed(RoutingError):
    """A write that was not made. `record` is its decision record, `why` tells it."""

    def __init__(self, message: str, record: Mapping[str, Any]) -> None:
        super().__init__(message)
        self.record = dict(record)

    @property
    def why(self) -> str:
        return why(self.record)


class ReadOnly(WriteFailed):
    @property
    def retry_at_ms(self) -> int | None:
        """Unix milliseconds at which asking again makes sense."""
        found = self.record["retry_at_ms"]
        return None if found is None else int(found)

    @property
    def retry_at(self) -> str | None:
        return None if self.retry_at_ms is None else stamp_of(self.retry_at_ms)

    @property
    def reasons(self) -> dict[str, str]:
        """Bucket → the rule that closes it."""
        return {c["bucket"]: c["rule"] for c in self.record["decisions"][-1]["candidates"]}


class NotStored(WriteFailed):
    pass


class Refused(WriteFailed):
    pass


class CredentialsRefused(Refused):
    pass


class AlreadyExists(WriteFailed):
    pass


def fault_of(record: Mapping[str, Any]) -> WriteFailed:
    """The exception for a record of a write that was not stored."""
    told = why(record).split("\n", 1)[0]
    kinds = {"read_only": ReadOnly, "exists": AlreadyExists, "failed": NotStored, "refused": Refused}
    kind = kinds[record["outcome"]]
    if kind is Refused and record["rule"] in {"8.auth", "8.clock"}:
        kind = CredentialsRefused
    return kind(told, record)
