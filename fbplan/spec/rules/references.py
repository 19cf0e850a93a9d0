"""References by name: a bucket's credential, a repository's buckets."""

from __future__ import annotations

from collections.abc import Iterator

from fbplan.errors import Code, Diagnostic
from fbplan.spec.document import Document
from fbplan.spec.model import Spec
from fbplan.spec.rules.scope import Scope
from fbplan.spec.wording import Suggestions, quoted


def reference_rules(spec: Spec, doc: Document, scope: Scope) -> Iterator[Diagnostic]:
    credentials = scope.names("credential", {**spec.credentials})
    buckets = scope.names("bucket", {**spec.buckets})
    known: dict[str, list[str]] = {}  # sorted once, when the first reference dangles
    suggestions = Suggestions()

    def fix(name: str, section: str, names: set[str]) -> str:
        if section not in known:
            known[section] = sorted(names)
        close = suggestions.nearest(name, known[section])
        return f"did you mean `{close}`?" if close else f"declare it under `{section}:`"

    for name, bucket in spec.buckets.items() if scope.is_read("credentials") else ():
        if bucket.credential is not None and bucket.credential not in credentials:
            yield doc.problem(
                Code.DANGLING,
                f"there is no credential {quoted(bucket.credential)}",
                fix(bucket.credential, "credentials", credentials),
                ("buckets", name, "credential"),
                address=f"bucket.{name}",
            )
    for name, repository in spec.repositories.items() if scope.is_read("buckets") else ():
        for index, attachment in enumerate(repository.buckets or ()):
            if attachment.bucket not in buckets:
                yield doc.problem(
                    Code.DANGLING,
                    f"there is no bucket {quoted(attachment.bucket)}",
                    fix(attachment.bucket, "buckets", buckets),
                    ("repositories", name, "buckets", index, "bucket"),
                    address=f"repository.{name}",
                )
