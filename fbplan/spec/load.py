"""YAML in, a validated Spec out; or every problem of the file at once."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from fbplan.errors import Code, Diagnostic, Location, SpecInvalid
from fbplan.spec.document import Document, TreePath, read_document
from fbplan.spec.model import Spec
from fbplan.spec.problems import diagnostics_of, tree_path
from fbplan.spec.rules import check

DEFAULT_NAME = "fbplan.yaml"


@dataclass(frozen=True, slots=True)
class LoadedSpec:
    """A valid spec, where it came from, and what is worth a warning."""

    spec: Spec
    document: Document
    warnings: tuple[Diagnostic, ...]

    @property
    def folder(self) -> Path:
        """The folder that relative paths in the spec count from."""
        return self.document.path.parent

    def where(self, path: TreePath) -> str:
        return str(self.document.locate(path, at_key=True))


def load_spec(path: Path) -> LoadedSpec:
    """Load `path`, or the `fbplan.yaml` in it when it is a folder.

    Raises SpecInvalid with every diagnostic when anything is wrong; nothing else, for any input.
    """
    target = path / DEFAULT_NAME if path.is_dir() else path
    document, found = read_document(target, str(target))
    if document is None:
        raise invalid(target, found)
    found += _nulls(document)
    spec, known = _validated(document, found)
    warnings: tuple[Diagnostic, ...] = ()
    if spec is not None:
        ruled = check(spec, document, known)
        found += [d for d in ruled if not d.is_warning]
        warnings = tuple(d for d in ruled if d.is_warning)
    if found or spec is None:
        raise invalid(target, found)
    return LoadedSpec(spec, document, warnings)


def invalid(path: Path, found: list[Diagnostic]) -> SpecInvalid:
    nowhere = Location(str(path), 1, 1)
    ordered = tuple(
        sorted(
            found, key=lambda d: ((d.location or nowhere).line, (d.location or nowhere).column, d.code.id, d.message)
        )
    )
    count = f"{len(ordered)} problem{'s' if len(ordered) != 1 else ''}"
    return SpecInvalid(
        f"the spec has {count}",
        str(path),
        "",
        f"correct {'them' if len(ordered) != 1 else 'it'} and run: fbplan validate {path}",
        ordered,
    )


def _nulls(document: Document) -> list[Diagnostic]:
    """`null` where a value belongs: it would read as "not managed" to one person and "empty" to the next."""
    paths: list[TreePath] = []

    def walk(value: Any, path: TreePath) -> None:
        if value is None:
            paths.append(path)
        elif isinstance(value, dict):
            for key, inner in value.items():
                if inner is None or isinstance(inner, (dict, list)):
                    walk(inner, (*path, key))
        elif isinstance(value, list):
            for index, inner in enumerate(value):
                if inner is None or isinstance(inner, (dict, list)):
                    walk(inner, (*path, index))

    if isinstance(document.tree, dict):
        walk(document.tree, ())
    return [
        document.problem(
            Code.NULL_VALUE,
            f"'{path[-1]}' has no value",
            "leave the key out (not managed), or write a value ([] or {} for empty)",
            path,
            at_key=True,
        )
        for path in paths
    ]


def _validated(document: Document, found: list[Diagnostic]) -> tuple[Spec | None, frozenset[str]]:
    """The spec, and the addresses that are declared even if their body is wrong.

    When something is wrong, the wrong parts are cut out and the rest is validated again, so that the rules which look
    across resources still run on it and the user sees everything in one go.
    """
    tree = document.tree
    if not isinstance(tree, dict):
        what = "the spec is empty" if tree is None else "the spec is not a mapping"
        found.append(document.problem(Code.NOT_A_MAPPING, what, "start it with `version: 1`, or run `fbplan init`", ()))
        return None, frozenset()
    nulls = bool(found)
    try:
        if not nulls:
            return Spec.model_validate(tree), frozenset()
    except ValidationError as fault:
        found += diagnostics_of(document, fault.errors(include_url=False), Spec)
    known = _declared(tree)
    pruned = _without_nulls(copy.deepcopy(tree))
    reported = nulls and not any(d.code is not Code.NULL_VALUE for d in found)
    for _ in range(8):
        try:
            return Spec.model_validate(pruned), known
        except ValidationError as fault:
            errors = fault.errors(include_url=False)
            if reported:
                found += [
                    d
                    for d in diagnostics_of(
                        Document(document.path, document.text, pruned, document.label), errors, Spec
                    )
                    if d.code is not Code.MISSING_KEY
                ]
                reported = False
            for error in errors:
                _cut(pruned, tree_path(pruned, error["loc"])[0], is_missing=error["type"] == "missing")
    return None, known


def _declared(tree: dict[Any, Any]) -> frozenset[str]:
    out = set()
    for section, kind in (("credentials", "credential"), ("buckets", "bucket"), ("repositories", "repository")):
        entries = tree.get(section)
        if isinstance(entries, dict):
            out |= {f"{kind}.{name}" for name in entries}
    return frozenset(out)


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _without_nulls(v) for k, v in value.items() if v is not None}
    return [_without_nulls(v) for v in value if v is not None] if isinstance(value, list) else value


def _cut(tree: Any, path: TreePath, *, is_missing: bool) -> None:
    """Take the value at `path` out; for a missing key, the mapping that lacks it."""
    if not path:
        if is_missing and isinstance(tree, dict):
            tree.setdefault("version", 1)
        return
    parent = tree
    for part in path[:-1]:
        try:
            parent = parent[part]
        except (KeyError, IndexError, TypeError):
            return
    if path == ("version",):
        tree["version"] = 1
    elif (isinstance(parent, dict) and path[-1] in parent) or (
        isinstance(parent, list) and isinstance(path[-1], int) and path[-1] < len(parent)
    ):
        del parent[path[-1]]
