"""What the policy says, from a spec alone: no clock, no remote id, no secret, nothing that is at its default."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from operator import itemgetter

from pydantic import BaseModel

from fbplan.kinds import bucket as declared
from fbplan.kinds.api_key import ApiKey
from fbplan.kinds.base import Json, address_of
from fbplan.kinds.repository import Repository
from fbplan.kinds.routing import Fleet, Retry, Routing, Select, Valid
from fbplan.policy import format as policy_format
from fbplan.secrets import External, FileSink, Sink
from fbplan.spec.model import Spec
from fbplan.spec.rules import caps_of, routed_order

UNKNOWN = "(known after apply)"
"""Stands where a remote id will stand."""

_WRITERS = ("WRITE", "ADMIN")
_READERS = ("READ",)


@dataclass(frozen=True, slots=True)
class Content:
    """The content of a policy, and which declared API key each `keys` entry means. A saved plan carries it."""

    body: dict[str, Json]
    key_addresses: Mapping[tuple[str, str], str]
    """(repository, "write" or "read") → the address of the API key."""

    def to_json(self) -> Json:
        keys: dict[str, dict[str, str]] = {}
        for (repository, use), address in sorted(self.key_addresses.items()):
            keys.setdefault(repository, {})[use] = address
        return {"body": self.body, "keys": keys}

    @classmethod
    def from_json(cls, document: Json) -> Content:
        keys = document["keys"].items()
        return cls(document["body"], {(name, use): at for name, uses in keys for use, at in uses.items()})


def compose(spec: Spec) -> Content:
    """The policy content of a spec that has passed its checks; ids are UNKNOWN."""
    orders = {name: routed_order(name, entry) for name, entry in spec.repositories.items()}
    writers: Counter[str] = Counter()
    folders: dict[str, dict[str, str]] = defaultdict(dict)
    addresses: dict[tuple[str, str], str] = {}
    repositories = {}
    for name, entry in spec.repositories.items():
        for attachment in entry.buckets or []:
            folders[attachment.bucket][name] = attachment.folder.strip("/")
        size = _fleet_size(entry)
        for bucket in orders[name]:
            writers[bucket] += size
            # without `buckets:` the attachments are not managed, and what the order names is attached all the same
            folders.setdefault(bucket, {})
        keys = _keys(name, entry, addresses)
        repositories[name] = _repository(entry, orders[name], keys)
    buckets = {name: _bucket(name, spec.buckets[name], writers[name], folders[name]) for name in folders}
    return Content({"repositories": repositories, "buckets": buckets}, addresses)


def routed_names(content: Content | Mapping[str, Json]) -> frozenset[str]:
    """The buckets that any order names, so that writes may still go there."""
    body = content.body if isinstance(content, Content) else content
    return frozenset(name for entry in body["repositories"].values() for name in entry["order"])


def _stated(part: type[BaseModel], **values: Json) -> dict[str, Json]:
    """What is set and is not the default of the format: stating a default changes no policy."""
    defaults = _defaults(part)
    return {key: value for key, value in values.items() if value is not None and value != defaults[key]}


@cache
def _defaults(part: type[BaseModel]) -> dict[str, Json]:
    return {key: field.default for key, field in part.model_fields.items()}


def _filled(**parts: Json) -> dict[str, Json]:
    return {key: part for key, part in parts.items() if part}


def _fleet_size(entry: Repository) -> int:
    stated = entry.routing.fleet.size if entry.routing and entry.routing.fleet else None
    return stated or policy_format.Fleet().size


def _repository(entry: Repository, order: list[str], keys: dict[str, Json]) -> dict[str, Json]:
    routing = entry.routing or Routing()
    endpoints = [routing.endpoint] if isinstance(routing.endpoint, str) else routing.endpoint or []
    stated = {
        "mode": entry.mode,
        "endpoint": next(iter(endpoints), None),
        # a reader that knows nothing of several takes the first
        "endpoints": endpoints if len(endpoints) > 1 else None,
        "address": routing.address,
    }
    return {
        "repo_id": UNKNOWN,
        "protocol": entry.storage_type,
        "order": order,
        **_stated(policy_format.Repository, **stated),
        **_filled(
            fleet=_fleet(routing.fleet or Fleet()),
            valid=_valid(routing.valid or Valid()),
            select=_select(routing.select or Select()),
            retry=_retry(routing.retry or Retry()),
            keys=keys,
        ),
    }


def _fleet(fleet: Fleet) -> dict[str, Json]:
    return _stated(
        policy_format.Fleet,
        size=fleet.size,
        skew_s=fleet.skew,
        max_upload_s=fleet.max_upload,
        grant_ttl_s=fleet.grant_ttl,
    )


def _valid(valid: Valid) -> dict[str, Json]:
    return _stated(
        policy_format.Valid,
        stale_after_s=valid.stale_after,
        expires_after_s=valid.expires_after,
        on_expired=valid.on_expired,
    )


def _select(select: Select) -> dict[str, Json]:
    found = _stated(policy_format.Select, strategy=select.strategy)
    if select.hysteresis is not None:
        hysteresis = _stated(
            policy_format.Hysteresis,
            reopen_ppm=select.hysteresis.reopen,
            min_closed_s=select.hysteresis.min_closed,
            ramp_s=select.hysteresis.ramp,
        )
        found |= _filled(hysteresis=hysteresis)
    return found


def _retry(retry: Retry) -> dict[str, Json]:
    return _stated(policy_format.Retry, deadline_ms=retry.deadline, per_try_ms=retry.per_try, max_hops=retry.max_hops)


def _keys(name: str, entry: Repository, addresses: dict[tuple[str, str], str]) -> dict[str, Json]:
    found: dict[str, Json] = {}
    for use, accesses in (("write", _WRITERS), ("read", _READERS)):
        chosen = _first(entry.api_keys or {}, accesses)
        if chosen is not None:
            key, sink = chosen
            # an apply makes the id of a key known, but not of one that was made by hand
            pending = {} if isinstance(sink, External) else {"key_id": UNKNOWN}
            found[use] = {"sink": _sink_word(sink), **pending}
            addresses[name, use] = address_of("api_key", name, key)
    return found


def _first(keys: Mapping[str, ApiKey], accesses: tuple[str, ...]) -> tuple[str, Sink] | None:
    return next(
        ((name, key.sink) for access in accesses for name, key in keys.items() if key.access == access),
        None,
    )


def _sink_word(sink: Sink) -> str:
    """Where the secret went; of a command only that it is one, because its arguments are nobody's business."""
    return f"{sink.key}:{sink.file}" if isinstance(sink, FileSink) else sink.key


def _bucket(name: str, entry: declared.Bucket, writers: int, folders: dict[str, str]) -> dict[str, Json]:
    return {
        "bucket_id": UNKNOWN,
        "container": entry.bucket,
        "storage_type": entry.storage_type,
        **_stated(
            policy_format.Bucket,
            name=entry.name if entry.name != name else None,
            provider=entry.provider,
            region=entry.region,
            state=entry.state,
            writers=writers,
        ),
        **_filled(folders=folders, meters=sorted(map(_meter, caps_of(entry)), key=itemgetter("meter"))),
    }


def _meter(cap: declared.SoftCap) -> dict[str, Json]:
    period = _stated(policy_format.Period, kind=cap.period, tz=cap.tz, anchor_day=cap.anchor_day)
    return {
        "meter": cap.meter or "ingress_bytes",
        "limit": None if cap.limit == "unlimited" else cap.limit,
        **_stated(policy_format.Meter, soft_ppm=cap.soft, hard_ppm=cap.hard, reserve_ppm=cap.reserve),
        **_filled(period=period),
    }
