"""A spec as plain values, and the place of each of them, looked up only when somebody asks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from fbplan.errors import Code, Diagnostic, Location
from fbplan.spec.frame import frame
from fbplan.spec.mask import Edit, edits_by_place, edits_by_shape
from fbplan.spec.nodes import Lines, Node, compose

TreePath = tuple[str | int, ...]
_PairsByKey = dict[str | int, tuple[Node, Node]]


class Places:
    """The nodes, lines and masks of a text, each made once. `parsed` is the text with what was refused blanked out."""

    def __init__(self, text: str, parsed: str | None = None) -> None:
        self.text = text
        self._parsed = text if parsed is None else parsed
        self._is_yaml = True
        self._root: Node | None = None
        self._lines: Lines | None = None
        self._edits: Mapping[int, list[Edit]] | None = None
        self._children: dict[int, _PairsByKey] = {}

    def __repr__(self) -> str:
        return "Places(…)"

    def root(self) -> Node | None:
        if self._root is None and self._is_yaml:
            self._root = compose(self._parsed)
            self._is_yaml = self._root is not None
        return self._root

    def lines(self) -> Lines:
        if self._lines is None:
            self._lines = Lines(self.text)
        return self._lines

    def frame(self, location: Location) -> str:
        if self._edits is None:
            root = self.root() if self._parsed == self.text else compose(self.text)
            if root is not None:
                self._edits = edits_by_place(self.text, self.lines(), root)
            else:
                self._edits = edits_by_shape(self.text, self.lines())
        return frame(self.text, self.lines(), self._edits, location)

    def child(self, node: Node, value: Any, part: str | int) -> tuple[Node, Node] | None:
        """The key node and the value node under `part` of `value`, which is what `node` was read as."""
        if node.items is not None:
            found = node.items[part] if isinstance(part, int) and part < len(node.items) else None
            return None if found is None else (found, found)
        if node.pairs is None:
            return None
        by_key = self._children.get(id(node))
        if by_key is None:
            by_key = {key.scalar or "": (key, inner) for key, inner in node.pairs}
            if isinstance(value, dict) and len(value) == len(node.pairs):
                # in the same order, and 0x1F is 31
                by_key |= dict(zip(value, node.pairs, strict=True))
            self._children[id(node)] = by_key
        return by_key.get(part) or by_key.get(str(part))


@dataclass(frozen=True, slots=True)
class Document:
    """A spec file that was parsed. `tree` is what was read; its parts that are wrong may have been cut out since."""

    path: Path
    label: str
    tree: Any = field(repr=False)
    places: Places = field(repr=False)
    kept: Mapping[TreePath, list[int]] = field(default_factory=dict, repr=False)
    """For a list that lost items: where those that are left stand in the file."""

    def cut(self, kept: Mapping[TreePath, list[int]]) -> Document:
        """The same file, spoken of by the paths of a tree from which items were cut."""
        return replace(self, kept=kept)

    def original(self, path: TreePath) -> TreePath:
        """The path in the file of what stands at `path` after the cuts."""
        if not self.kept:
            return path
        found: TreePath = ()
        for part in path:
            indices = self.kept.get(found)
            moved = indices[part] if indices is not None and isinstance(part, int) and part < len(indices) else part
            found = (*found, moved)
        return found

    def value(self, path: TreePath) -> Any:
        """What stands in the file at `path`, as it was read; None where nothing stands."""
        found = self.tree
        for part in self.original(path):
            found = found[part] if holds(found, part) else None
        return found

    def locate(self, path: TreePath, *, at_key: bool = False) -> Location:
        """The place of the value at `path` (or of its key); the nearest ancestor's when there is no such value."""
        node = place = self.places.root()
        value = self.tree
        for part in self.original(path):
            found = self.places.child(node, value, part) if node is not None else None
            if found is None:
                break
            key, node = found
            place = key if at_key else node
            value = value[part] if holds(value, part) else None
        return self.at(place.start if place is not None else 0)

    def at(self, index: int) -> Location:
        """The place of a character."""
        return Location(self.label, *self.places.lines().place(index))

    def frame(self, location: Location) -> str:
        """The line and its neighbours, numbered, with a caret; no secret in it."""
        return self.places.frame(location)

    def problem(
        self,
        code: Code,
        message: str,
        fix: str,
        path: TreePath,
        *,
        address: str | None = None,
        at_key: bool = False,
        is_warning: bool = False,
    ) -> Diagnostic:
        """A diagnostic that points at `path`."""
        place = self.locate(path, at_key=at_key)
        return Diagnostic(code, message, fix, address, place, self.frame(place), is_warning)


def holds(value: Any, part: str | int) -> bool:
    """Whether `value[part]` is there."""
    return (isinstance(value, dict) and part in value) or (
        isinstance(value, list) and isinstance(part, int) and part < len(value)
    )
