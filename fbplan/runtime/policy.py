"""The routing policy as the chooser holds it: `fbplan.routing/1` with every default filled in."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from fbplan.runtime.form import Part, Unusable, parse

FORMAT = "fbplan.routing/1"
METERS = ("ingress_bytes", "egress_bytes", "stored_bytes")
WRITTEN = "ingress_bytes"
"""The meter that writes drive. Closing writes stops neither storage nor egress, so caps on those only give a hint."""
_PPM = 1_000_000


class Period(NamedTuple):
    kind: str
    tz: str
    anchor_day: int
    grace_ms: int


class Meter(NamedTuple):
    """One cap, in bytes. `limit` None is explicitly unlimited."""

    name: str
    limit: int | None
    soft: int
    hard: int
    period: Period


class Bucket(NamedTuple):
    name: str
    address: str
    """The live name; what a writer passes depends on the repository's `address`."""
    bucket_id: str
    container: str
    state: str
    writers: int
    folders: Mapping[str, str]
    meters: tuple[Meter, ...]
    written: tuple[Meter, ...]
    """Those of the meters that close the bucket for writes."""


class Repository(NamedTuple):
    """One repository; times in milliseconds."""

    name: str
    repo_id: str
    protocol: str
    mode: str
    endpoint: str | None
    address: str
    skew_ms: int
    max_upload_ms: int
    grant_ttl_ms: int
    stale_after_ms: int
    expires_after_ms: int
    on_expired: str
    strategy: str
    reopen_ppm: int
    min_closed_ms: int
    ramp_ms: int
    deadline_ms: int
    per_try_ms: int
    max_hops: int
    order: tuple[str, ...]
    key_ids: Mapping[str, str]
    """`write` and `read` → the access key id, where it is known: clients are made again when it changes."""
    attached: tuple[str, ...]
    """Every bucket an object of this repository may be in: the order, then the others by name."""
    sinks: Mapping[str, str] = MappingProxyType({})
    """`write` and `read` → where the secret of that key went: `file:PATH`, or a word for what else took it."""
    endpoints: tuple[str, ...] = ()
    """Every endpoint, the most wanted first, if the policy names several; `endpoint` is the first of them."""


class Policy(NamedTuple):
    generation: int
    digest: str
    repositories: Mapping[str, Repository]
    buckets: Mapping[str, Bucket]


def read_policy(raw: bytes) -> Policy:
    """The policy in the bytes of a file. Raises Unusable."""
    document = Part("", parse(raw, FORMAT))
    document.integer("min_reader", low=1)
    for key in ("spec_digest", "content_digest"):
        document.digest(key)
    buckets = {name: _bucket(name, part) for name, part in document.named("buckets", required=True)}
    repositories = {
        name: _repository(name, part, buckets) for name, part in document.named("repositories", required=True)
    }
    return Policy(document.integer("generation", low=1), document.digest("digest"), repositories, buckets)


def _bucket(name: str, part: Part) -> Bucket:
    part.word("storage_type", ("S3", "GCS", "BLOB"))
    for key in ("provider", "region"):
        part.text_or_none(key)
    folders = part.names("folders")
    if not all(type(folder) is str for _, folder in folders):
        raise Unusable("shape", f"{part.at}.folders: not only text")
    meters = tuple(map(_meter, part.each("meters")))
    return Bucket(
        name=name,
        address=part.text_or_none("name") or name,
        bucket_id=part.text("bucket_id"),
        container=part.text("container"),
        state=part.word("state", ("active", "drain", "closed"), "active"),
        writers=part.integer("writers", 1),
        folders=dict(folders),
        meters=meters,
        written=tuple(cap for cap in meters if cap.name == WRITTEN and cap.limit is not None),
    )


def _meter(part: Part) -> Meter:
    period = part.part("period")
    limit = part.integer_or_none("limit")
    soft, hard, reserve = (
        part.integer(key, default, high=_PPM)
        for key, default in (("soft_ppm", 800_000), ("hard_ppm", _PPM), ("reserve_ppm", 0))
    )
    if part.held.get("pool") is not None:
        part.text("pool")
    hard_bytes = (limit or 0) * max(0, hard - reserve) // _PPM
    return Meter(
        name=part.word("meter", METERS),
        limit=limit,
        soft=min((limit or 0) * soft // _PPM, hard_bytes),
        hard=hard_bytes,
        period=Period(
            kind=period.word("kind", ("month", "none"), "month"),
            tz=period.text("tz") if "tz" in period.held else "UTC",
            anchor_day=period.integer("anchor_day", 1, 1, 28),
            grace_ms=period.integer("rollover_grace_s", 7_200) * 1000,
        ),
    )


def _repository(name: str, part: Part, buckets: Mapping[str, Bucket]) -> Repository:
    fleet, valid, select, retry = (part.part(key) for key in ("fleet", "valid", "select", "retry"))
    hysteresis = select.part("hysteresis")
    order = part.name_list("order")
    if len(set(order)) != len(order) or not buckets.keys() >= set(order):
        raise Unusable("shape", f"{part.at}.order: not buckets of the policy, each once")
    keys = part.part("keys")
    key_ids, sinks = {}, {}
    for use in ("write", "read"):
        if use in keys.held:
            key = keys.part(use)
            sinks[use] = key.text("sink")
            key_id = key.text_or_none("key_id")
            if key_id is not None:
                key_ids[use] = key_id
    fleet.integer("size", 1, 1)
    others = tuple(key for key, bucket in buckets.items() if name in bucket.folders and key not in order)
    return Repository(
        name=name,
        repo_id=part.text("repo_id"),
        protocol=part.word("protocol", ("S3", "GCS", "BLOB")),
        mode=part.word("mode", ("NORMAL", "MIRROR"), "NORMAL"),
        endpoint=part.text_or_none("endpoint"),
        address=part.word("address", ("name", "container", "folder"), "name"),
        skew_ms=fleet.integer("skew_s", 2) * 1000,
        max_upload_ms=fleet.integer("max_upload_s", 300) * 1000,
        grant_ttl_ms=fleet.integer("grant_ttl_s", 90) * 1000,
        stale_after_ms=valid.integer("stale_after_s", 86_400) * 1000,
        expires_after_ms=valid.integer("expires_after_s", 604_800) * 1000,
        on_expired=valid.word("on_expired", ("read_only", "continue"), "read_only"),
        strategy=select.word("strategy", ("ordered", "latency"), "ordered"),
        reopen_ppm=hysteresis.integer("reopen_ppm", 950_000, high=_PPM),
        min_closed_ms=hysteresis.integer("min_closed_s", 300) * 1000,
        ramp_ms=hysteresis.integer("ramp_s", 120) * 1000,
        deadline_ms=retry.integer("deadline_ms", 15_000),
        per_try_ms=retry.integer("per_try_ms", 5_000),
        max_hops=retry.integer("max_hops", 3),
        order=order,
        key_ids=key_ids,
        attached=(*order, *others),
        sinks=sinks,
        endpoints=part.texts("endpoints"),
    )
