"""The lock on one machine, and the folder it lies in on a bad day."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from storage_places import Hands, holder

from fbplan.errors import FbplanError, LockHeld
from fbplan.storage import Files


@pytest.fixture
def place(tmp_path: Path, hands: Hands) -> Files:
    return Files(tmp_path / "fbplan.ledger.json", hands.clock)


def other(tmp_path: Path) -> Files:
    return Files(tmp_path / "fbplan.ledger.json")


def test_who_waits_is_told_once_for_whom_and_how_long_and_gets_the_lock_when_it_is_free(
    place: Files, tmp_path: Path, hands: Hands
) -> None:
    first = other(tmp_path).lease(holder(), 0, print)
    hands.meanwhile = lambda: first.release() if len(hands.slept) == 5 else None
    told: list[str] = []
    second = place.lease(holder("lease2"), 60, told.append)
    assert second.is_held()
    assert not first.is_held()
    assert told == [
        "waiting up to 60 s for the lock: it is held by ada on runner-7 (process 4711) since 2026-03-01T10:00:00Z, https://ci.example/run/9"
    ]
    assert len(hands.slept) == 5


def test_a_new_holder_during_the_wait_is_told_too(place: Files, tmp_path: Path, hands: Hands) -> None:
    leases = [other(tmp_path).lease(holder("lease1"), 0, print)]

    def pass_on() -> None:
        leases[-1].release()
        if len(leases) == 1:
            leases.append(other(tmp_path).lease(holder("lease2", run_url="https://ci.example/run/10"), 0, print))

    hands.meanwhile = pass_on
    told: list[str] = []
    place.lease(holder("lease3"), 60, told.append)
    assert [line.rpartition("/")[2] for line in told] == ["9", "10"]


def test_a_wait_ends_in_time_with_exit_6(place: Files, tmp_path: Path, hands: Hands) -> None:
    other(tmp_path).lease(holder(), 0, print)
    with pytest.raises(LockHeld) as fault:
        place.lease(holder("lease2"), 60, lambda _: None)
    assert int(fault.value.exit_code) == 6
    assert hands.time == pytest.approx(1060)


def test_a_wait_can_be_interrupted(place: Files, tmp_path: Path, hands: Hands) -> None:
    first = other(tmp_path).lease(holder(), 0, print)

    def interrupt() -> None:
        raise KeyboardInterrupt

    hands.meanwhile = interrupt
    with pytest.raises(KeyboardInterrupt):
        place.lease(holder("lease2"), 60, lambda _: None)
    assert first.is_held()


def test_the_lock_of_a_killed_process_is_free_whatever_it_left_in_the_file(place: Files, tmp_path: Path) -> None:
    (tmp_path / "fbplan.ledger.lock").write_text(json.dumps({"id": "dead", "who": "bob"}))
    assert place.holder() is None
    assert place.lease(holder(), 0, print).is_held()


@pytest.mark.parametrize(
    ("content", "who"),
    [
        (b"process 4711", "process 4711"),
        (b"", "an unknown process"),
        (b"[1]", "[1]"),
        (b'{"who": 3, "process": "x", "seconds": true, "beat": -1}', "3"),
        (b"\xff\x00", "\ufffd\x00"),
        (b"[" * 70_000, "[" * 200),
    ],
)
def test_a_lock_that_says_nothing_sensible_still_holds_and_can_be_broken(
    place: Files, tmp_path: Path, content: bytes, who: str
) -> None:
    path = tmp_path / "fbplan.ledger.lock"
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        fcntl.flock(file, fcntl.LOCK_EX)
        with pytest.raises(LockHeld) as fault:
            place.lease(holder(), 0, print)
        assert f"held by {who}; its lease is unknown" in str(fault.value)
        place.break_lease("unknown")
        assert place.lease(holder(), 0, print).is_held()


def test_a_broken_lock_is_noticed_at_the_next_look_and_free_for_the_next(place: Files, tmp_path: Path) -> None:
    first = other(tmp_path).lease(holder(), 0, print)
    place.break_lease("lease1")
    assert not first.is_held()
    second = place.lease(holder("lease2"), 0, print)
    first.release()
    assert second.is_held()
    assert place.holder().id == "lease2"


def test_a_lock_file_that_somebody_deleted_is_a_lost_lock(place: Files, tmp_path: Path) -> None:
    lease = place.lease(holder(), 0, print)
    (tmp_path / "fbplan.ledger.lock").unlink()
    assert not lease.is_held()


def test_a_look_at_the_lock_does_not_push_an_apply_aside(place: Files, tmp_path: Path, hands: Hands) -> None:
    path = tmp_path / "fbplan.ledger.lock"
    path.touch()
    descriptor = os.open(path, os.O_RDONLY)
    fcntl.flock(descriptor, fcntl.LOCK_SH)  # what `holder` does, for a moment
    hands.meanwhile = lambda: fcntl.flock(descriptor, fcntl.LOCK_UN)
    assert place.lease(holder(), 0, print).is_held()
    os.close(descriptor)


def test_a_folder_in_the_place_of_the_lock_is_told(place: Files, tmp_path: Path) -> None:
    (tmp_path / "fbplan.ledger.lock").mkdir()
    with pytest.raises(FbplanError, match="Is a directory") as fault:
        place.lease(holder(), 0, print)
    assert str(tmp_path / "fbplan.ledger.lock") == fault.value.where


def test_a_file_in_the_place_of_the_folder_is_told(tmp_path: Path) -> None:
    (tmp_path / "ops").write_text("x")
    place = Files(tmp_path / "ops" / "fbplan.ledger.json")
    for act in (
        lambda: place.lease(holder(), 0, print),
        lambda: place.add_record("receipts.jsonl", lambda _: b"x"),
        lambda: place.open_log("journal.r1"),
        lambda: place.names(""),
        place.holder,
    ):
        with pytest.raises(FbplanError, match=r"Not a directory|File exists"):
            act()


CHILD = """
import os, resource, signal, sys
from pathlib import Path
from fbplan.errors import FbplanError
from fbplan.storage import Files, Holder
place = Files(Path(sys.argv[1]))
acts = {
    "lease": lambda: place.lease(Holder("a", "ada", "here", 1, "now"), 0, print),
    "record": lambda: place.add_record("receipts.jsonl", lambda _: b"x" * 50),
}
match sys.argv[3]:
    case "stranger":
        os.setuid(65534)
    case "full":
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (10, 10))
try:
    acts[sys.argv[2]]()
