"""One spec applied to copies of a folder, killed at one point after the other."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from kill_rig import KillRig
from seams import Crash, Seams


@contextmanager
def opened(
    folder: Path, now: int, text: str, seams: Seams | None = None, *, loses: bool = False, **switches: object
) -> Iterator[KillRig]:
    """A rig whose waits move the emulator's clock."""
    rig = KillRig(folder, seams or Seams(), loses=loses, **switches)
    rig.wall = lambda: now
    rig.sleeps = rig.app.store.move_clock
    rig.spec(text)
    try:
        yield rig
    finally:
        rig.close()


def killed_everywhere(
    base: Path,
    now: int,
    text: str,
    *allow: str,
    loses: bool = False,
    then: Callable[[Path, Seams, bytes], None],
    **switches: object,
) -> int:
    """Apply a spec to copies of a folder and kill that at one point after the other; `then` looks at what is left and
    is given the policy as it stood before. Returns at how many points."""
    at = 0
    policy = base / "routing-policy.json"
    before = policy.read_bytes() if policy.exists() else b""
    while True:
        at += 1
        copy = shutil.copytree(base, base.with_name(f"killed-{at}"))
        seams = Seams(at, _die)
        with opened(copy, now, text, seams, loses=loses, **switches) as rig:
            try:
                rig.run(*allow)
            except Crash:
                pass
            else:
                return at - 1
        then(copy, seams, before)
        shutil.rmtree(copy)


def _die(_: str) -> None:
    raise Crash
