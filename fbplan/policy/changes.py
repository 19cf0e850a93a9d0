"""What changes between two policies, line by line, for a plan and for `fbplan policy diff`. Ids never show."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from pydantic import BaseModel

from fbplan.kinds.base import Json
from fbplan.policy.compose import UNKNOWN
from fbplan.policy.format import Bucket, Meter, Repository
from fbplan.policy.reading import printable
from fbplan.policy.wording import chain, label, worded


def describe(before: Mapping[str, Json] | None, after: Mapping[str, Json]) -> tuple[str, ...]:
    """The differences in fixed order: repositories, then buckets, each by name; empty when the content is equal.

    Both are documents of the format (or bodies of one); `before` is None when nothing was published.
    """
    return (
        *_entries("", Repository, _section(before, "repositories"), after["repositories"]),
        *_entries("bucket ", Bucket, _section(before, "buckets"), after["buckets"]),
    )


def _section(policy: Mapping[str, Json] | None, name: str) -> Mapping[str, Json]:
    section: Mapping[str, Json] = {} if policy is None else policy[name]
    return section


def _entries(
    prefix: str, part: type[BaseModel], before: Mapping[str, Json], after: Mapping[str, Json]
) -> Iterator[str]:
    for name in sorted({*before, *after}):
        at = f"{prefix}{name}"
        if name not in after:
            yield f"{at}: removed"
        elif name not in before:
            yield f"{at}: added{_summary(after[name])}"
        elif before[name] != after[name]:
            # through the model, so that a default compares with the same value stated
            for line in _differences("", _complete(part, before[name]), _complete(part, after[name])):
                yield f"{at}: {line}"


def _complete(part: type[BaseModel], entry: Json) -> dict[str, Json]:
    complete = part.model_validate(entry).model_dump()
    if "meters" in complete:
        complete["meters"] = {cap["meter"]: cap for cap in complete["meters"]}
    return complete


def _summary(entry: Mapping[str, Json]) -> str:
    if "order" in entry:
        return f", order {chain(entry['order'])}"
    caps = [Meter.model_validate(cap).model_dump() for cap in entry.get("meters", [])]
    return "".join(f", {_cap(cap)}" for cap in caps) or ", without a cap"


def _cap(cap: Mapping[str, Json]) -> str:
    limit = f"{cap['meter']} limit {worded('limit', cap['limit'])}"
    if cap["limit"] is None:
        return limit
    return f"{limit}, soft {worded('soft_ppm', cap['soft_ppm'])}, hard {worded('hard_ppm', cap['hard_ppm'])}"


def _differences(path: str, before: Mapping[str, Json], after: Mapping[str, Json]) -> Iterator[str]:
    for key in sorted({*before, *after}):
        old: Json = before.get(key)
        new: Json = after.get(key)
        if old == new:
            continue
        match key:
            case "repo_id" | "bucket_id":
                if new != UNKNOWN:
                    yield "stands for another remote object"
            case "key_id":
                if new != UNKNOWN:
                    yield f"{path}the key itself (issued again, rotated or let go)"
            case "order":
                yield f"order {chain(new)} (was {chain(old)})"
            case "endpoints":
                yield f"endpoints {', then '.join(map(printable, new or [])) or 'one or none'}"
            case "keys":
                yield from _keys(old, new)
            case "folders" | "meters":
                yield from _members(key, old, new)
            case _ if isinstance(old, Mapping) and isinstance(new, Mapping):
                yield from _differences(f"{path}{key}.", old, new)
            case _:
                yield f"{path}{label(key)} {worded(key, old)} → {worded(key, new)}"


def _keys(before: Mapping[str, Json], after: Mapping[str, Json]) -> Iterator[str]:
    for use in sorted({*before, *after}):
        old, new = before.get(use), after.get(use)
        if old is None and new is not None:
            yield f"{use} key added ({worded('sink', new['sink'])})"
        elif new is None and old is not None:
            yield f"{use} key removed ({worded('sink', old['sink'])})"
        elif old is not None and new is not None:
            yield from _differences(f"{use} key: ", old, new)


def _members(key: str, before: Mapping[str, Json], after: Mapping[str, Json]) -> Iterator[str]:
    for name in sorted({*before, *after}):
        old, new = before.get(name), after.get(name)
        if old == new:
            continue
        if key == "meters":
            if old is None:
                yield f"cap added: {_cap(after[name])}"
            elif new is None:
                yield f"cap removed: {_cap(before[name])}"
            else:
                yield from _differences(f"{name} ", old, new)
        elif old is None:
            yield f"attached to {name}, folder {worded(key, new)}"
        elif new is None:
            yield f"no longer attached to {name}"
        else:
            yield f"folder in {name} {worded(key, old)} → {worded(key, new)}"
