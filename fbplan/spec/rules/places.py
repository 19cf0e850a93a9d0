"""Where the policy and the ledger are kept."""

from __future__ import annotations

from collections.abc import Iterator

from fbplan.errors import Code, Diagnostic
from fbplan.spec.document import Document
from fbplan.spec.model import Spec
from fbplan.spec.rules.scope import Scope
from fbplan.storage.location import NotAPlace, is_url, parse_url


def place_rules(spec: Spec, doc: Document, scope: Scope) -> Iterator[Diagnostic]:
    del scope
    if is_url(spec.ledger):
        try:
            parse_url(spec.ledger)
        except NotAPlace as fault:
            yield doc.problem(Code.BAD_VALUE, fault.what, fault.fix, ("ledger",))
    if spec.policy is not None and is_url(spec.policy.path):
        try:
            parse_url(spec.policy.path)
        except NotAPlace as fault:
            yield doc.problem(Code.BAD_VALUE, fault.what, fault.fix, ("policy", "path"))
