"""What must hold between the parts of a spec: references, mirrors, folders, names, caps, intents. All offline."""

from __future__ import annotations

import difflib
import re
from collections import defaultdict
from collections.abc import Iterator

from fbplan.errors import Code, Diagnostic
from fbplan.kinds import KINDS
from fbplan.kinds.base import split_address
from fbplan.kinds.bucket import Bucket, SoftCap
from fbplan.kinds.repository import Repository
from fbplan.secrets import External
from fbplan.spec.document import Document
from fbplan.spec.model import Spec

_GENERATION = re.compile(r".*\.g\d+")
_STORES = ("s3://", "gs://", "az://")


def check(spec: Spec, document: Document, known: frozenset[str]) -> list[Diagnostic]:
    """Every violation, warnings included; `known` names resources whose own body was wrong and could not be read."""
    rules = (
        _credential_forms,
        _references,
        _attachments,
        _mirrors_and_folders,
        _orders,
        _caps,
        _names,
        _intents,
        _places,
    )
    return [found for rule in rules for found in rule(spec, document, known)]


def _credential_forms(spec: Spec, doc: Document, known: frozenset[str]) -> Iterator[Diagnostic]:
    del known
    for section, entries in (("credentials", spec.credentials), ("buckets", spec.buckets)):
        for name, entry in entries.items():
            at, path = f"{section[:-1]}.{name}", (section, name)
            shared = getattr(entry, "credential", None)
            if shared is not None and (entry.key is not None or entry.secret is not None):
                yield doc.problem(
                    Code.CREDENTIAL_FORM,
                    "both a shared credential and its own key or secret",
                    "keep `credential:`, or `key:` with `secret:`",
                    (*path, "credential"),
                    address=at,
                )
            elif (entry.key is None) != (entry.secret is None):
                absent = "key" if entry.key is None else "secret"
                yield doc.problem(
                    Code.CREDENTIAL_FORM,
                    f"'{absent}' is missing beside '{'secret' if absent == 'key' else 'key'}'",
                    f"add `{absent}:`; they travel together",
                    path,
                    at_key=True,
                    address=at,
                )


def _references(spec: Spec, doc: Document, known: frozenset[str]) -> Iterator[Diagnostic]:
    credentials = {*spec.credentials, *(a.removeprefix("credential.") for a in known if a.startswith("credential."))}
    buckets = {*spec.buckets, *(a.removeprefix("bucket.") for a in known if a.startswith("bucket."))}
    for name, bucket in spec.buckets.items():
        if bucket.credential is not None and bucket.credential not in credentials:
            yield doc.problem(
                Code.DANGLING,
                f"there is no credential '{bucket.credential}'",
                _nearest(bucket.credential, credentials, "credentials"),
                ("buckets", name, "credential"),
                address=f"bucket.{name}",
            )
    for name, repository in spec.repositories.items():
        for index, attachment in enumerate(repository.buckets or []):
            if attachment.bucket not in buckets:
                yield doc.problem(
                    Code.DANGLING,
                    f"there is no bucket '{attachment.bucket}'",
                    _nearest(attachment.bucket, buckets, "buckets"),
                    ("repositories", name, "buckets", index, "bucket"),
                    address=f"repository.{name}",
                )


def _nearest(name: str, known: set[str], section: str) -> str:
    close = difflib.get_close_matches(name, sorted(known), n=1)
    return f"did you mean `{close[0]}`?" if close else f"declare it under `{section}:`"


def _attachments(spec: Spec, doc: Document, known: frozenset[str]) -> Iterator[Diagnostic]:
    del known
    for name, repository in spec.repositories.items():
        at, seen, identifiers = f"repository.{name}", set[str](), dict[str, str]()
        for index, attachment in enumerate(repository.buckets or []):
            path = ("repositories", name, "buckets", index, "bucket")
            if attachment.bucket in seen:
                yield doc.problem(
                    Code.ATTACHED_TWICE,
                    f"bucket '{attachment.bucket}' stands twice",
                    "keep one attachment of it",
                    path,
                    address=at,
                )
                continue
            seen.add(attachment.bucket)
            bucket = spec.buckets.get(attachment.bucket)
            for identifier in _identifiers(bucket):
                other = identifiers.setdefault(identifier, attachment.bucket)
                if other != attachment.bucket:
                    yield doc.problem(
                        Code.SAME_IDENTIFIER,
                        f"'{attachment.bucket}' and '{other}' are both '{identifier}' at their providers",
                        "one repository cannot hold two buckets with one identifier: attach one of them",
                        path,
                        address=at,
                    )


def _identifiers(bucket: Bucket | None) -> Iterator[str]:
    """The names that must differ within a repository; an Azure container counts by its account, where that is known."""
    if bucket is None:
        return
    if bucket.storage_type != "BLOB":
        yield bucket.bucket


