"""Work in a child process that shares the warm memory of its parent; the parent holds no threads."""

from __future__ import annotations

import json
import os
import signal
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Ended:
    """How a child ended: killed, or with a result, or with a traceback."""

    is_killed: bool
    result: Any = None
    trouble: str = ""


def forked(work: Callable[[Callable[[Any], None]], Any]) -> Ended:
    """Run `work` in a child. It is given a way to tell something at once, before it may be killed."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        _live(work, writing)
    os.close(writing)
    with os.fdopen(reading, "rb") as told:
        lines = told.read().splitlines()
    _, status = os.waitpid(child, 0)
    last = json.loads(lines[-1]) if lines else {}
    is_killed = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
    return Ended(is_killed, last.get("result"), last.get("trouble", "" if is_killed or lines else f"status {status}"))


def _live(work: Callable[[Callable[[Any], None]], Any], writing: int) -> None:
    def tell(result: Any) -> None:
        os.write(writing, json.dumps({"result": result}).encode() + b"\n")

    try:
        tell(work(tell))
    except BaseException:  # noqa: BLE001 -- whatever it is, the parent has to hear of it
        os.write(writing, json.dumps({"trouble": traceback.format_exc()}).encode() + b"\n")
    finally:
        os._exit(0)


def die() -> None:
    """End this process as a crash does: nothing is unwound, nothing is flushed."""
    os.kill(os.getpid(), signal.SIGKILL)
