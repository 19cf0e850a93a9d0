"""Where everything in a YAML text stands: a tree of nodes, made only when somebody asks for a place.

It is built from PyYAML's events, one by one and without recursion: its own composer dies on deep nesting, and this
one has to bear any text, because a text that is wrong is why it is called.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

MAX_DEPTH = 128
"""As deep as ryaml goes."""

_BREAK = re.compile(r"\r\n|\r|\n")
_TAG_MAY_BE = re.compile(r"(?:^|[\s,\[\]{}:?-])!", re.MULTILINE)
_TAG = re.compile(r"!(?:<[^>\s]*>|[^\s,\[\]{}]*)")


@dataclass(slots=True)
class Node:
    """A scalar, a sequence (`items`) or a mapping (`pairs`), from character `start` to `end`."""

    start: int
    end: int
    scalar: str | None = field(default=None, repr=False)
    items: list[Node] | None = None
    pairs: list[tuple[Node, Node]] | None = None


class Lines:
    """The lines of a text, found by character: as editors count them, from 1."""

    __slots__ = ("_starts", "_text")

    def __init__(self, text: str) -> None:
        self._text = text
        self._starts = [0, *(found.end() for found in _BREAK.finditer(text))]

    def __len__(self) -> int:
        return len(self._starts)

    def place(self, index: int) -> tuple[int, int]:
        """Line and column of a character."""
        line = bisect_right(self._starts, index)
        return line, index - self._starts[line - 1] + 1

    def span(self, line: int) -> tuple[int, int]:
        """First character of a line, and the one after its last, line break left out."""
        start = self._starts[line - 1]
        end = self._starts[line] if line < len(self._starts) else len(self._text)
        while end > start and self._text[end - 1] in "\r\n":
            end -= 1
        return start, end


def compose(text: str) -> Node | None:
    """The nodes of the first document; None when it has none, is not YAML or nests too deep."""
    import yaml

    open_nodes: list[tuple[Node, list[Node]]] = []
    anchors: dict[str, Node] = {}
    root: Node | None = None
    try:
        for event in _events(text):
            match event:
                case yaml.ScalarEvent():
                    node = Node(_index(event.start_mark), _index(event.end_mark), event.value)
                case yaml.AliasEvent():
                    node = anchors.get(event.anchor or "") or Node(_index(event.start_mark), _index(event.end_mark), "")
                case yaml.SequenceStartEvent() | yaml.MappingStartEvent():
                    node = Node(_index(event.start_mark), _index(event.end_mark))
                    open_nodes.append((node, []))
                    if len(open_nodes) > MAX_DEPTH:
                        return None
                case yaml.SequenceEndEvent() | yaml.MappingEndEvent():
                    node, children = open_nodes.pop()
                    node.end = _index(event.end_mark)
                    if isinstance(event, yaml.SequenceEndEvent):
                        node.items = children
                    else:
                        node.pairs = list(zip(children[::2], children[1::2], strict=True))
                case yaml.DocumentEndEvent():
                    return root
                case _:
                    continue
            anchor = getattr(event, "anchor", None)
            if anchor is not None and not isinstance(event, yaml.AliasEvent):
                anchors[anchor] = node
            if isinstance(event, yaml.SequenceStartEvent | yaml.MappingStartEvent):
                continue
            if open_nodes:
                open_nodes[-1][1].append(node)
            else:
                root = node
    except yaml.YAMLError:
        return None
    return None


def nests_too_deep(text: str) -> bool:
    """Whether the text nests deeper than a spec may, looked at only as far as that takes."""
    import yaml

    depth = 0
    try:
        for event in _events(text):
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            if depth > MAX_DEPTH:
                return True
    except yaml.YAMLError as fault:
        # libyaml reads ahead, and from 0.2.6 on refuses a depth of 1,000 before it tells of the first bracket
        return "maximum nesting depth" in str(fault)
    return False


def second_document(text: str) -> int | None:
    """Where the second document of a text starts."""
    import yaml

    starts: list[int] = []
    try:
        for event in _events(text):
            if isinstance(event, yaml.DocumentStartEvent):
                starts.append(_index(event.start_mark))
                if len(starts) == 2:
                    return starts[1]
    except yaml.YAMLError:
        pass
    return None


def tags(text: str) -> list[tuple[int, int]]:
    """Every tag and directive, from character to character; most specs have none and are not looked into."""
    has_directive = text.startswith("%") or "\n%" in text or "\r%" in text
    if not has_directive and ("!" not in text or _TAG_MAY_BE.search(text) is None):
        return []
    import yaml

    found: list[tuple[int, int]] = []
    try:
        for event in _events(text):
            if isinstance(event, yaml.DocumentStartEvent) and (event.version or event.tags):
                # everything before the `---`
                found.append((_index(event.start_mark), _index(event.end_mark) - 3))
            elif getattr(event, "tag", None) is not None and (tag := _TAG.search(text, _index(event.start_mark))):
                found.append(tag.span())
    except yaml.YAMLError:
        return []
    return found


def repeated(root: Node) -> Iterator[tuple[Node, Node, Node]]:
    """(first key, repeated key, its value) for each key that stands twice in one mapping."""
    waiting, seen = [root], set[int]()
    while waiting:
        node = waiting.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        first: dict[str, Node] = {}
        for key, value in node.pairs or ():
            if key.scalar is not None and first.setdefault(key.scalar, key) is not key:
                yield first[key.scalar], key, value
            waiting += [key, value]
        waiting += node.items or ()


def _events(text: str) -> Iterator[Any]:
    import yaml

    events: Iterator[Any] = yaml.parse(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    return events


def _index(mark: Any) -> int:
    """The character that a mark points at."""
    return int(mark.index)
