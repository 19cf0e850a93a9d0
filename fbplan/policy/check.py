"""Everything that is wrong with a policy file, for `fbplan policy check` and for CI."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from fbplan.kinds.base import Json
from fbplan.kinds.routing import URL_PATTERN
from fbplan.policy.compose import UNKNOWN
from fbplan.policy.format import PolicyDocument
from fbplan.policy.place import Place, place_of
from fbplan.policy.reading import examine, parse, printable


def check_file(path: Path) -> list[str]:
    """The problems of the file at `path`, one line each; none is good. No file makes it raise."""
    return check_place(place_of(str(path), Path()))


def check_place(place: Place) -> list[str]:
    """The problems of the policy published there. Raises FbplanError when an object store cannot be asked."""
    try:
        content = place.content()
        if content is None:
            return ["nothing is published there"]
        document = parse(content)
    except OSError as error:
        return [f"it cannot be read: {error.strerror}"]
    except ValueError as error:
        return [str(error)]
    return problems_of(document)


def problems_of(document: dict[str, Json]) -> list[str]:
    """The problems of a document that is already parsed."""
    examined = examine(document)
    if examined.policy is None:
        return list(examined.problems)
    return [*examined.problems, *_placeholders(examined.policy), *_references(examined.policy)]


def _placeholders(policy: PolicyDocument) -> Iterator[str]:
    held = {f"repositories.{name}.repo_id": entry.repo_id for name, entry in policy.repositories.items()}
    for name, entry in policy.repositories.items():
        for use, key in (("write", entry.keys.write), ("read", entry.keys.read)):
            if key is not None and key.key_id is not None:
                held[f"repositories.{name}.keys.{use}.key_id"] = key.key_id
    held |= {f"buckets.{name}.bucket_id": bucket.bucket_id for name, bucket in policy.buckets.items()}
    for place in sorted(place for place, remote in held.items() if remote == UNKNOWN):
        yield f"{place}: not known yet; a policy is published after its ids are known"


def _references(policy: PolicyDocument) -> Iterator[str]:
    writers: Counter[str] = Counter()
    for name, repository in sorted(policy.repositories.items()):
        at = f"repositories.{name}"
        if repository.endpoints and repository.endpoint != repository.endpoints[0]:
            yield f"{at}.endpoints: the first is not `endpoint`, which readers that know only that one use"
        for endpoint in dict.fromkeys((repository.endpoint, *(repository.endpoints or ()))):
            if endpoint is not None and re.match(URL_PATTERN, endpoint) is None:
                yield f"{at}.endpoint: '{printable(endpoint)}' is not a URL; it starts with https://"
        for bucket, times in Counter(repository.order).items():
            writers[bucket] += repository.fleet.size
            if bucket not in policy.buckets:
                yield f"{at}.order: '{bucket}' is no bucket of the policy"
            if times > 1:
                yield f"{at}.order: '{bucket}' stands {times} times"
    for name, entry in sorted(policy.buckets.items()):
        at = f"buckets.{name}"
        for repository_name in sorted(set(entry.folders) - set(policy.repositories)):
            yield f"{at}.folders: '{repository_name}' is no repository of the policy"
        if entry.writers != writers[name]:
            yield f"{at}.writers: {entry.writers}, but the fleets that route to it sum to {writers[name]}"
        for meter, times in sorted(Counter(cap.meter for cap in entry.meters).items()):
            if times > 1:
                yield f"{at}.meters: {times} caps for {meter}"
        for cap in entry.meters:
            if cap.soft_ppm > cap.hard_ppm:
                yield f"{at}.meters: {cap.meter}: soft_ppm {cap.soft_ppm} is above hard_ppm {cap.hard_ppm}"
