"""XML of the protocols: written as text, read without entities."""

from __future__ import annotations

import re
from collections.abc import Iterable
from xml.etree import ElementTree as ET
from xml.sax.saxutils import escape

NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"
HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n'
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")  # what XML 1.0 cannot hold, not even escaped


def element(name: str, *content: object) -> str:
    """`<name>…</name>` around nested elements (from `element`) or plain values, which are escaped."""
    inner = "".join(
        str(piece) if isinstance(piece, _Element) else _FORBIDDEN.sub("?", escape(str(piece))) for piece in content
    )
    return _Element(f"<{name}>{inner}</{name}>")


def document(name: str, *content: str | Iterable[str], namespace: str = NAMESPACE) -> bytes:
    """A whole answer; errors have no namespace, as S3 writes them."""
    inner = "".join(piece if isinstance(piece, str) else "".join(piece) for piece in content)
    space = "" if name == "Error" or not namespace else f' xmlns="{namespace}"'
    return f"{HEAD}<{name}{space}>{inner}</{name}>".encode()


class _Element(str):
    """Text that is markup already."""

    __slots__ = ()


def entries(raw: bytes, root: str, name: str) -> list[dict[str, str]]:
    """The children `name` of `root`, each as tag → text. Raises ValueError for anything else."""
    children = _children(raw, root)
    return [{_local(field.tag): field.text or "" for field in child} for child in children if _local(child.tag) == name]


def leaves(raw: bytes, root: str) -> list[tuple[str, str]]:
    """Tag and text of every child of `root`, in their order. Raises ValueError for anything else."""
    return [(_local(child.tag), (child.text or "").strip()) for child in _children(raw, root)]


def _children(raw: bytes, root: str) -> ET.Element:
    if b"<!" in raw:
        raise ValueError("no document type, no entities")
    try:
        top = ET.fromstring(raw)  # noqa: S314 -- entities need a declaration, which was refused above
    except ET.ParseError as fault:
        raise ValueError(str(fault)) from fault
    if _local(top.tag) != root:
        raise ValueError(f"expected {root}")
    return top


def flag(raw: bytes, name: str) -> bool:
    """Whether a top-level element `name` says true."""
    return re.search(rf"<{name}>\s*true\s*</{name}>".encode(), raw) is not None


def _local(tag: str) -> str:
    return tag.rpartition("}")[2]