def _mirrors_and_folders(spec: Spec, doc: Document, known: frozenset[str]) -> Iterator[Diagnostic]:
    del known
    users: dict[str, list[str]] = defaultdict(list)
    folders: dict[tuple[str, str], str] = {}
    for name, repository in spec.repositories.items():
        for attachment in repository.buckets or []:
            users[attachment.bucket].append(name)
    for name, repository in spec.repositories.items():
        at, attached = f"repository.{name}", repository.buckets
        if repository.mode == "MIRROR" and attached is not None:
            masters = sum(bool(a.master) for a in attached)
            if masters != 1:
                yield doc.problem(
                    Code.MIRROR_MASTER,
                    f"a MIRROR repository has one master, not {masters}",
                    "set `master: true` on exactly one attachment",
                    ("repositories", name, "buckets"),
                    at_key=True,
                    address=at,
                )
        for index, attachment in enumerate(attached or []):
            path = ("repositories", name, "buckets", index, "bucket")
            others = [user for user in dict.fromkeys(users[attachment.bucket]) if user != name]
            if repository.mode == "MIRROR" and others:
                yield doc.problem(
                    Code.MIRROR_SHARED,
                    f"bucket '{attachment.bucket}' is mirrored here and also used by repository '{others[0]}'",
                    "a mirrored bucket belongs to one repository: register another bucket",
                    path,
                    address=at,
                )
            elif repository.mode != "MIRROR":
                place = (attachment.bucket, attachment.folder.strip("/"))
                holder = folders.setdefault(place, name)
                if holder != name:
                    yield doc.problem(
                        Code.FOLDER_TAKEN,
                        f"repository '{holder}' already uses folder '{place[1]}' of bucket '{attachment.bucket}'",
                        "give each repository its own `folder:`",
                        path,
                        address=at,
                    )


def _orders(spec: Spec, doc: Document, known: frozenset[str]) -> Iterator[Diagnostic]:
    del known
    for name, repository in spec.repositories.items():
        order = (repository.routing.order if repository.routing else None) or []
        attached = {a.bucket for a in repository.buckets} if repository.buckets is not None else set(spec.buckets)
        for index, bucket in enumerate(order):
            path = ("repositories", name, "routing", "order", index)
            if bucket not in attached:
                yield doc.problem(
                    Code.ORDER,
                    f"'{bucket}' is in the order but not attached",
                    f"attach it under `buckets:`, or take it out of the order (attached: {', '.join(sorted(attached)) or 'none'})",
                    path,
                    address=f"repository.{name}",
                )
            elif bucket in order[:index]:
                yield doc.problem(
                    Code.ORDER, f"'{bucket}' stands twice in the order", "keep one", path, address=f"repository.{name}"
                )


def caps_of(bucket: Bucket) -> list[SoftCap]:
    """The caps of a bucket as a list, however they were written."""
    match bucket.soft_cap:
        case None:
            return []
        case list() as caps:
            return caps
        case cap:
            return [cap]


def routed_order(name: str, repository: Repository) -> list[str]:
    """The buckets that writes may go to, by preference: `order`, else the attachments as they stand."""
    del name
    if repository.routing is not None and repository.routing.order is not None:
        return list(repository.routing.order)
    return [a.bucket for a in repository.buckets or []]


def _caps(spec: Spec, doc: Document, known: frozenset[str]) -> Iterator[Diagnostic]:
    del known
    routed = {bucket for name, repository in spec.repositories.items() for bucket in routed_order(name, repository)}
    for name, bucket in spec.buckets.items():
        at, meters = f"bucket.{name}", set[str]()
        if name in routed and not caps_of(bucket):
            yield doc.problem(
                Code.NO_CAP,
                "writes are routed here and nothing says when to stop",
                "add `soft_cap: {limit: 500GB}`, or `{limit: unlimited}` to say so",
                ("buckets", name),
                at_key=True,
                address=at,
                is_warning=True,
            )
        for cap in caps_of(bucket):
            path = ("buckets", name, "soft_cap")
            meter = cap.meter or "ingress_bytes"
            if meter in meters:
                yield doc.problem(Code.CAP, f"two caps for the meter {meter}", "keep one cap a meter", path, address=at)
            meters.add(meter)
            soft = cap.soft if cap.soft is not None else 800_000
            hard = cap.hard if cap.hard is not None else 1_000_000
            if cap.hard is not None and soft > hard:
                yield doc.problem(
                    Code.CAP,
                    f"soft ({soft / 10_000:g}%) is above hard ({hard / 10_000:g}%)",
                    "lower `soft`, or raise `hard`",
                    path,
                    address=at,
                )
            if cap.period == "none" and (cap.anchor_day is not None or cap.tz is not None):
                yield doc.problem(
                    Code.CAP,
                    "anchor_day and tz have no meaning with `period: none`",
                    "take them out, or use `period: month`",
                    path,
                    address=at,
                )
            if cap.tz is not None and not _is_zone(cap.tz):
                yield doc.problem(
                    Code.CAP, f"'{cap.tz}' is not a time zone", "use a name like UTC or Europe/Paris", path, address=at
                )


def _is_zone(name: str) -> bool:
    import zoneinfo  # noqa: PLC0415  # rarely needed

    try:
        zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


