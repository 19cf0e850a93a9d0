"""YAML text as plain values: what is not YAML 1.2, or not for a spec, is told with its place.

ryaml decides. A text that it refused is looked at again only event by event, never by a parser that recurses.
"""

from __future__ import annotations

import re
from typing import Any

from fbplan.errors import Code, Diagnostic, Location
from fbplan.spec.document import Document, Places
from fbplan.spec.mask import scalars
from fbplan.spec.nodes import Node, compose, nests_too_deep, repeated, second_document, tags
from fbplan.spec.slips import slip_behind
from fbplan.spec.source import Source
from fbplan.spec.wording import quoted

_AT = re.compile(r" at line (\d+) column (\d+)")
_POSITION = re.compile(r" at position (\d+)")
_NOT_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
_FIXES = (
    ("cannot start any token", "put a text that starts with @, ` or % in quotes"),
    ("mapping values are not allowed", "indent it like its neighbours, or put a text that holds `: ` in quotes"),
    ("expected ':'", "write `key: value`, or put the text in quotes"),
    ("unexpected end of stream", "close the quote that was opened"),
    ("flow sequence", "close the list with ]"),
    ("flow mapping", "close the mapping with }"),
    ("block mapping", "indent it like its neighbours"),
    ("unknown anchor", "define it with & before it is used, or write the value out"),
    ("escape", "write a valid escape, or use single quotes"),
    ("control characters", "take the character out"),
)


def parse(source: Source) -> tuple[Document | None, list[Diagnostic]]:
    """The document, and what a spec may not use in it; no document when it cannot be read on."""
    text, places, found = source.text, Places(source.text), list[Diagnostic]()
    if _may_nest_too_deep(text) and nests_too_deep(text):
        return None, [_too_large(source, "nested too deep", None)]
    spans = tags(text)
    if spans:
        found += [_forbidden(source, places, start) for start, _ in spans]
        text = _blanked(text, spans)
    tree, why = _loaded(text)
    if why is not None and "duplicate entry" in why and (root := compose(text)) is not None:
        duplicates = list(repeated(root))
        hidden = {id(node) for node, is_hidden in scalars(root) if is_hidden}
        found += [_duplicate(source, places, first, key, id(key) not in hidden) for first, key, _ in duplicates]
        text = _blanked(text, [(key.start, max(value.end, key.end)) for _, key, value in duplicates])
        tree, why = _loaded(text)
        if why is not None and duplicates:
            return None, found
    if why is not None:
        return None, [*found, _fault(source, places, text, why)]
    return Document(source.path, source.label, tree, Places(source.text, text) if found else places), found


def _loaded(text: str) -> tuple[Any, str | None]:
    import ryaml

    try:
        return ryaml.loads(text), None  # type: ignore[attr-defined]  # it is exported, without saying so
    except ValueError as fault:
        return None, str(fault)


def _may_nest_too_deep(text: str) -> bool:
    """A cheap test that is right to say no: ryaml takes quadratic time over what nests deep before it refuses it."""
    brackets = text.encode().translate(None, _NOT_BRACKETS)
    for _ in range(16):
        if len(brackets) <= 100:
            break
        brackets = brackets.replace(b"[]", b"").replace(b"{}", b"")
    return len(brackets) > 100


def _blanked(text: str, spans: list[tuple[int, int]]) -> str:
    """The text with these characters as spaces, so that everything else keeps its place."""
    pieces, position = [], 0
    for start, end in sorted(spans):
        if end > position:
            begin = max(start, position)
            pieces += [text[position:begin], re.sub(r"[^\r\n]", " ", text[begin:end])]
            position = end
    return "".join(pieces) + text[position:]


