"""Where writes of a repository may go, and in which order."""

from __future__ import annotations

from collections.abc import Iterator

from fbplan.errors import Code, Diagnostic
from fbplan.kinds.repository import Repository
from fbplan.spec.document import Document
from fbplan.spec.model import Spec
from fbplan.spec.rules.scope import Scope
from fbplan.spec.wording import Suggestions, quoted

_LISTED = 8


def routed_order(name: str, repository: Repository) -> list[str]:
    """The buckets that writes may go to, by preference: `order`, else the attachments as they stand."""
    del name
    if repository.routing is not None and repository.routing.order is not None:
        return list(repository.routing.order)
    return [a.bucket for a in repository.buckets or []]


def order_rules(spec: Spec, doc: Document, scope: Scope) -> Iterator[Diagnostic]:
    suggestions = Suggestions()
    everything = scope.names("bucket", {**spec.buckets})
    for name, repository in spec.repositories.items():
        order = (repository.routing.order if repository.routing else None) or []
        is_known = repository.buckets is not None and scope.is_whole("repositories", name, "buckets")
        if not is_known and not scope.is_read("buckets"):
            continue
        attached = {a.bucket for a in repository.buckets or ()} if is_known else everything
        seen: set[str] = set()
        for index, bucket in enumerate(order):
            path = ("repositories", name, "routing", "order", index)
            if bucket not in attached:
                known = sorted(attached)
                close = suggestions.nearest(bucket, known)
                listed = ", ".join(known[:_LISTED]) + (", …" if len(known) > _LISTED else "")
                fix = f"attach it under `buckets:`, or take it out of the order (attached: {listed or 'none'})"
                message = "in the order but not attached" if is_known else "in the order but not declared"
                yield doc.problem(
                    Code.ORDER,
                    f"{quoted(bucket)} is {message}",
                    f"did you mean `{close}`?" if close else fix,
                    path,
                    address=f"repository.{name}",
                )
            elif bucket in seen:
                yield doc.problem(
                    Code.ORDER,
                    f"{quoted(bucket)} stands twice in the order",
                    "keep one",
                    path,
                    address=f"repository.{name}",
                )
            seen.add(bucket)


def endpoint_rules(spec: Spec, doc: Document, scope: Scope) -> Iterator[Diagnostic]:
    del scope
    for name, repository in spec.repositories.items():
        stated = repository.routing.endpoint if repository.routing else None
        for index, endpoint in enumerate(stated if isinstance(stated, list) else []):
            if endpoint in (stated or [])[:index]:
                yield doc.problem(
                    Code.BAD_VALUE,
                    f"{quoted(endpoint)} stands twice among the endpoints",
                    "keep one",
                    ("repositories", name, "routing", "endpoint", index),
                    address=f"repository.{name}",
                )
