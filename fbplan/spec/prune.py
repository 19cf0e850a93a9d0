"""A tree without the parts that are wrong, so that the rest of a spec can still be checked in the same run."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from fbplan.spec.document import TreePath


class _Cut(dict[Any, "_Cut"]):
    """The places that were touched, as a tree of their parts."""


@dataclass(slots=True)
class Pruning:
    """Cuts collected by their path in the file, and what the tree is without them."""

    tree: dict[Any, Any] = field(repr=False)
    _root: _Cut = field(default_factory=_Cut, repr=False)
    _whole: set[TreePath] = field(default_factory=set, repr=False)
    _filled: dict[TreePath, dict[str | int, object]] = field(default_factory=dict, repr=False)

    def cut(self, path: TreePath) -> None:
        self._mark(path)
        self._whole.add(path)

    def fill(self, path: TreePath, value: object) -> None:
        """Put something harmless where a required value is missing, so that what stands beside it can be read."""
        self._mark(path)
        self._filled.setdefault(path[:-1], {})[path[-1]] = value

    def result(self) -> tuple[dict[Any, Any], dict[TreePath, list[int]]]:
        """The tree, and for each list that lost items where those that are left stand in the file."""
        kept: dict[TreePath, list[int]] = {}
        pruned: dict[Any, Any] = self._without(self.tree, self._root, (), kept)
        if ("version",) in self._whole or "version" not in pruned:
            pruned["version"] = 1
        return pruned, kept

    def _mark(self, path: TreePath) -> None:
        here = self._root
        for part in path:
            here = here.setdefault(part, _Cut())

    def touches(self, path: TreePath) -> bool:
        """Whether something was cut at this place or below it."""
        here: _Cut | None = self._root
        for part in path:
            here = here.get(part) if here is not None else None
        return here is not None

    def is_gone(self, path: TreePath) -> bool:
        """Whether all of this place was cut."""
        return path in self._whole

    def _without(self, value: Any, cuts: _Cut, path: TreePath, kept: dict[TreePath, list[int]]) -> Any:
        def inner(key: Any, child: Any) -> Any:
            below = cuts.get(key)
            return child if below is None else self._without(child, below, (*path, key), kept)

        if isinstance(value, dict):
            left = {key: inner(key, child) for key, child in value.items() if (*path, key) not in self._whole}
            return {**left, **self._filled.get(path, {})}
        if isinstance(value, list):
            indices = [index for index in range(len(value)) if (*path, index) not in self._whole]
            if len(indices) < len(value):
                kept[path] = indices
            return [inner(index, value[index]) for index in indices]
        return value
