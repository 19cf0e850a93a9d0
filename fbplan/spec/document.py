"""A YAML file as plain values, fast; and the place of each value, only when somebody asks.

ryaml parses (YAML 1.2, duplicate keys and alias bombs refused). PyYAML composes the same text a second time to learn
positions, and only for a text that ryaml did not refuse for its depth or repetition.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fbplan.errors import Code, Diagnostic, Location
from fbplan.spec.frame import frame, masked_lines

MAX_BYTES = 64 * 1024 * 1024
_AT = re.compile(r" at line (\d+) column (\d+)")
_DUPLICATE = re.compile(r'duplicate entry with key "(.*)"')
TreePath = tuple[str | int, ...]


@dataclass(slots=True)
class Document:
    """The text of a spec, its values, and where each of them stands."""

    path: Path
    text: str
    tree: Any
    label: str
    _root: Any = field(default=None, repr=False)

    def locate(self, path: TreePath, *, at_key: bool = False) -> Location:
        """The place of the value at `path` (or of its key); the nearest ancestor's when there is no such value."""
        node = place = self._compose()
        for part in path:
            step = _child(node, part)
            if step is None:
                break
            key_node, node = step
            place = key_node if at_key else node
        if place is None:
            return Location(self.label, 1, 1)
        return Location(self.label, place.start_mark.line + 1, place.start_mark.column + 1)

    def frame(self, location: Location) -> str:
        """The line and its neighbours, numbered, with a caret; no secret in it."""
        return frame(masked_lines(self.text, self._compose()), location)

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

    def _compose(self) -> Any:
        if self._root is None:
            import yaml  # noqa: PLC0415  # only an error needs positions

            try:
                self._root = yaml.compose(self.text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
            except (yaml.YAMLError, RecursionError):
                self._root = False
        return self._root or None


def read_document(path: Path, label: str) -> tuple[Document | None, list[Diagnostic]]:
    """Read and parse one file; every problem of form comes back as a diagnostic, never as an exception."""
    nowhere = Location(label, 1, 1)

    def unreadable(why: str, fix: str, code: Code = Code.UNREADABLE) -> tuple[None, list[Diagnostic]]:
        return None, [Diagnostic(code, why, fix, location=nowhere)]

    try:
        if path.stat().st_size > MAX_BYTES:
            return unreadable(f"the file is larger than {MAX_BYTES // 2**20} MiB", "split the spec", Code.TOO_LARGE)
        raw = path.read_bytes()
    except FileNotFoundError:
        return unreadable("there is no such file", "run `fbplan init` to make one, or name the spec: fbplan plan PATH")
    except IsADirectoryError:
        return unreadable("this is a folder", "name a file, or put an fbplan.yaml into the folder")
    except OSError as fault:
        return unreadable(f"the file cannot be read: {fault.strerror or fault}", "check its permissions")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as fault:
        return unreadable(f"not UTF-8 text: byte {fault.start} cannot be decoded", "save the file as UTF-8")
    return _parse(path, text, label)


def _parse(path: Path, text: str, label: str) -> tuple[Document | None, list[Diagnostic]]:
    import ryaml  # noqa: PLC0415  # validate and plan alone need it

    document = Document(path, text, None, label)
    try:
        document.tree = ryaml.loads(text)
    except ValueError as fault:
        return None, _syntax(document, str(fault))
    return document, []


def _syntax(document: Document, why: str) -> list[Diagnostic]:
    if "recursion limit" in why or "repetition limit" in why:
        return [
            Diagnostic(
                Code.TOO_LARGE,
                f"the YAML is nested or repeated too much ({_AT.sub('', why)})",
                "write it without that nesting or those aliases",
                location=_place(document, why),
            )
        ]
    if _DUPLICATE.search(why):
        return _duplicates(document)
    if "more than one document" in why:
        return [
            Diagnostic(
                Code.FORBIDDEN_YAML,
                "the file holds more than one YAML document",
                "keep one document a file",
                location=Location(document.label, 1, 1),
            )
        ]
    place = _place(document, why)
    told = "a mapping key that is not a plain scalar" if "unhashable" in why else _AT.sub("", why).split("\n")[0]
    told = re.sub(r"`[^`]*`|\"[^\"]*\"", "…", told) if "invalid type" in why else told
    return [
        Diagnostic(Code.SYNTAX, told, "correct the YAML at this place", location=place, frame=document.frame(place))
    ]


def _place(document: Document, why: str) -> Location:
    found = _AT.search(why)
    if found:
        return Location(document.label, int(found[1]), int(found[2]))
    offset = re.search(r"at position (\d+)", why)
    if offset is None:
        return Location(document.label, 1, 1)
    before = document.text[: int(offset[1])]
    return Location(document.label, before.count("\n") + 1, len(before) - before.rfind("\n"))


def _duplicates(document: Document) -> list[Diagnostic]:
    """Every duplicate key of the file; ryaml stops at the first."""
    found: list[Diagnostic] = []
    seen_nodes: set[int] = set()

    def walk(node: Any) -> None:
        if id(node) in seen_nodes:
            return
        seen_nodes.add(id(node))
        if isinstance(node.value, list) and node.id == "mapping":
            first: dict[str, int] = {}
            for key, value in node.value:
                name = str(key.value)
                if name in first:
                    place = Location(document.label, key.start_mark.line + 1, key.start_mark.column + 1)
                    found.append(
                        Diagnostic(
                            Code.DUPLICATE_KEY,
                            f"'{name}' stands twice in this mapping (first on line {first[name]})",
                            "keep one of them",
                            location=place,
                            frame=document.frame(place),
                        )
                    )
                first.setdefault(name, key.start_mark.line + 1)
                walk(value)
        elif isinstance(node.value, list):
            for item in node.value:
                walk(item)

    root = document._compose()  # noqa: SLF001  # same module
    if root is not None:
        walk(root)
    return found or [
        Diagnostic(
            Code.DUPLICATE_KEY,
            "a key stands twice in one mapping",
            "keep one of them",
            location=Location(document.label, 1, 1),
        )
    ]


def _child(node: Any, part: str | int) -> tuple[Any, Any] | None:
    """The key node and value node under `part`, or None."""
    if node is None or not isinstance(node.value, list):
        return None
    if node.id == "mapping":
        return next(((key, value) for key, value in node.value if str(key.value) == str(part)), None)
    if isinstance(part, int) and part < len(node.value):
        return node.value[part], node.value[part]
    return None
