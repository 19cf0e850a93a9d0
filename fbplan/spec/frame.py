"""Code frames: the lines around a problem, with every scalar that may be a secret masked.

Where the text composes, scalars are masked by their place in the tree. Where it does not, lines are masked by their
shape and indentation, and a line that cannot be understood is not shown.
"""

from __future__ import annotations

import re
from typing import Any

from fbplan.errors import Location

_SECRETIVE = re.compile(r"(?i)secret|passw|token|private|credential_|^key$|[_-]key$")
_REFERENCES = frozenset({"env", "file", "exec", "timeout", "format", "vault", "sops"})
_SECRET_INLINE = re.compile(
    r"""(?i)((?:secret|passw\w*|token|private\w*|key)["']?\s*:)\s*(?![\s{]*(?:env|file|exec)\b)\S.*"""
)
_KEY_LINE = re.compile(r"""^(\s*)(?:-\s+)?["']?([\w.@-]+)["']?\s*:(?:\s|$)""")
_WIDTH = 140


def masked_lines(text: str, root: Any) -> list[str]:
    """The lines of `text` without secrets; `root` is its composed node tree, or None if it does not compose."""
    if root is None:
        return _masked_by_shape(text.split("\n"))
    spans: list[tuple[int, int]] = []
    _collect(root, under_secret=False, spans=spans, seen=set())
    out, last = [], 0
    for start, end in sorted(spans):
        if start >= last:
            out += [text[last:start], "***", "\n" * text.count("\n", start, end)]
            last = end
    shown = ("".join(out) + text[last:]).split("\n")
    return [_SECRET_INLINE.sub(r"\1 ***", line) if line.lstrip().startswith("#") else line for line in shown]


def _collect(node: Any, *, under_secret: bool, spans: list[tuple[int, int]], seen: set[int]) -> None:
    if node.id == "scalar":
        if under_secret:
            spans.append((node.start_mark.index, node.end_mark.index))
        return
    if id(node) in seen:
        return
    seen.add(id(node))
    if node.id == "sequence":
        for item in node.value:
            _collect(item, under_secret=under_secret, spans=spans, seen=seen)
        return
    for key, value in node.value:
        name = str(key.value)
        hidden = bool(_SECRETIVE.search(name)) or (under_secret and name not in _REFERENCES)
        _collect(value, under_secret=hidden and not (name == "key" and value.id == "mapping"), spans=spans, seen=seen)


def _masked_by_shape(lines: list[str]) -> list[str]:
    out: list[str] = []
    parents: list[tuple[int, bool]] = []  # (indent, is secretive)
    for line in lines:
        indent = len(line) - len(line.lstrip())
        if line.strip():
            while parents and parents[-1][0] >= indent:
                parents.pop()
        found = _KEY_LINE.match(line)
        inside_secret = any(secretive for _, secretive in parents)
        if not line.strip() or line.lstrip().startswith("#"):
            out.append(_SECRET_INLINE.sub(r"\1 ***", line))
        elif found is None or (inside_secret and found[2] not in _REFERENCES):
            out.append(" " * indent + "***")
        else:
            out.append(_SECRET_INLINE.sub(r"\1 ***", line))
        if found is not None:
            parents.append((indent, bool(_SECRETIVE.search(found[2]))))
    return out


def frame(lines: list[str], location: Location) -> str:
    """The line before, the line itself with a caret, and the line after."""
    out = []
    for number in range(max(1, location.line - 1), min(len(lines), location.line + 1) + 1):
        text = lines[number - 1].rstrip("\r").replace("\t", " ")
        shown = "".join(c if c.isprintable() else "\ufffd" for c in text[:_WIDTH])
        out.append(f"{'>' if number == location.line else ' '} {number:>5} | {shown}")
        if number == location.line:
            out.append(f"        | {' ' * min(location.column - 1, len(shown))}^")
    return "\n".join(out)
