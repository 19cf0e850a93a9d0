"""The lines of a spec without what may be a secret.

Where the text composes, every scalar has a place in the tree, and is shown only under a key that is known and plain.
Where it does not, lines are judged by their shape, and one that cannot be understood is not shown. Comments never are.
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass

from fbplan.secrets import MASK
from fbplan.spec.nodes import Lines, Node
from fbplan.spec.slips import abutted_end
from fbplan.spec.vocabulary import Words, looks_secret, plain_words, reads_secret, words

_PASTED = re.compile(r"-----BEGIN|//[^/\s@]*@|[?&](?:sig|X-Amz-Signature)=")
_ANCHOR = re.compile(r"(?:^|\s)&\S")
_COMMENT = re.compile(r"(?:^|(?<=\s))#")
_ELLIPSIS = "# …"
_KEY = re.compile(r"""(["']?)([^\s"'{}\[\],:#]++)\1\s*+:(?=[\s"'{\[]|$)""")
_PUNCTUATION = re.compile(r"[\s{}\[\],|>&*?+\d-]*")
_LEADING = re.compile(r"[\s{\[?-]*")
_OPENING = re.compile(r"""["'{\[]""")
_LONGEST = 2000


@dataclass(frozen=True, slots=True)
class Edit:
    """Characters of one line, counted from 0, and what is shown for them."""

    start: int
    end: int
    shown: str


def is_pasted_secret(text: str) -> bool:
    """Whether a value gives itself away: a private key, or a URL with a password in it."""
    return _PASTED.search(text) is not None


def edits_by_place(text: str, lines: Lines, root: Node) -> dict[int, list[Edit]]:
    """What to hide on each line (from 1) of a text that composes."""
    edits: dict[int, list[Edit]] = defaultdict(list)
    covered: list[tuple[int, int]] = []
    for node, is_hidden in scalars(root):
        covered.append((node.start, node.end))
        if not is_hidden and _PASTED.search(text, node.start, node.end) is None:
            continue
        (first, column), (last, end_column) = lines.place(node.start), lines.place(node.end)
        for line in range(first, last + 1):
            start, end = lines.span(line)
            begin = column - 1 if line == first else 0
            stop = end_column - 1 if line == last else end - start
            if stop > begin:
                edits[line].append(Edit(begin, stop, MASK if line == first else ""))
    for start in _comments(text, sorted(covered)):
        line, column = lines.place(start)
        edits[line].append(Edit(column - 1, lines.span(line)[1] - lines.span(line)[0], _ELLIPSIS))
    return {line: sorted(found, key=lambda edit: edit.start) for line, found in edits.items()}


def _comments(text: str, covered: list[tuple[int, int]]) -> list[int]:
    """Where a comment starts: at a `#` after a space that stands in no scalar."""
    out, index = [], 0
    at = text.find("#")
    while at >= 0:
        while index < len(covered) and covered[index][1] <= at:
            index += 1
        in_scalar = index < len(covered) and covered[index][0] <= at
        if not in_scalar and (at == 0 or text[at - 1].isspace()):
            out.append(at)
        at = text.find("#", covered[index][1] if in_scalar else at + 1)
    return out


def scalars(root: Node) -> list[tuple[Node, bool]]:
    """Every scalar, and whether it must be hidden."""
    out: list[tuple[Node, bool]] = []
    waiting: list[tuple[Node, Words, bool]] = [(root, words(), root.scalar is not None)]
    seen: set[tuple[int, bool]] = set()
    while waiting:
        node, known, hidden = waiting.pop()
        if node.scalar is not None:
            out.append((node, hidden))
            continue
        if (id(node), hidden) in seen:
            continue
        seen.add((id(node), hidden))
        # a list where names belong is read like the entries that were meant
        inner, is_odd = known.items or known.entries or Words(), known.items is None and known.entries is None
        waiting += [(item, inner, hidden or is_odd) for item in node.items or ()]
        for key, value in node.pairs or ():
            name = key.scalar
            if name is None:
                waiting += [(key, Words(), True), (value, Words(), True)]
                continue
            # A key inside a secret is shown only if it is a word of a source: {hunter2: x} is a slip, too.
            is_shown = name in known.fields if hidden else known.names(name, has_value=value.end > value.start)
            out.append((key, not is_shown))
            waiting.append((value, known.under(name) or Words(), hidden or known.hides(name)))
    return out


def edits_by_shape(text: str, lines: Lines) -> dict[int, list[Edit]]:
    """What to hide on each line of a text that is not YAML."""
    edits: dict[int, list[Edit]] = {}
    parents: list[tuple[int, bool]] = []  # (column of a key, whether what is under it is hidden)
    is_open = False  # a hidden value may go on: quotes or brackets were opened in it
    for number in range(1, len(lines) + 1):
        start, end = lines.span(number)
        line = text[start : min(end, start + _LONGEST + 1)]
        body = line.lstrip(" -?")
        column = len(line) - len(body)
        if not body.strip():
            continue
        while parents and parents[-1][0] >= column:
            parents.pop()
        if is_open or len(line) > _LONGEST or any(hidden for _, hidden in parents):
            edits[number] = [Edit(len(line) - len(line.lstrip()), end - start, MASK)]
            continue
        cut, hides_first, is_open = _cut_of(body)
        parents.append((column, hides_first))
        if cut is not None:
            edits[number] = [Edit(column + cut.start, end - start, cut.shown)]
    return edits


def _cut_of(body: str) -> tuple[Edit | None, bool, bool]:
    """(from where on a line is hidden, whether its first key hides what is below, whether the value stays open)."""
    comment = _COMMENT.search(body)
    code = body[: comment.start()] if comment else body
    after_comment = Edit(comment.start(), len(body), _ELLIPSIS) if comment else None
    keys = list(_KEY.finditer(code))
    if not keys:
        if _PUNCTUATION.fullmatch(code):
            return after_comment, False, False
        return Edit(abutted_end(code) or 0, len(body), MASK), False, False
    if not _LEADING.fullmatch(code[: keys[0].start()]):
        return Edit(0, len(body), MASK), False, bool(_OPENING.search(code))
    # An anchor may name what is used as a secret elsewhere.
    is_suspect = is_pasted_secret(code) or _ANCHOR.search(code) is not None
    for index, key in enumerate(keys):
        stop = keys[index + 1].start() if index + 1 < len(keys) else len(code)
        segment, name = code[key.end() : stop], key[2]
        is_plain = name in plain_words()
        secret = not is_plain and looks_secret(name)
        if index == 0 and not is_plain and not secret and not _PUNCTUATION.fullmatch(segment):
            return Edit(0, len(body), MASK), True, bool(_OPENING.search(segment))
        if secret or is_suspect or reads_secret(segment) or not (is_plain or _PUNCTUATION.fullmatch(segment)):
            rest = code[key.end() :]
            is_block = rest.strip()[:1] in {"|", ">"}
            return (
                Edit(key.end(), len(body), f" {MASK}"),
                index == 0 and (secret or is_block or bool(rest.strip())),
                bool(_OPENING.search(rest)),
            )
    # a section that stands for many names is not hidden as a whole
    return after_comment, False, False
