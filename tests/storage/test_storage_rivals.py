"""Two real processes want the same ledger: in a folder, and on a real S3 server."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from storage_places import S3, opened

from fbplan.storage import Storage

APPLY = """
import os, sys
from pathlib import Path
from fbplan.storage import Holder, open_storage
from fbplan.errors import LockHeld
def tell(*words):
    print(*words, flush=True)
place = open_storage(sys.argv[1], Path())
try:
    lease = place.lease(Holder(sys.argv[2], sys.argv[2], "here", os.getpid(), "now"), float(sys.argv[3]), lambda t: tell("told", t))
except LockHeld as fault:
    tell("exit", int(fault.exit_code), fault.why)
    sys.exit(6)
tell("held")
for line in sys.stdin:
    if line.strip() == "release":
        lease.release()
    tell(lease.is_held())
"""


class Process:
    def __init__(self, location: str, name: str, wait: float) -> None:
        self._child = subprocess.Popen(
            [sys.executable, "-c", APPLY, location, name, str(wait)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "FBPLAN_LEASE_SECONDS": "2"},
        )

    def says(self) -> str:
        line = self._child.stdout.readline().strip()
        assert line, f"it ended with {self._child.wait(20)}"
        return line

    def asked(self, word: str) -> str:
        self._child.stdin.write(word + "\n")
        self._child.stdin.flush()
        return self.says()

    def signal(self, number: int) -> None:
        self._child.send_signal(number)

    def close(self) -> None:
        self._child.kill()
        self._child.communicate()


@pytest.fixture(params=["files", "s3"])
def location(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "files":
        return str(tmp_path / "fbplan.ledger.json")
    request.getfixturevalue("s3")
    return f"s3://acme/{uuid.uuid4().hex}/ledger.json"


@pytest.fixture
def place(location: str, tmp_path: Path) -> Storage:
    return opened(location, tmp_path)


@pytest.fixture
def start(location: str) -> Iterator[Callable[..., Process]]:
    running: list[Process] = []

    def one(name: str, wait: float = 60) -> Process:
        running.append(Process(location, name, wait))
        return running[-1]

    yield one
    for process in running:
        process.close()


def test_one_waits_says_for_whom_and_goes_on_after_the_release(start: Callable[..., Process]) -> None:
    first = start("ada")
    assert first.says() == "held"
    second = start("bob")
    assert "waiting up to 60 s for the lock: it is held by ada on here" in second.says()
    assert first.asked("release") == "False"
    assert second.says() == "held"


def test_who_does_not_want_to_wait_exits_6(start: Callable[..., Process]) -> None:
    first = start("ada")
    assert first.says() == "held"
    assert start("bob", 0).says().startswith("exit 6 the lock is held by ada on here")
    assert first.asked("?") == "True"


def test_the_lock_of_a_killed_process_is_taken_over(start: Callable[..., Process]) -> None:
    first = start("ada")
    assert first.says() == "held"
    second = start("bob")
    assert "held by ada" in second.says()
    first.signal(signal.SIGKILL)
    said = second.says()
    assert said == "held" or (said.startswith("told no heartbeat for 2 s") and second.says() == "held")


def test_a_holder_whose_lock_was_broken_notices(start: Callable[..., Process], place: Storage) -> None:
    first = start("ada")
    assert first.says() == "held"
    second = start("bob")
    assert "held by ada" in second.says()
    place.break_lease("ada")
    while (said := second.says()) != "held":  # on S3 it is told that the broken lease runs its time
        assert said.startswith("told")
    assert first.asked("?") == "False"
    assert second.asked("?") == "True"


def test_a_holder_that_was_stopped_for_too_long_has_lost_when_it_wakes_up(s3: S3) -> None:
    location = f"s3://acme/{uuid.uuid4().hex}/ledger.json"
    first = Process(location, "ada", 60)
    try:
        assert first.says() == "held"
        first.signal(signal.SIGSTOP)
        second = Process(location, "bob", 60)
        try:
            assert second.says().startswith("told waiting")
            assert second.says().startswith("told no heartbeat for 2 s")
            assert second.says() == "held"
            first.signal(signal.SIGCONT)
            assert first.asked("?") == "False"
            assert second.asked("?") == "True"
        finally:
            second.close()
    finally:
        first.close()