def _duplicate(source: Source, places: Places, first: Node, key: Node, is_plain: bool) -> Diagnostic:
    lines = places.lines()
    place = Location(source.label, *lines.place(key.start))
    return Diagnostic(
        Code.DUPLICATE_KEY,
        f"{quoted(key.scalar) if is_plain else 'a key'} stands twice in this mapping "
        f"(first on line {lines.place(first.start)[0]})",
        "keep one of them",
        location=place,
        frame=places.frame(place),
    )


def _forbidden(source: Source, places: Places, start: int) -> Diagnostic:
    place = Location(source.label, *places.lines().place(start))
    is_directive = source.text.startswith("%", start)
    return Diagnostic(
        Code.FORBIDDEN_YAML,
        "a spec has no YAML directives" if is_directive else "a spec has no YAML tags",
        "take the line out" if is_directive else "take the tag out; put a value in quotes to make it a text",
        location=place,
        frame=places.frame(place),
    )


def _fault(source: Source, places: Places, text: str, why: str) -> Diagnostic:
    if "recursion limit" in why:
        return _too_large(source, "nested too deep", _place(source, why))
    if "repetition limit" in why:
        return _too_large(source, "repeated too often by aliases", _place(source, why))
    if "more than one document" in why:
        place = Location(source.label, *places.lines().place(second_document(text) or 0))
        return Diagnostic(
            Code.FORBIDDEN_YAML,
            "a second YAML document starts here",
            "keep one document in a file",
            location=place,
            frame=places.frame(place),
        )
    place = _place(source, why)
    if "invalid type: integer" in why or "invalid value: integer" in why:
        code, told, fix = Code.BAD_VALUE, "a number that is too large", "write a smaller number, or put it in quotes"
    elif "unhashable" in why:
        code, told, fix = Code.SYNTAX, "a key that is a list or a mapping", "use a plain text as the key"
        index = _complex_key(text)
        place = place if index is None else Location(source.label, *places.lines().place(index))
    elif (slip := slip_behind(why, text, places.lines(), place.line)) is not None:
        code, told, fix, place = Code.SYNTAX, slip.told, slip.fix, Location(source.label, slip.line, slip.column)
    else:
        code, told = Code.SYNTAX, _told(why)
        fix = next((fix for part, fix in _FIXES if part in told), "correct the YAML at this place")
    return Diagnostic(code, told, fix, location=place, frame=places.frame(place))


def _told(why: str) -> str:
    """The parser's own words. They quote nothing but YAML's punctuation; a path of keys before them is dropped."""
    plain = _POSITION.sub("", _AT.sub("", why)).split("\n")[0]
    return plain.rsplit(": ", 1)[-1] if re.match(r"[\w ,.':`\[\]{}()%&*<>?|#/-]*$", plain) else "not valid YAML"


def _complex_key(text: str) -> int | None:
    """Where the first key stands that is no scalar."""
    root = compose(text)
    waiting = [root] if root is not None else []
    seen: set[int] = set()
    while waiting:
        node = waiting.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        for key, value in reversed(node.pairs or ()):
            if key.scalar is None:
                return key.start
            waiting.append(value)
        waiting += reversed(node.items or ())
    return None


def _too_large(source: Source, why: str, place: Location | None) -> Diagnostic:
    return Diagnostic(
        Code.TOO_LARGE,
        f"the YAML is {why}",
        "write it without that nesting or those aliases",
        location=place or Location(source.label, 1, 1),
    )


def _place(source: Source, why: str) -> Location:
    lines = Places(source.text).lines()
    places = list(_AT.finditer(why))
    if places:
        # What was never closed is put right where it was opened.
        found = places[-1] if "simple key" in why or "quoted scalar" in why else places[0]
        line = min(int(found[1]), len(lines))
        start, end = lines.span(line)
        return Location(source.label, line, min(int(found[2]), end - start + 1))
    offset = _POSITION.search(why)
    if offset is None:
        return Location(source.label, 1, 1)
    # counted in bytes
    before = source.text.encode()[: int(offset[1])].decode("utf-8", "ignore")
    return Location(source.label, *lines.place(len(before)))