def _names(spec: Spec, doc: Document, known: frozenset[str]) -> Iterator[Diagnostic]:
    del known
    for section, entries in (("buckets", spec.buckets), ("repositories", spec.repositories)):
        holders: dict[str, str] = {}
        for name, entry in entries.items():
            other = holders.setdefault(entry.name or name, name)
            if other != name:
                yield doc.problem(
                    Code.SAME_NAME,
                    f"'{name}' and '{other}' would both be called '{entry.name or name}'",
                    "give one of them another `name:`",
                    (section, name),
                    at_key=True,
                    address=f"{'bucket' if section == 'buckets' else 'repository'}.{name}",
                )
    identifiers: dict[str, str] = {}
    for name, bucket in spec.buckets.items():
        other = identifiers.setdefault(f"{bucket.storage_type == 'BLOB' and name}/{bucket.bucket}", name)
        if other != name:
            yield doc.problem(
                Code.SAME_IDENTIFIER,
                f"provider bucket '{bucket.bucket}' is also registered as '{other}'; Flashback may refuse the second",
                "register each provider bucket once",
                ("buckets", name, "bucket"),
                address=f"bucket.{name}",
                is_warning=True,
            )
    for repository, entry in spec.repositories.items():
        taken: dict[str, str] = {}
        for key, declared in (entry.api_keys or {}).items():
            at, path, live = (
                f"api_key.{repository}.{key}",
                ("repositories", repository, "api_keys", key),
                declared.name or key,
            )
            if _GENERATION.fullmatch(live):
                yield doc.problem(
                    Code.BAD_NAME,
                    f"'{live}' ends like a generation of a rotated key",
                    "choose a name without `.g<number>` at the end",
                    path,
                    at_key=True,
                    address=at,
                )
            if taken.setdefault(live, key) != key:
                yield doc.problem(
                    Code.SAME_NAME,
                    f"'{key}' and '{taken[live]}' would both be called '{live}'",
                    "give one of them another `name:`",
                    path,
                    at_key=True,
                    address=at,
                )


def _intents(spec: Spec, doc: Document, known: frozenset[str]) -> Iterator[Diagnostic]:
    addresses = set(known) | declared_addresses(spec)
    stated: dict[str, str] = {}
    for section, departures in (("delete", spec.delete), ("forget", spec.forget)):
        for index, departure in enumerate(departures):
            path, address = (section, index, "address"), departure.address
            kind, names = split_address(address)
            if kind not in KINDS or len(names) != (2 if KINDS[kind].parent else 1):
                yield doc.problem(
                    Code.BAD_VALUE,
                    f"'{address}' is not an address",
                    "write it like bucket.old-logs or api_key.app-data.writer",
                    path,
                )
            elif address in addresses:
                yield doc.problem(
                    Code.CONFLICTING_INTENT,
                    f"{address} is declared and also listed under `{section}:`",
                    "keep one of the two",
                    path,
                    address=address,
                )
            elif address in stated:
                yield doc.problem(
                    Code.CONFLICTING_INTENT,
                    f"{address} is listed under `{stated[address]}:` already",
                    "keep one of the two",
                    path,
                    address=address,
                )
            stated.setdefault(address, section)
    for section, kind, entries in (
        ("credentials", "credential", spec.credentials),
        ("buckets", "bucket", spec.buckets),
        ("repositories", "repository", spec.repositories),
    ):
        for name, entry in entries.items():
            if entry.renamed_from is not None and (
                entry.renamed_from == name or f"{kind}.{entry.renamed_from}" in addresses
            ):
                yield doc.problem(
                    Code.CONFLICTING_INTENT,
                    f"renamed_from '{entry.renamed_from}' is still declared",
                    "take the old entry out, or `renamed_from:`",
                    (section, name, "renamed_from"),
                    address=f"{kind}.{name}",
                )
    sinks: dict[str, str] = {}
    for repository, entry in spec.repositories.items():
        for key, declared in (entry.api_keys or {}).items():
            if not isinstance(declared.sink, External):
                at, target = f"api_key.{repository}.{key}", declared.sink.describe()
                if target.startswith("file ") and sinks.setdefault(target, at) != at:
                    yield doc.problem(
                        Code.CONFLICTING_INTENT,
                        f"{sinks[target]} has the same sink",
                        "give each key its own file",
                        ("repositories", repository, "api_keys", key, "sink"),
                        address=at,
                    )


def declared_addresses(spec: Spec) -> set[str]:
    """Every address that the spec declares."""
    return {
        *(f"credential.{name}" for name in spec.credentials),
        *(f"bucket.{name}" for name in spec.buckets),
        *(f"repository.{name}" for name in spec.repositories),
        *(
            f"api_key.{repository}.{key}"
            for repository, entry in spec.repositories.items()
            for key in entry.api_keys or {}
        ),
    }


def _places(spec: Spec, doc: Document, known: frozenset[str]) -> Iterator[Diagnostic]:
    del known
    for path, value in ((("ledger",), spec.ledger), (("policy", "path"), spec.policy.path if spec.policy else "")):
        if value.startswith(_STORES):
            yield doc.problem(
                Code.BAD_VALUE, "object storage is not available in this version", "name a local file", path
            )
