"""Answers changed so that a reader must be liberal: emptied, extended, with unknown values, with nulls, with gaps."""

from __future__ import annotations

from collections.abc import Callable

UNKNOWN = "NOT_SEEN_BEFORE"
STATUSES = frozenset({"status", "nodeStatus", "node_status"})
ENUMERATIONS = frozenset({"storageType", "mode", "accessType"})
NULLABLE = frozenset(
    {
        "apiKeyId", "description", "disabled", "endpoint", "lastStatusAt", "region", "secret", "status",
        "subscriptionId", "tenantId", "walletAddress",
    }
)  # fmt: skip
OPTIONAL = NULLABLE | {"aiApiKeys", "aiLlms", "aillm_count", "bucket_count", "createdAt", "repos"}

Object = dict[str, object]


def _each_object(value: object, change: Callable[[Object], Object]) -> object:
    """`value` with `change` applied to every JSON object in it, innermost first."""
    if isinstance(value, dict):
        return change({name: _each_object(member, change) for name, member in value.items()})
    if isinstance(value, list):
        return [_each_object(member, change) for member in value]
    return value


def with_empty_lists(body: object) -> object:
    if isinstance(body, dict):
        return {name: [] if isinstance(member, list) else member for name, member in body.items()}
    return [] if isinstance(body, list) else body


def with_unknown_fields(body: object) -> object:
    def change(read: Object) -> Object:
        statuses = {name: UNKNOWN for name in read if name in STATUSES and isinstance(read[name], str)}
        return {**read, **statuses, "notSeenBefore": {"nested": [1, None, "text"]}}

    return _each_object(body, change)


def with_unknown_values(body: object) -> object:
    return _each_object(
        body, lambda read: {name: UNKNOWN if name in ENUMERATIONS else value for name, value in read.items()}
    )


def with_nulls(body: object) -> object:
    return _each_object(body, lambda read: {name: None if name in NULLABLE else value for name, value in read.items()})


def without_optional_fields(body: object) -> object:
    return _each_object(body, lambda read: {name: value for name, value in read.items() if name not in OPTIONAL})
