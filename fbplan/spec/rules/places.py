"""Where the policy and the ledger are kept."""

from __future__ import annotations

from collections.abc import Iterator

from fbplan.errors import Code, Diagnostic
from fbplan.spec.document import Document
from fbplan.spec.model import Spec
from fbplan.spec.rules.scope import Scope

_STORES = ("s3://", "gs://", "az://")


def place_rules(spec: Spec, doc: Document, scope: Scope) -> Iterator[Diagnostic]:
    del scope
    for path, value in ((("ledger",), spec.ledger), (("policy", "path"), spec.policy.path if spec.policy else "")):
        if value.lower().startswith(_STORES):
            yield doc.problem(
                Code.BAD_VALUE, "object storage is not available in this version", "name a local file", path
            )
