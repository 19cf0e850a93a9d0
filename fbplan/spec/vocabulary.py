"""The words of a spec, read off the models: which keys are known at a place, and which hold what must not be shown."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache
from typing import Any, get_args

from pydantic import BaseModel

from fbplan.secrets import SINKS, SOURCES, Sink, Source
from fbplan.spec.model import Spec

_SECRET_PARTS = re.compile(r"secret|pass|pwd|token|private|key|cred|auth|sas|pem|cert|signature")
_SECRET_WORDS = ("secret", "password", "passphrase", "token", "key", "credential", "private_key")
_WORD = re.compile(r"[\w.-]{1,63}")
_LONGEST = 64
"""Nobody mistypes a longer word, and comparing them is slow."""


@dataclass(slots=True)
class Words:
    """What may stand at one place: named fields, entries with any name, items of a list; `is_hidden` for secrets."""

    fields: dict[str, Words] = field(default_factory=dict)
    entries: Words | None = None
    items: Words | None = None
    is_hidden: bool = False

    def under(self, part: object) -> Words | None:
        """What may stand one step further in; None where nothing is known."""
        if isinstance(part, int) and self.items is not None:
            return self.items
        return self.entries if self.entries is not None else self.fields.get(str(part))

    def names(self, key: str, *, has_value: bool = True) -> bool:
        """Whether `key` may be shown: `{secret hunter2}` and `{secret: hunt,er2}` make a key of the secret."""
        if self.is_hidden or key in self.fields:
            return key in self.fields
        if self.entries is None and not has_value:
            return False
        return _WORD.fullmatch(key) is not None or (self.entries is not None and not looks_secret(key))

    def hides(self, key: str) -> bool:
        """Whether the value under `key` must not be shown: a secret, or under a word that may stand for one."""
        if self.is_hidden:
            return True
        known = self.under(key)
        if known is not None:
            return known.is_hidden
        plain = [word for word, inner in self.fields.items() if not inner.is_hidden]
        return looks_secret(key) or not self.names(key) or nearest(key, plain) is None


@cache
def words() -> Words:
    """The words of a whole spec."""
    return _of(Spec)


def words_at(path: Iterable[object]) -> Words:
    """What may stand at a place; nothing where the spec knows no such place."""
    here: Words | None = words()
    for part in path:
        here = here.under(part) if here is not None else None
    return here or Words()


def is_hidden_at(path: Iterable[object]) -> bool:
    """Whether a place is a secret or inside one."""
    here: Words | None = words()
    for part in path:
        here = here.under(part) if here is not None else None
        if here is None or here.is_hidden:
            return here is not None
    return False


@cache
def plain_words() -> frozenset[str]:
    """Every key of a spec, wherever it may stand, whose value may be shown."""
    found: set[str] = set()
    waiting = [words()]
    while waiting:
        here = waiting.pop()
        found |= {key for key, inner in here.fields.items() if not inner.is_hidden}
        waiting += [w for w in (*here.fields.values(), here.entries, here.items) if w is not None and not w.is_hidden]
    return frozenset(found)


@cache
def looks_secret(key: str) -> bool:
    """Whether a key that is not known reads like the name of a secret."""
    lowered = key.lower()[:_LONGEST]
    return _SECRET_PARTS.search(lowered) is not None or nearest(lowered, _SECRET_WORDS) is not None


def reads_secret(text: str) -> bool:
    """Whether a piece of text has a word for a secret in it."""
    return _SECRET_PARTS.search(text.lower()) is not None


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word that `word` is most likely a slip of; one end of a word is nearly always right."""
    if not 0 < len(word) <= _LONGEST:
        return None
    lowered = word.lower()
    ends = [k for k in known if k and (k[0].lower() == lowered[0] or k[-1].lower() == lowered[-1])]
    if not ends:
        return None
    from difflib import get_close_matches

    return next(iter(get_close_matches(lowered, ends, n=1, cutoff=0.66)), None)


def _of(annotation: Any) -> Words:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        if issubclass(annotation, Source):
            return _merged([_fields(form) for form in SOURCES], is_hidden=True)
        if issubclass(annotation, Sink):
            return _merged([_fields(form) for form in SINKS if not form.is_word])
        return _fields(annotation)
    origin, arguments = getattr(annotation, "__origin__", None), get_args(annotation)
    if origin is dict:
        return Words(entries=_of(arguments[1]))
    if origin in {list, tuple}:
        return Words(items=_of(arguments[0]))
    # Annotated[T, marks], a union, or a plain type
    return _merged([_of(argument) for argument in arguments if isinstance(argument, type) or get_args(argument)])


def _fields(model: type[BaseModel]) -> Words:
    return Words(fields={name: _of(declared.annotation) for name, declared in model.model_fields.items()})


def _merged(parts: list[Words], *, is_hidden: bool = False) -> Words:
    return Words(
        fields={name: inner for part in parts for name, inner in part.fields.items()},
        entries=next((part.entries for part in parts if part.entries is not None), None),
        items=next((part.items for part in parts if part.items is not None), None),
        is_hidden=is_hidden or any(part.is_hidden for part in parts),
    )
