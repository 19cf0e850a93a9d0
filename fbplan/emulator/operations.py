"""Every operation of the vendor's API that the emulator carries out."""

from __future__ import annotations

from fbplan.emulator import (
    accounts,
    buckets,
    credentials,
    credit,
    events,
    keys,
    members,
    nodes,
    repositories,
    statistics,
    statistics_v2,
    workspaces,
)
from fbplan.emulator.answers import Answer
from fbplan.emulator.call import Call, Operation


def health(call: Call) -> Answer:
    """Liveness, without a token."""
    return Answer({"status": "ok", "time": call.now.timestamp()})


OPERATIONS: tuple[Operation, ...] = (
    Operation("GET", "/health", health, is_public=True),
    *accounts.OPERATIONS,
    *workspaces.OPERATIONS,
    *members.OPERATIONS,
    *credentials.OPERATIONS,
    *buckets.OPERATIONS,
    *repositories.OPERATIONS,
    *keys.OPERATIONS,
    *statistics.OPERATIONS,
    *statistics_v2.OPERATIONS,
    *nodes.OPERATIONS,
    *credit.OPERATIONS,
    *events.OPERATIONS,
)
