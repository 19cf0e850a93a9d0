"""Names: what is a live name must be there once, and what is an address must be plain."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from fbplan.errors import Code, Diagnostic
from fbplan.kinds.api_key import ApiKey
from fbplan.kinds.bucket import Bucket
from fbplan.kinds.repository import Repository
from fbplan.spec.document import Document
from fbplan.spec.model import Spec
from fbplan.spec.rules.scope import Scope
from fbplan.spec.wording import quoted

_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,62}")
_GENERATION = re.compile(r".*\.g[0-9]+", re.DOTALL)


def name_rules(spec: Spec, doc: Document, scope: Scope) -> Iterator[Diagnostic]:
    del scope
    yield from _unique(doc, "buckets", "bucket", spec.buckets)
    yield from _unique(doc, "repositories", "repository", spec.repositories)
    yield from _registered_once(spec, doc)
    for name, repository in spec.repositories.items():
        yield from _keys(doc, name, repository.api_keys or {})


def _unique(
    doc: Document, section: str, kind: str, entries: Mapping[str, Bucket] | Mapping[str, Repository]
) -> Iterator[Diagnostic]:
    holders: dict[str, str] = {}
    for name, entry in entries.items():
        live = entry.name or name
        other = holders.setdefault(live, name)
        if other != name:
            yield doc.problem(
                Code.SAME_NAME,
                f"{quoted(name)} and {quoted(other)} would both be called {quoted(live)}",
                "give one of them another `name:`",
                (section, name),
                at_key=True,
                address=f"{kind}.{name}",
            )


def _registered_once(spec: Spec, doc: Document) -> Iterator[Diagnostic]:
    holders: dict[str, str] = {}
    for name, bucket in spec.buckets.items():
        if bucket.storage_type == "BLOB":  # a container counts by its account
            continue
        other = holders.setdefault(bucket.bucket, name)
        if other != name:
            yield doc.problem(
                Code.SAME_IDENTIFIER,
                f"provider bucket {quoted(bucket.bucket)} is also registered as {quoted(other)}; "
                "Flashback may refuse the second",
                "register each provider bucket once",
                ("buckets", name, "bucket"),
                address=f"bucket.{name}",
                is_warning=True,
            )


def _keys(doc: Document, repository: str, keys: Mapping[str, ApiKey]) -> Iterator[Diagnostic]:
    holders: dict[str, str] = {}
    for name, key in keys.items():
        path, at = ("repositories", repository, "api_keys", name), f"api_key.{repository}.{name}"
        live = key.name or name
        if _GENERATION.fullmatch(live) or _GENERATION.fullmatch(name):
            yield doc.problem(
                Code.BAD_NAME,
                f"{quoted(live)} ends like a generation of a rotated key",
                "choose a name without `.g<number>` at the end",
                path if key.name is None else (*path, "name"),
                at_key=True,
                address=at,
            )
        elif not _PLAIN.fullmatch(name):
            yield doc.problem(
                Code.BAD_NAME,
                f"{quoted(name)} cannot be a name",
                "use letters, digits, - and _, 63 at most, starting with a letter or digit; "
                "`name:` can hold any live name",
                path,
                at_key=True,
            )
        other = holders.setdefault(live, name)
        if other != name:
            yield doc.problem(
                Code.SAME_NAME,
                f"{quoted(name)} and {quoted(other)} would both be called {quoted(live)}",
                "give one of them another `name:`",
                path,
                at_key=True,
                address=at,
            )
