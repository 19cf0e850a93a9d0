"""A policy document repository by repository, with defaults filled in: what the renderings are made from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import ValidationError

from fbplan.errors import FbplanError
from fbplan.kinds.base import Json
from fbplan.policy import literals, wording
from fbplan.policy.format import Bucket, Key, Meter, Repository

_ENDPOINTS = {"S3": "FB_S3_ENDPOINT", "GCS": "FB_GCS_ENDPOINT", "BLOB": "FB_BLOB_ENDPOINT"}
_COUNTED = "ingress_bytes"
"""The meter that constants speak of: a chooser that compares one number compares what it wrote."""


@dataclass(frozen=True, slots=True)
class Routed:
    """One bucket as a repository sees it."""

    name: str
    bucket: Bucket
    address: str
    """What a writer passes as the bucket in an SDK call."""
    folder: str
    rank: int | None
    """Its place in the order, counted from 1; None when no write goes there."""

    @property
    def counted(self) -> Meter | None:
        return next((cap for cap in self.bucket.meters if cap.meter == _COUNTED), None)

    @property
    def uncounted(self) -> tuple[Meter, ...]:
        """Caps that one ratio and one limit cannot say."""
        return tuple(cap for cap in self.bucket.meters if cap.meter != _COUNTED and cap.limit is not None)

    @property
    def limit(self) -> int | None:
        return None if self.counted is None else self.counted.limit

    @property
    def soft(self) -> str:
        """The ratio as a literal; without a limit any ratio of it is the same."""
        return wording.ratio(1_000_000 if self.counted is None or self.limit is None else self.counted.soft_ppm)


@dataclass(frozen=True, slots=True)
class View:
    """One repository, ready for a template."""

    name: str
    repository: Repository
    prefix: str
    """Stands before each constant when the policy has several repositories."""
    endpoint_variable: str
    order: tuple[Routed, ...]
    others: tuple[Routed, ...]
    """Attached buckets that take no writes."""
    keys: tuple[tuple[str, Key], ...]


def views_of(document: Mapping[str, Json], names: list[str]) -> list[View]:
    """The views of the named repositories, in that order. Raises FbplanError for what is not of the format."""
    try:
        # names are not looked at here: a rendering must hold whatever they are
        buckets = {name: Bucket.model_validate({**entry, "folders": {}}) for name, entry in document["buckets"].items()}
        found = {name: Repository.model_validate({**document["repositories"][name], "order": []}) for name in names}
    except ValidationError as error:
        raise _unusable("it is not of the format") from error
    prefixes = {name: f"{literals.constant(name)}_" if len(names) > 1 else "" for name in names}
    return [_view(name, found[name], prefixes[name], document, buckets) for name in names]


def _view(
    name: str, repository: Repository, prefix: str, document: Mapping[str, Json], buckets: Mapping[str, Bucket]
) -> View:
    order: list[str] = document["repositories"][name]["order"]
    if not set(order) <= set(buckets):
        raise _unusable(f"the order of '{name}' names a bucket that it does not hold")
    folders = {key: entry.get("folders", {}) for key, entry in document["buckets"].items()}

    def routed(key: str, rank: int | None) -> Routed:
        folder = folders[key].get(name, "")
        return Routed(key, buckets[key], _address(repository, key, buckets[key], folder), folder, rank)

    others = sorted({key for key in buckets if name in folders[key]} - set(order))
    keys = (("write", repository.keys.write), ("read", repository.keys.read))
    return View(
        name=name,
        repository=repository,
        prefix=prefix,
        endpoint_variable=_ENDPOINTS[repository.protocol],
        order=tuple(routed(key, rank) for rank, key in enumerate(order, 1)),
        others=tuple(routed(key, None) for key in others),
        keys=tuple((use, key) for use, key in keys if key is not None),
    )


def _unusable(why: str) -> FbplanError:
    return FbplanError("the policy cannot be rendered", why=why, next="run: fbplan policy check")


def _address(repository: Repository, key: str, bucket: Bucket, folder: str) -> str:
    match repository.address:
        case "name":
            return bucket.name or key
        case "container":
            return bucket.container
        case "folder":
            return folder
