"""stdout and stderr as this program meets them: whoever reads may go away, and that is no reason to stop or to lie.

An apply goes on to its end and its exit code stays that of the work, as `fbplan apply | head -1` expects. A full disk
under stdout is told: what was asked for is not there.
"""

from __future__ import annotations

import io
import os
import select
import sys
from typing import TYPE_CHECKING

from typing_extensions import override

if TYPE_CHECKING:
    from typing_extensions import Buffer

STDOUT, STDERR = 1, 2


class _Listened(io.FileIO):
    """A stream whose reader may go away; a `deaf` one takes whatever comes."""

    def __init__(self, number: int, *, is_deaf: bool) -> None:
        super().__init__(number, "w", closefd=False)
        self._is_deaf = is_deaf

    @override
    def write(self, content: Buffer, /) -> int:
        rest = memoryview(content).cast("B")
        length = len(rest)
        try:
            while len(rest):  # a pipe may take a part of it, or, where another program made it so, nothing yet
                taken = super().write(rest)
                if taken is None:
                    select.select([], [self.fileno()], [])
                rest = rest[taken or 0 :]
        except BrokenPipeError:
            silence(self.fileno())
        except OSError:
            if not self._is_deaf:
                raise
        return length


def open_streams() -> None:
    """Put streams of this kind in the place of the two that Python opened."""
    for number, name in ((STDOUT, "stdout"), (STDERR, "stderr")):
        before = getattr(sys, name)
        if before is None:  # it was closed when we came; a file that is opened later must not get its number
            os.dup2(os.open(os.devnull, os.O_WRONLY), number)
        raw = _Listened(number, is_deaf=number == STDERR)
        setattr(
            sys,
            name,
            io.TextIOWrapper(
                # a signal tells on stderr whatever is being written there: a buffer would not let it in
                raw if number == STDERR else io.BufferedWriter(raw),
                encoding=before.encoding if before is not None else "utf-8",
                errors="backslashreplace",  # names are other people's: one that is no text must not hide the rest
                line_buffering=before is not None and before.line_buffering,
                write_through=number == STDERR,
            ),
        )


def silence(number: int) -> None:
    """From here on nothing of this stream is kept: what is still in its buffer must not fail a second time."""
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, number)
    os.close(nothing)
