"""Any text as a literal of another language, so that no name can break out of it. Each renderer uses only its own."""

from __future__ import annotations

import json
import re
import shlex

from fbplan.errors import FbplanError

_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9 .:/_+=,@-]*")
_NOT_A_WORD = re.compile(r"[^A-Za-z0-9]")


def shell(value: str) -> str:
    """A word of the shell, which dotenv readers take as well."""
    if "\0" in value:
        raise FbplanError("the policy cannot be rendered as env", why="a value holds a NUL", next="correct the spec")
    return shlex.quote(value)


def typescript(value: str) -> str:
    """A string literal in ASCII: nothing that ends a line in JavaScript stands in it."""
    return json.dumps(value)


def typescript_key(value: str) -> str:
    """A key of an object literal; `"__proto__": x` would set the prototype instead of a key."""
    return f"[{typescript(value)}]" if value == "__proto__" else typescript(value)


def python(value: str) -> str:
    """A string literal in ASCII, with the quotes that formatters want."""
    quote, backslash = '"', "\\"
    return quote + "".join(_python_character(c, quote + backslash) for c in value) + quote


def _python_character(character: str, escaped: str) -> str:
    if character in escaped:
        return f"\\{character}"
    return character if character.isascii() and character.isprintable() else ascii(character)[1:-1]


def comment(value: str) -> str:
    """Text behind a `#` or `//`, on that one line; what steers a terminal or the direction of text is written out."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in value)


def markdown(value: str) -> str:
    """A code span that also holds in the cell of a table."""
    if _PLAIN.fullmatch(value):
        return f"`{value}`"
    # entities, because inside a code span in a table backslashes and pipes mean different things to different readers
    return "<code>" + "".join(c if c.isascii() and c.isalnum() else f"&#{ord(c)};" for c in comment(value)) + "</code>"


def constant(value: str) -> str:
    """The name of a constant or an environment variable made of a name: `app-data` → `APP_DATA`."""
    name = _NOT_A_WORD.sub("_", value).upper()
    return f"_{name}" if not name or name[0].isdigit() else name
