"""Where the key of a repository comes from: what the user gives, the sink that the policy names, the environment."""

import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

from fbplan.runtime.faults import RoutingError
from fbplan.runtime.transport import Place

_ID, _SECRET = "FB_KEY_ID", "FB_KEY_SECRET"
_LINE = re.compile(
    rf"""^[ \t]*(?:export[ \t]+)?(?P<name>{_ID}|{_SECRET})[ \t]*=[ \t]*"""
    r"""(?:'(?P<single>[^']*)'|"(?P<double>(?:[^"\\]|\\.)*)"|(?P<plain>[^\r\n#]*))""",
    re.MULTILINE,
)
_LIMIT = 1024 * 1024


class Key:
    """A key id and its secret, which no repr shows."""

    __slots__ = ("key_id", "secret")

    def __init__(self, key_id: str, secret: str) -> None:
        self.key_id = key_id
        self.secret = secret

    def __repr__(self) -> str:
        return f"Key({self.key_id!r}, ***)"


Given = Callable[[Place], tuple[str, str]]
"""Key id and secret for a place; asked once, and again when the store refuses the key."""
_Mark = tuple[int, int, int]


class _Held(NamedTuple):
    """A key as it was read; `mark` is of the sink that it was read from, None when that is to be read again."""

    key: Key
    mark: _Mark | None
    is_of_sink: bool


class Credentials:
    """One key for each repository. May be asked from any thread, before every request.

    A sink is looked at every time and read when it was replaced, so a rotation is followed before the old key ends.
    A sink that is away for a moment, or half written, leaves the key that was read before.
    """

    def __init__(
        self,
        folder: Path,
        given: Given | None = None,
        *,
        fallback: Given | None = None,
        environ: Mapping[str, str] = os.environ,
    ) -> None:
        """`given` goes before everything else; `fallback` is asked when nothing else is there."""
        self._folder = folder
        self._given = given
        self._fallback = fallback
        self._environ = environ
        self._held: dict[str, _Held] = {}
        self._paths: dict[str, Path] = {}

    def of(self, place: Place) -> Key:
        """The key to use now. Raises RoutingError when there is none."""
        held = self._held.get(place.repository)
        path = self._sink(place)
        if path is None:
            return held.key if held is not None else self._keep(place, self._found(place), None)
        mark = _mark(path)
        if mark is not None and (held is None or held.mark != mark):
            key = _key_in(path)
            if key is not None:
                return self._keep(place, key, mark)
        return held.key if held is not None else self._keep(place, self._found(place), None)

    def reload(self) -> None:
        """Read again whatever is asked for next, but keep what is held if there is nothing else."""
        for repository, held in list(self._held.items()):
            self._held[repository] = held._replace(mark=None)
            if not held.is_of_sink:
                self._held.pop(repository, None)

    def _sink(self, place: Place) -> Path | None:
        if self._given is not None or place.sink is None or not place.sink.startswith("file:"):
            return None
        found = self._paths.get(place.sink)
        if found is None:
            found = self._folder / Path(place.sink.removeprefix("file:")).expanduser()
            self._paths[place.sink] = found
        return found

    def _keep(self, place: Place, key: Key, mark: _Mark | None) -> Key:
        self._held[place.repository] = _Held(key, mark, mark is not None)
        return key

    def _found(self, place: Place) -> Key:
        if self._given is not None:
            return Key(*self._given(place))
        key_id, secret = self._environ.get(_ID), self._environ.get(_SECRET)
        if key_id and secret:
            return Key(key_id, secret)
        if self._fallback is not None:
            return Key(*self._fallback(place))
        path = self._sink(place)
        sink = f"'{path}', which the policy names, holds no complete key" if path else "the policy names no file for it"
        raise RoutingError(
            f"no key for repository '{place.repository}': {sink}, and {_ID} and {_SECRET} are not set: "
            "set both, or give the transport credentials=..."
        )


def _mark(path: Path) -> _Mark | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size


def _key_in(path: Path) -> Key | None:
    """The key in a dotenv file as fbplan writes it; the last line of a name counts, as in a shell."""
    try:
        with path.open("rb") as file:
            text = file.read(_LIMIT).decode("utf-8", "replace")
    except OSError:
        return None
    values = {found["name"]: _value(found) for found in _LINE.finditer(text)}
    return Key(values[_ID], values[_SECRET]) if values.get(_ID) and values.get(_SECRET) else None


def _value(found: re.Match[str]) -> str:
    if found["single"] is not None:
        return found["single"]
    if found["double"] is not None:
        # a private key has lines, which an env file writes so
        return re.sub(r"\\(.)", lambda escaped: "\n" if escaped[1] == "n" else escaped[1], found["double"])
    return str(found["plain"]).strip()
