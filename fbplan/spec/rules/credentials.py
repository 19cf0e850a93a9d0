"""How a bucket or a credential gets its key and secret: one form, both halves."""

from __future__ import annotations

from collections.abc import Iterator

from fbplan.errors import Code, Diagnostic
from fbplan.kinds.bucket import Bucket
from fbplan.kinds.credential import Credential
from fbplan.spec.document import Document
from fbplan.spec.fixes import NOT_FILLED_IN, source_meant
from fbplan.spec.model import Spec
from fbplan.spec.rules.scope import Scope


def credential_rules(spec: Spec, doc: Document, scope: Scope) -> Iterator[Diagnostic]:
    for name, credential in spec.credentials.items():
        if (credential.key is None) != (credential.secret is None) and scope.is_whole("credentials", name):
            yield _half(doc, "credentials", "credential", name, credential)
        yield from _unusable(doc, "credentials", "credential", name, credential)
    for name, bucket in spec.buckets.items():
        yield from _unusable(doc, "buckets", "bucket", name, bucket)
        if bucket.credential is not None:
            if bucket.key is not None or bucket.secret is not None:
                yield doc.problem(
                    Code.CREDENTIAL_FORM,
                    "both a shared credential and its own key or secret",
                    "keep `credential:`, or `key:` with `secret:`",
                    ("buckets", name, "credential"),
                    at_key=True,
                    address=f"bucket.{name}",
                )
        elif (bucket.key is None) != (bucket.secret is None) and scope.is_whole("buckets", name):
            yield _half(doc, "buckets", "bucket", name, bucket)


def _half(doc: Document, section: str, kind: str, name: str, entry: Bucket | Credential) -> Diagnostic:
    absent, present = ("key", "secret") if entry.key is None else ("secret", "key")
    return doc.problem(
        Code.CREDENTIAL_FORM,
        f"'{absent}' is missing beside '{present}'",
        f"add `{absent}:`; they travel together",
        (section, name),
        at_key=True,
        address=f"{kind}.{name}",
    )


def _unusable(doc: Document, section: str, kind: str, name: str, entry: Bucket | Credential) -> Iterator[Diagnostic]:
    path, at = (section, name, "key"), f"{kind}.{name}"
    if entry.key == "":
        fix = "write the access key id, or leave key and secret out"
        yield doc.problem(Code.BAD_VALUE, "'key' is empty", fix, path, address=at)
    elif isinstance(entry.key, str) and (source := source_meant(entry.key)) is not None:
        yield doc.problem(Code.BAD_VALUE, NOT_FILLED_IN, f"write `{source}`", path, address=at)