except FbplanError as fault:
    print(fault)
"""


def as_somebody_with_less(folder: Path, act: str, how: str) -> str:
    """What another process is told, which may not write here, or only very little."""
    return subprocess.run(
        [sys.executable, "-c", CHILD, str(folder / "fbplan.ledger.json"), act, how],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    ).stdout


@pytest.mark.parametrize("act", ["lease", "record"])
def test_a_folder_that_is_read_only_is_told(tmp_path: Path, act: str) -> None:
    if os.geteuid() == 0:
        for parent in (tmp_path, *tmp_path.parents[:2]):
            parent.chmod(0o755)
        assert "Permission denied" in as_somebody_with_less(tmp_path, act, "stranger")
    else:
        tmp_path.chmod(0o555)
        assert "Permission denied" in as_somebody_with_less(tmp_path, act, "")
        tmp_path.chmod(0o755)


def test_a_disk_that_is_full_is_told_and_leaves_no_half_record(tmp_path: Path) -> None:
    place = Files(tmp_path / "fbplan.ledger.json")
    place.add_record("receipts.jsonl", lambda _: b"one")
    assert "File too large" in as_somebody_with_less(tmp_path, "record", "full")
    assert place.read_log("receipts.jsonl") == b"one\n"
    assert "File too large" in as_somebody_with_less(tmp_path, "lease", "full")
    assert place.lease(holder(), 0, print).is_held()


def test_a_file_system_without_locks_is_told_and_named_a_way_out(place: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(descriptor: int, how: int) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", refuse)
    with pytest.raises(FbplanError, match="cannot lock files") as fault:
        place.lease(holder(), 0, print)
    assert "s3://" in fault.value.next


def test_a_record_after_a_torn_one_stands_on_its_own_line(place: Files, tmp_path: Path) -> None:
    path = tmp_path / "fbplan.ledger.receipts.jsonl"
    path.write_bytes(b"one\ntor")
    seen: list[bytes] = []
    place.add_record("receipts.jsonl", lambda before: (seen.append(before), b"two")[1])
    assert seen == [b"tor"]
    assert path.read_bytes() == b"one\ntor\ntwo\n"


def test_the_last_line_is_found_however_long_it_is(place: Files, tmp_path: Path) -> None:
    long = b"x" * 200_000
    (tmp_path / "fbplan.ledger.receipts.jsonl").write_bytes(b"one\n" + long + b"\n")
    place.add_record("receipts.jsonl", lambda before: b"two" if before == long else b"wrong")
    assert place.read_log("receipts.jsonl").endswith(b"x\ntwo\n")


def test_a_pipe_where_a_file_belongs_is_told_and_not_waited_for(place: Files, tmp_path: Path) -> None:
    for name in ("json", "lock", "receipts.jsonl"):
        os.mkfifo(tmp_path / f"fbplan.ledger.{name}")
    for read in (lambda: place.read("ledger"), place.holder, lambda: place.read_log("receipts.jsonl")):
        with pytest.raises(FbplanError, match="it is a pipe"):
            read()
