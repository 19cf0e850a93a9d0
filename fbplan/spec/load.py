"""YAML in, a validated Spec out; or every problem of the file at once."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from fbplan.errors import Code, Diagnostic, Location, SpecInvalid
from fbplan.spec.address import addresses_in
from fbplan.spec.document import Document, TreePath
from fbplan.spec.form import malformed
from fbplan.spec.model import Spec
from fbplan.spec.problems import diagnostics_of, place_of
from fbplan.spec.prune import Pruning
from fbplan.spec.rules import Scope, check
from fbplan.spec.source import label_of, read_source
from fbplan.spec.syntax import parse

DEFAULT_NAME = "fbplan.yaml"
_ROUNDS = 8
"""Cutting out what is wrong can bring out more; each round cuts at least one part."""


_STAND_INS = {
    "storage_type": "S3",
    "access": "READ",
    "sink": "external",
    "provider": "unknown",
    "limit": "unlimited",
    "every": "36500d",
    "reason": "unknown",
}


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
        """The place of the key at `path`, as FILE:LINE:COLUMN."""
        return str(self.document.locate(path, at_key=True))


def load_spec(path: Path) -> LoadedSpec:
    """Load `path`, or the `fbplan.yaml` in it when it is a folder.

    Raises SpecInvalid with every diagnostic when anything is wrong; nothing else, for any input.
    """
    target = _target(path)
    with _no_collection():
        outcome = _loaded(target)
    # Raised here, where no local variable holds the text of the file.
    if isinstance(outcome, LoadedSpec):
        return outcome
    raise invalid(target, outcome)


def invalid(path: Path, found: list[Diagnostic]) -> SpecInvalid:
    """The error that carries these diagnostics, in the order of the file."""
    label = label_of(path)
    nowhere = Location(label, 1, 1)
    ordered = tuple(
        sorted(
            found, key=lambda d: ((d.location or nowhere).line, (d.location or nowhere).column, d.code.id, d.message)
        )
    )
    count = f"{len(ordered)} problem{'s' if len(ordered) != 1 else ''}"
    return SpecInvalid(
        f"the spec has {count}",
        label,
        "",
        f"correct {'them' if len(ordered) != 1 else 'it'} and run: fbplan validate {label}",
        ordered,
    )


def _target(path: Path) -> Path:
    try:
        return path / DEFAULT_NAME if path.is_dir() else path
    except (OSError, ValueError):  # reading it will say why
        return path


@contextmanager
def _no_collection() -> Iterator[None]:
    """Parsing makes many objects and no garbage; looking for some in between takes half of the time."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _loaded(target: Path) -> LoadedSpec | list[Diagnostic]:
    source = read_source(target)
    if isinstance(source, Diagnostic):
        return [source]
    document, found = parse(source)
    if document is None:
        return found
    if not isinstance(document.tree, dict):
        what = "the spec is empty" if document.tree is None else "the spec is not a mapping"
        fix = "start it with `version: 1`, or run `fbplan init`"
        return [*found, document.problem(Code.NOT_A_MAPPING, what, fix, ())]
    told, paths = malformed(document)
    found += told
    if not paths:
        spec, errors = _validated(document.tree)
        if spec is not None:
            return _ruled(spec, document, found, Scope())
        found += [d for _, d in diagnostics_of(document, errors)]
    return _checked_without(document, paths, found)


def _validated(tree: dict[Any, Any]) -> tuple[Spec | None, list[ErrorDetails]]:
    try:
        return Spec.model_validate(tree), []
    except ValidationError as fault:
        return None, fault.errors(include_url=False)


def _ruled(spec: Spec, document: Document, found: list[Diagnostic], scope: Scope) -> LoadedSpec | list[Diagnostic]:
    ruled = check(spec, document, scope)
    warnings = tuple(d for d in ruled if d.is_warning)
    found = [*found, *(d for d in ruled if not d.is_warning)]
    return found or LoadedSpec(spec, document, warnings)


def _checked_without(document: Document, malformed_paths: list[TreePath], found: list[Diagnostic]) -> list[Diagnostic]:
    """The problems of the parts that can be read, with the parts that cannot be cut out."""
    pruning = Pruning(document.tree)
    for path in malformed_paths:
        pruning.cut(path)
    is_told = not malformed_paths
    for _ in range(_ROUNDS):
        tree, kept = pruning.result()
        rest = document.cut(kept)
        spec, errors = _validated(tree)
        if spec is not None:
            scope = Scope(addresses_in(document.tree), pruning)
            ruled = _ruled(spec, rest, found, scope)
            return ruled if isinstance(ruled, list) else found
        if not is_told:
            # What is missing here may be what was cut.
            found += [
                d
                for path, d in diagnostics_of(rest, errors, tree)
                if d.code is not Code.MISSING_KEY or not pruning.touches(rest.original(path))
            ]
            is_told = True
        for error in errors:
            _set_right(pruning, rest.original(place_of(tree, error)), error)
    return found


def _set_right(pruning: Pruning, path: TreePath, error: ErrorDetails) -> None:
    """Cut out what is wrong; where a required value is missing, stand something in for it if that misleads no rule."""
    absent = str(error["loc"][-1]) if error["type"] == "missing" else ""
    if absent in _STAND_INS:
        pruning.fill((*path, absent), _STAND_INS[absent])
    elif absent == "bucket" and path[:1] == ("buckets",):
        pruning.fill((*path, absent), f"(the bucket of {path[-1]})")
    else:
        pruning.cut(path or ("version",))
