"""What the buckets of a repository may be to each other, and to other repositories."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from fbplan.errors import Code, Diagnostic
from fbplan.kinds.bucket import Bucket
from fbplan.kinds.repository import Repository
from fbplan.spec.document import Document, TreePath
from fbplan.spec.model import Spec
from fbplan.spec.rules.scope import Scope
from fbplan.spec.wording import quoted


def repository_rules(spec: Spec, doc: Document, scope: Scope) -> Iterator[Diagnostic]:
    users: dict[str, list[str]] = defaultdict(list)
    folders: dict[tuple[str, str], str] = {}
    for name, repository in spec.repositories.items():
        for attachment in repository.buckets or ():
            if users[attachment.bucket][-1:] != [name]:
                users[attachment.bucket].append(name)
    for name, repository in spec.repositories.items():
        yield from _within(spec, doc, scope, name, repository)
        if repository.mode == "MIRROR":
            yield from _mirror(doc, scope, name, repository, users)
        elif scope.is_whole("repositories", name, "mode"):
            yield from _folders(doc, name, repository, folders)


def _within(spec: Spec, doc: Document, scope: Scope, name: str, repository: Repository) -> Iterator[Diagnostic]:
    """A bucket once, and a provider bucket once."""
    seen: set[str] = set()
    identifiers: dict[str, str] = {}
    for index, attachment in enumerate(repository.buckets or ()):
        if attachment.bucket in seen:
            yield doc.problem(
                Code.ATTACHED_TWICE,
                f"bucket {quoted(attachment.bucket)} stands twice",
                "keep one attachment of it",
                _attachment(name, index),
                address=f"repository.{name}",
            )
            continue
        seen.add(attachment.bucket)
        identifier = _identifier(spec.buckets.get(attachment.bucket))
        if identifier is None or not scope.is_whole("buckets", attachment.bucket, "storage_type"):
            continue
        other = identifiers.setdefault(identifier, attachment.bucket)
        if other != attachment.bucket:
            yield doc.problem(
                Code.SAME_IDENTIFIER,
                f"{quoted(attachment.bucket)} and {quoted(other)} are both {quoted(identifier)} at their providers",
                "one repository cannot hold two buckets with one identifier: attach one of them",
                _attachment(name, index),
                address=f"repository.{name}",
            )


def _identifier(bucket: Bucket | None) -> str | None:
    """What must differ within a repository; an Azure container counts by its account, which the spec may not tell."""
    return bucket.bucket if bucket is not None and bucket.storage_type != "BLOB" else None


def _mirror(
    doc: Document, scope: Scope, name: str, repository: Repository, users: dict[str, list[str]]
) -> Iterator[Diagnostic]:
    """One master, and buckets that nobody else uses."""
    masters = sum(bool(attachment.master) for attachment in repository.buckets or ())
    if repository.buckets is not None and masters != 1 and scope.is_whole("repositories", name, "buckets"):
        yield doc.problem(
            Code.MIRROR_MASTER,
            f"a MIRROR repository has one master, not {masters}",
            "set `master: true` on exactly one attachment",
            ("repositories", name, "buckets"),
            at_key=True,
            address=f"repository.{name}",
        )
    for index, attachment in enumerate(repository.buckets or ()):
        other = next((user for user in users[attachment.bucket] if user != name), None)
        if other is not None:
            yield doc.problem(
                Code.MIRROR_SHARED,
                f"bucket {quoted(attachment.bucket)} is mirrored here and also used by repository {quoted(other)}",
                "a mirrored bucket belongs to one repository: register another bucket",
                _attachment(name, index),
                address=f"repository.{name}",
            )


def _folders(
    doc: Document, name: str, repository: Repository, folders: dict[tuple[str, str], str]
) -> Iterator[Diagnostic]:
    """A folder of a bucket belongs to one repository."""
    for index, attachment in enumerate(repository.buckets or ()):
        folder = attachment.folder.strip("/")
        holder = folders.setdefault((attachment.bucket, folder), name)
        if holder != name:
            used = f"folder {quoted(folder)} of bucket" if folder else "the whole of bucket"
            yield doc.problem(
                Code.FOLDER_TAKEN,
                f"repository {quoted(holder)} already uses {used} {quoted(attachment.bucket)}",
                "give each repository its own `folder:`",
                _attachment(name, index),
                address=f"repository.{name}",
            )


def _attachment(repository: str, index: int) -> TreePath:
    return ("repositories", repository, "buckets", index, "bucket")
