"""The file of a spec as text: only regular files, only UTF-8, only up to a size."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass, field
from pathlib import Path

from fbplan.errors import Code, Diagnostic, Location

MAX_BYTES = 64 * 1024 * 1024
_FLAGS = os.O_RDONLY | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
# Opening a FIFO that nobody writes to would wait for ever.
_NO_WAIT = getattr(os, "O_NONBLOCK", 0)


@dataclass(frozen=True, slots=True)
class Source:
    """What was read, and the name under which problems of it are told."""

    path: Path
    label: str
    text: str = field(repr=False)


def label_of(path: Path) -> str:
    """The path as it can be printed anywhere; a file name need not be valid text."""
    readable = str(path).encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    return "".join(c if c.isprintable() else "\ufffd" for c in readable)


def read_source(path: Path) -> Source | Diagnostic:
    """The text of `path`, or why it cannot be had."""
    label = label_of(path)
    match _bytes_of(path):
        case bytes() as raw:
            pass
        case (code, why, fix):
            return Diagnostic(code, why, fix, location=Location(label, 1, 1))
    try:
        return Source(path, label, raw.decode("utf-8-sig"))
    except UnicodeDecodeError as fault:
        head = raw[: fault.start]
        line, column = head.count(b"\n") + 1, len(head[head.rfind(b"\n") + 1 :].decode("utf-8", "replace")) + 1
    return Diagnostic(
        Code.UNREADABLE,
        "the file is not UTF-8 text",
        "save it as UTF-8",
        location=Location(label, line, column),
    )


def _bytes_of(path: Path) -> bytes | tuple[Code, str, str]:
    too_large = (Code.TOO_LARGE, f"the file is larger than {MAX_BYTES // 2**20} MiB", "split the spec")
    try:
        handle = os.open(path, _FLAGS | _NO_WAIT)
        with open(handle, "rb") as file:  # noqa: PTH123  # the open file is checked, not a name that may change
            found = os.fstat(file.fileno())
            if stat.S_ISDIR(found.st_mode):
                return Code.UNREADABLE, "this is a folder", "name a file, or put an fbplan.yaml into the folder"
            if not stat.S_ISREG(found.st_mode):
                return Code.UNREADABLE, "this is not a regular file", "write the spec to a file and name that"
            if found.st_size > MAX_BYTES:
                return too_large
            raw = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        return (
            Code.UNREADABLE,
            "there is no such file",
            "run `fbplan init` to make one, or name the spec: fbplan plan PATH",
        )
    except IsADirectoryError:
        return Code.UNREADABLE, "this is a folder", "name a file, or put an fbplan.yaml into the folder"
    except OSError as fault:
        why = (fault.strerror or "unknown reason").lower()
        return Code.UNREADABLE, f"the file cannot be read: {why}", "check the path and its permissions"
    except ValueError:  # a NUL in the name
        return Code.UNREADABLE, "this cannot be the name of a file", "name the spec: fbplan plan PATH"
    return raw if len(raw) <= MAX_BYTES else too_large
