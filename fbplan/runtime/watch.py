"""A thread that looks again and again, so that no caller has to wait for a network."""

from __future__ import annotations

import atexit
import os
import threading
import weakref
from typing import Protocol

PATIENCE_S = 1.0
"""How long an end waits for a look that is under way."""


class Looker(Protocol):
    """Whose files are looked at."""

    def look(self) -> None: ...

    def begin_anew(self) -> None:
        """Be the child of a fork: the threads of the other process are not here, and what they held is never let go."""


class Watch:
    """At most one thread in each process. It ends with `close`, with the interpreter, or when nobody has its looker."""

    def __init__(self, looker: Looker, every_s: float) -> None:
        self.looker = weakref.ref(looker)
        self.is_closed = False
        self._every_s = every_s
        self.begin_anew()
        _WATCHES.add(self)

    @property
    def is_running(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    def begin_anew(self) -> None:
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin to look, the first time after a pause. The caller sees to it that nobody else does the same."""
        if self.is_closed or self.is_running:
            return
        arguments = (self.looker, self._stop, self._every_s)
        self._thread = threading.Thread(target=_looking, args=arguments, name="fbplan-watch", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End for good."""
        self.is_closed = True
        self._stop.set()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(PATIENCE_S)


def _looking(looker: weakref.ref[Looker], stop: threading.Event, every_s: float) -> None:
    while not stop.wait(every_s):
        found = looker()
        if found is None:
            return
        found.look()
        del found  # else it could not end while this thread waits


# Of the process, not of a router: a fork and the end of the interpreter are told to nobody in particular.
_WATCHES: weakref.WeakSet[Watch] = weakref.WeakSet()


def _forked() -> None:
    for watch in list(_WATCHES):
        watch.begin_anew()
        looker = watch.looker()
        if looker is not None:
            looker.begin_anew()


def _ended() -> None:
    for watch in list(_WATCHES):
        watch.close()


os.register_at_fork(after_in_child=_forked)
atexit.register(_ended)
