"""The `routing:` block of a repository: everything the chooser may be told, all of it optional."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field as Doc

from fbplan.kinds.amounts import Duration, Millis, Ratio
from fbplan.kinds.base import Resource

URL_PATTERN = r"^https?://[^\s/?#]+(/\S*)?$"
"""With its scheme: clients of storage services refuse a bare host, each at its own time."""
Address = Annotated[str, Doc(min_length=1, pattern=URL_PATTERN)]


class Fleet(Resource):
    """How many writers share this repository's grants."""

    size: Annotated[int | None, Doc(ge=1, le=100_000, description="writers at the same time (default 1)")] = None
    skew: Annotated[Duration | None, Doc(description="largest clock difference (default 2s)")] = None
    max_upload: Annotated[Duration | None, Doc(description="longest single upload (default 5m)")] = None
    grant_ttl: Annotated[Duration | None, Doc(description="life of a grant (default 90s)")] = None


class Valid(Resource):
    """How long a policy may be used without a newer one."""

    stale_after: Annotated[Duration | None, Doc(description="warn from here on (default 1d)")] = None
    expires_after: Annotated[Duration | None, Doc(description="stop using it (default 7d)")] = None
    on_expired: Annotated[
        Literal["read_only", "continue"] | None, Doc(description="what an expired policy does (default read_only)")
    ] = None


class Hysteresis(Resource):
    """When a bucket that was closed by its cap opens again."""

    reopen: Annotated[Ratio | None, Doc(description="use must be under this share of the cap (default 95%)")] = None
    min_closed: Annotated[Duration | None, Doc(description="shortest time closed (default 5m)")] = None
    ramp: Annotated[Duration | None, Doc(description="how long the fleet takes to come back (default 2m)")] = None


class Select(Resource):
    """How the chooser picks among open buckets."""

    strategy: Annotated[
        Literal["ordered", "latency"] | None, Doc(description="as listed, or the fastest (default ordered)")
    ] = None
    hysteresis: Annotated[Hysteresis | None, Doc(description="against flapping")] = None


class Retry(Resource):
    """How long one write may try."""

    deadline: Annotated[Millis | None, Doc(description="for the whole write (default 15s)")] = None
    per_try: Annotated[Millis | None, Doc(description="for one try (default 5s)")] = None
    max_hops: Annotated[int | None, Doc(ge=0, le=16, description="other buckets tried after the first (default 3)")] = (
        None
    )


class Routing(Resource):
    """How writes of a repository are routed."""

    endpoint: Annotated[
        Address | Annotated[list[Address], Doc(min_length=1)] | None,
        Doc(
            description="the Bridge Node that applications talk to, or several in order of preference",
            examples=["https://s3-us-east-1-aws.flashback.tech"],
        ),
    ] = None
    order: Annotated[
        list[str] | None, Doc(description="buckets in order of preference (default: attachment order)")
    ] = None
    address: Annotated[
        Literal["name", "container", "folder"] | None,
        Doc(description="what a writer passes as the bucket (default name)"),
    ] = None
    fleet: Annotated[Fleet | None, Doc(description="the writers")] = None
    valid: Annotated[Valid | None, Doc(description="life of the policy")] = None
    select: Annotated[Select | None, Doc(description="choice among open buckets")] = None
    retry: Annotated[Retry | None, Doc(description="limits of one write")] = None
    drain: Annotated[Duration | None, Doc(description="wait between publishing and removing (default 0s)")] = None
