"""The complete policy document: the content, the remote ids, the generation and the digests."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from fbplan.errors import FbplanError
from fbplan.kinds.base import Json, address_of
from fbplan.policy.canonical import digest_of
from fbplan.policy.compose import UNKNOWN, Content, compose
from fbplan.policy.format import FORMAT, READER
from fbplan.spec.model import Spec

_BOOKKEEPING = frozenset({"generation", "spec_digest", "content_digest", "digest"})


@dataclass(frozen=True, slots=True)
class Ids:
    """The remote ids that a policy names, by what the spec calls the things."""

    repositories: Mapping[str, str]
    buckets: Mapping[str, str]
    keys: Mapping[str, str]
    """The address of an API key → its access key id (FB_KEY_ID), never the id of the remote object."""


def content_digest(content: Content | Mapping[str, Json]) -> str:
    """The digest that says whether two policies differ: without generation, digests and remote ids."""
    body = content.body if isinstance(content, Content) else content
    kept = {key: part for key, part in body.items() if key not in _BOOKKEEPING}
    return digest_of({"format": FORMAT, "min_reader": READER, **kept, **_without_ids(body)})


def spec_digest(spec: Spec | Content) -> str:
    """The digest of the routing part of a spec, API keys by address; comments and unrelated edits leave it alone."""
    content = spec if isinstance(spec, Content) else compose(spec)
    return digest_of({**_without_ids(content.body), "keys": content.to_json()["keys"]})


def finish(content: Content, ids: Ids, generation: int, spec_digest: str) -> dict[str, Json]:
    """The document to publish. An API key whose id is not known, as with an external sink, is left without one.

    Raises FbplanError when the id of a repository or a bucket is missing.
    """
    absent = [
        address_of(kind, name)
        for kind, section, known in (
            ("repository", "repositories", ids.repositories),
            ("bucket", "buckets", ids.buckets),
        )
        for name in sorted(content.body[section])
        if name not in known
    ]
    if absent:
        raise FbplanError(
            "the routing policy cannot be published",
            why=f"no remote id is known for {', '.join(absent)}",
            next="run: fbplan plan, then fbplan apply, so that they exist first",
        )
    return _document(content, published_body(content, ids), generation, spec_digest)


def preview(content: Content, ids: Ids, generation: int, spec_digest: str) -> dict[str, Json]:
    """The document as it would be published; ids that are not known yet show as UNKNOWN."""
    return _document(content, _with_ids(content, ids), generation, spec_digest)


def published_body(content: Content, ids: Ids) -> dict[str, Json]:
    """The body as it is published: an API key whose id is not known stands without one."""
    body = _with_ids(content, ids)
    for entry in body["repositories"].values():
        for key in entry.get("keys", {}).values():
            if key.get("key_id") == UNKNOWN:
                del key["key_id"]
    return body


def _document(content: Content, body: dict[str, Json], generation: int, spec_digest: str) -> dict[str, Json]:
    document = {
        "format": FORMAT,
        "min_reader": READER,
        "generation": generation,
        "spec_digest": spec_digest,
        "content_digest": content_digest(content),
        **body,
    }
    return {**document, "digest": digest_of(document)}


def _with_ids(content: Content, ids: Ids) -> dict[str, Json]:
    """A copy of the body with every id that is known."""
    repositories = {
        name: {**entry, "repo_id": ids.repositories.get(name, UNKNOWN)}
        for name, entry in content.body["repositories"].items()
    }
    for entry in repositories.values():
        if "keys" in entry:
            entry["keys"] = {use: dict(key) for use, key in entry["keys"].items()}
    for (name, use), address in content.key_addresses.items():
        if address in ids.keys:
            repositories[name]["keys"][use]["key_id"] = ids.keys[address]
    buckets = {
        name: {**entry, "bucket_id": ids.buckets.get(name, UNKNOWN)} for name, entry in content.body["buckets"].items()
    }
    return {"repositories": repositories, "buckets": buckets}


def _without_ids(body: Mapping[str, Json]) -> dict[str, Json]:
    # place by place, because a repository may well be called `key_id`
    repositories = {name: _without(entry, "repo_id") for name, entry in body["repositories"].items()}
    for name, entry in repositories.items():
        if "keys" in entry:
            # a later fbplan may keep something else beside the keys
            keys = {
                use: _without(key, "key_id") if isinstance(key, Mapping) else key for use, key in entry["keys"].items()
            }
            repositories[name] = {**entry, "keys": keys}
    buckets = {name: _without(entry, "bucket_id") for name, entry in body["buckets"].items()}
    return {"repositories": repositories, "buckets": buckets}


def _without(entry: Mapping[str, Json], left_out: str) -> dict[str, Json]:
    return {key: part for key, part in entry.items() if key != left_out}
