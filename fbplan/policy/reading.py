"""Bytes in, a trustworthy policy document out; or what is wrong with them, in words, for any bytes at all."""

from __future__ import annotations

import json
import os
import stat
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from pydantic import ValidationError

from fbplan.kinds.base import Json
from fbplan.policy.canonical import NotCanonical, digest_of
from fbplan.policy.document import content_digest
from fbplan.policy.format import FORMAT, READER, PolicyDocument

LIMIT = 256 * 1024 * 1024
"""Bytes; a policy of 10,000 buckets has about 4 MB."""


class NotAPolicy(ValueError):
    """The bytes are no policy document at all; the text says why."""


def read_bytes(path: Path) -> bytes:
    """The content of a regular file. Raises OSError or NotAPolicy; a fifo or device is refused, not opened."""
    mode = path.stat().st_mode
    if not stat.S_ISREG(mode):
        raise NotAPolicy("a directory stands there" if stat.S_ISDIR(mode) else "it is not a regular file")
    # a fifo put there since would block for ever
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
        raw = file.read(LIMIT + 1)
    if len(raw) > LIMIT:
        raise NotAPolicy(f"it is larger than {LIMIT // 1024 // 1024} MiB")
    return raw


def parse(raw: bytes) -> dict[str, Json]:
    """The JSON object in `raw`. Raises NotAPolicy."""
    try:
        document = json.loads(
            raw.decode(), object_pairs_hook=_unique, parse_float=_refused_number, parse_constant=_refused_number
        )
    except UnicodeDecodeError:
        raise NotAPolicy("it is not UTF-8 text") from None
    except json.JSONDecodeError as error:
        torn = error.pos >= len(error.doc.rstrip())
        shape = "it is empty or ends too early" if torn else f"it is not JSON (line {error.lineno}: {error.msg})"
        raise NotAPolicy(shape) from None
    except RecursionError:
        raise NotAPolicy("it is nested too deeply") from None
    except NotAPolicy:
        raise
    except ValueError:  # an integer of thousands of digits
        raise NotAPolicy("it holds a number beyond 2^53-1") from None
    if not isinstance(document, dict):
        raise NotAPolicy("it is JSON, but no object")
    return document


def _unique(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    found = dict(pairs)
    if len(found) != len(pairs):
        # readers in other languages would not agree on which of the two holds
        [(twice, _)] = Counter(key for key, _ in pairs).most_common(1)
        raise NotAPolicy(f"the key {json.dumps(twice[:80])} stands twice in one object")
    return found


def _refused_number(written: str) -> NoReturn:
    raise NotAPolicy(f"it holds {written[:40]}; a policy holds integers only")


@dataclass(frozen=True, slots=True)
class Examined:
    """What a parsed document is worth: the model of it, if it has the shape of one, and what speaks against it."""

    policy: PolicyDocument | None
    problems: tuple[str, ...]


def examine(document: dict[str, Json]) -> Examined:
    """Whether the document may be used: format, reader, digests and shape; the gravest problem is first."""
    if document.get("format") != FORMAT:
        return Examined(None, (f"its format is not {FORMAT}",))
    newer = document.get("min_reader")
    if isinstance(newer, int) and newer > READER:
        return Examined(None, (f"it needs a newer reader: min_reader is {newer}, this fbplan reads {READER}",))
    try:
        stated = digest_of({key: part for key, part in document.items() if key != "digest"})
    except NotCanonical as error:
        return Examined(None, (f"it holds {error}",))
    problems = []
    if document.get("digest") != stated:
        problems.append("its digest does not match: it was altered by hand or damaged")
    try:
        policy = PolicyDocument.model_validate(document)
    except ValidationError as error:
        return Examined(None, (*problems, *_violations(error)))
    if policy.content_digest != content_digest(document):
        problems.append("its content_digest does not match its content")
    return Examined(policy, tuple(problems))


def _violations(error: ValidationError) -> Iterator[str]:
    for found in error.errors(include_url=False, include_context=False, include_input=False):
        place = ".".join(str(part) for part in found["loc"] if part != "[key]")
        yield f"{printable(place)}: {found['msg'][:1].lower()}{found['msg'][1:]}"


def printable(text: str) -> str:
    """The text on one line, with everything that could steer a terminal written out."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
