"""What a spec asks for beside its resources: delete, forget, renames, rotation; never two things at once."""

from __future__ import annotations

from collections.abc import Iterator

from fbplan.errors import Code, Diagnostic
from fbplan.kinds import KINDS
from fbplan.kinds.base import address_of, split_address
from fbplan.secrets import External
from fbplan.spec.document import Document, TreePath
from fbplan.spec.model import Spec
from fbplan.spec.rules.scope import Scope, declared_addresses
from fbplan.spec.wording import quoted

_OVERLAP = 7 * 86_400


def intent_rules(spec: Spec, doc: Document, scope: Scope) -> Iterator[Diagnostic]:
    declared = declared_addresses(spec) | scope.declared
    listed: dict[str, str] = {}
    yield from _departures(spec, doc, declared, listed)
    yield from _renames(spec, doc, declared, listed)
    yield from _rotations(spec, doc, scope)


def _departures(spec: Spec, doc: Document, declared: set[str], listed: dict[str, str]) -> Iterator[Diagnostic]:
    for section, departures in (("delete", spec.delete), ("forget", spec.forget)):
        for index, departure in enumerate(departures):
            address = departure.address
            kind, names = split_address(address)
            if kind not in KINDS or len(names) != (2 if KINDS[kind].parent else 1):
                message, fix = (
                    f"{quoted(address)} is not an address",
                    "write it like bucket.old-logs or api_key.app-data.writer",
                )
                yield doc.problem(Code.BAD_VALUE, message, fix, (section, index, "address"))
                continue
            if address in declared:
                message = f"{address} is declared and also listed under `{section}:`"
                yield _conflict(doc, message, (section, index, "address"), address)
            elif address in listed:
                message = f"{address} is listed under `{listed[address]}:` already"
                yield _conflict(doc, message, (section, index, "address"), address)
            listed.setdefault(address, section)


def _renames(spec: Spec, doc: Document, declared: set[str], listed: dict[str, str]) -> Iterator[Diagnostic]:
    taken: dict[str, str] = {}
    for path, at, former in _renamed(spec):
        if former in declared:
            yield doc.problem(
                Code.CONFLICTING_INTENT,
                f"renamed_from {quoted(former.rsplit('.', 1)[-1])} is still declared",
                "take the old entry out, or `renamed_from:`",
                path,
                address=at,
            )
        elif former in listed:
            yield _conflict(doc, f"{former} is renamed here and listed under `{listed[former]}:`", path, at)
        elif taken.setdefault(former, at) != at:
            yield _conflict(doc, f"{former} is renamed to {taken[former]} already", path, at)


def _renamed(spec: Spec) -> Iterator[tuple[TreePath, str, str]]:
    """(place, address, former address) of each rename."""
    sections = (("credentials", "credential"), ("buckets", "bucket"), ("repositories", "repository"))
    for section, kind in sections:
        for name, entry in getattr(spec, section).items():
            if entry.renamed_from is not None:
                yield (section, name, "renamed_from"), address_of(kind, name), address_of(kind, entry.renamed_from)
    for name, repository in spec.repositories.items():
        for key, declared in (repository.api_keys or {}).items():
            if declared.renamed_from is not None:
                yield (
                    ("repositories", name, "api_keys", key, "renamed_from"),
                    address_of("api_key", name, key),
                    address_of("api_key", name, declared.renamed_from),
                )


def _rotations(spec: Spec, doc: Document, scope: Scope) -> Iterator[Diagnostic]:
    for name, repository in spec.repositories.items():
        for key, declared in (repository.api_keys or {}).items():
            if declared.rotate is None or not scope.is_whole("repositories", name, "api_keys", key):
                continue
            at, path = f"api_key.{name}.{key}", ("repositories", name, "api_keys", key, "rotate")
            overlap = declared.rotate.overlap if declared.rotate.overlap is not None else _OVERLAP
            if isinstance(declared.sink, External):
                yield doc.problem(
                    Code.CONFLICTING_INTENT,
                    "an external key is never rotated",
                    "take `rotate:` out, or name a file or exec sink",
                    path,
                    at_key=True,
                    address=at,
                )
            elif declared.rotate.every <= overlap:
                default = " of 7d" if declared.rotate.overlap is None else ""
                yield doc.problem(
                    Code.BAD_VALUE,
                    f"'every' is not longer than the overlap{default}",
                    "rotate less often, or shorten `overlap:`",
                    (*path, "every"),
                    address=at,
                )


def _conflict(doc: Document, message: str, path: TreePath, address: str) -> Diagnostic:
    return doc.problem(Code.CONFLICTING_INTENT, message, "keep one of the two", path, address=address)
