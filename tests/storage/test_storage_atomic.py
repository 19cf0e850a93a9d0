"""Replacing a file: links stay links, leftovers go, devices are not replaced, and the way out fits the fault."""

from __future__ import annotations

import errno
import os
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from fbplan.errors import FbplanError
from fbplan.ledger import Ledger, read_ledger, write_ledger
from fbplan.storage import Files, Holder
from fbplan.storage.atomic import require_writable, write_atomically

HOLDER = Holder("lease-1", "ada", "h", 1, "now")


def gone() -> int:
    """The number of a process that has ended."""
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait(timeout=30)
    return ended.pid


def test_a_link_is_written_through(tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    target, link = tmp_path / "kept" / "state.json", tmp_path / "fbplan.ledger.json"
    target.write_bytes(b"old")
    link.symlink_to("kept/state.json")
    write_atomically(link, b"new", "the file")
    assert (link.is_symlink(), target.read_bytes()) == (True, b"new")
    assert sorted(p.name for p in tmp_path.rglob("*.new")) == []


def test_a_link_to_what_is_not_there_yet_is_written_through(tmp_path: Path) -> None:
    link = tmp_path / "link.json"
    link.symlink_to(tmp_path / "later" / "state.json")
    write_atomically(link, b"new", "the file")
    assert (link.is_symlink(), (tmp_path / "later" / "state.json").read_bytes()) == (True, b"new")


def test_a_link_that_leads_to_itself_is_refused_and_stays(tmp_path: Path) -> None:
    link = tmp_path / "loop.json"
    link.symlink_to(link)
    with pytest.raises(FbplanError) as fault:
        write_atomically(link, b"new", "the file")
    assert (link.is_symlink(), "the link leads back to itself" in fault.value.next) == (True, True)
    with pytest.raises(FbplanError, match="levels of symbolic links"):
        Files(link)


def test_a_ledger_that_is_a_link_stays_one_and_has_one_lock(tmp_path: Path) -> None:
    for name in ("kept", "here", "there"):
        (tmp_path / name).mkdir()
    for name in ("here", "there"):
        (tmp_path / name / "fbplan.ledger.json").symlink_to(tmp_path / "kept" / "acme.json")
    here, there = (Files(tmp_path / name / "fbplan.ledger.json") for name in ("here", "there"))
    write_ledger(Ledger(workspace_id="w"), here)
    assert (tmp_path / "here" / "fbplan.ledger.json").is_symlink()
    assert read_ledger(there).workspace_id == "w"
    lease = here.lease(HOLDER, 0, print)
    assert there.holder() == HOLDER
    lease.release()


def test_what_killed_writes_left_aside_is_taken_away_by_the_next_one(tmp_path: Path) -> None:
    alive, dead = os.getppid(), gone()
    keep = [
        f".state.json.{alive}.new",  # somebody may be writing it
        f".other.json.{dead}.new",
        f".state.json.{dead}.new.bak",
        ".state.json.x1.new",
        f"state.json.{dead}.new",
    ]
    for name in (*keep, f".state.json.{dead}.new"):
        (tmp_path / name).write_bytes(b"half")
    (tmp_path / f".state.json.{gone()}.new").mkdir()  # whatever this is, we did not make it
    write_atomically(tmp_path / "state.json", b"new", "the file")
    assert sorted(p.name for p in tmp_path.iterdir() if p.is_file()) == sorted([*keep, "state.json"])
    assert any(p.is_dir() for p in tmp_path.iterdir())


def test_an_old_leftover_goes_even_when_another_process_has_its_number_by_now(tmp_path: Path) -> None:
    left = tmp_path / f".state.json.{os.getppid()}.new"
    left.write_bytes(b"half")
    os.utime(left, (1, 1))
    write_atomically(tmp_path / "state.json", b"new", "the file")
    assert not left.exists()


def test_a_pipe_is_written_to_and_not_replaced(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    require_writable(path, "the output")
    write_atomically(path, b"new", "the output")
    assert (os.read(reader, 9), stat.S_ISFIFO(path.stat().st_mode)) == (b"new", True)
    os.close(reader)


def test_a_probe_touches_nothing_and_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "out.md").write_bytes(b"old")
    require_writable(tmp_path / "out.md", "the output")
    assert {p.name: p.read_bytes() for p in tmp_path.iterdir()} == {"out.md": b"old"}


@pytest.mark.parametrize(
    ("path", "why", "way_out"),
    [
        ("folder", "Is a directory", "a folder stands where a file belongs"),
        ("file/out.md", "Not a directory", "a file stands where a folder belongs"),
        ("x" * 300, "File name too long", "name a shorter path"),
    ],
)
@pytest.mark.parametrize(
    "write", [lambda path: write_atomically(path, b"x", "it"), lambda path: require_writable(path, "it")]
)
def test_the_way_out_fits_the_fault(
    tmp_path: Path, path: str, why: str, way_out: str, write: Callable[[Path], None]
) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    with pytest.raises(FbplanError) as fault:
        write(tmp_path / path)
    assert (fault.value.why, fault.value.next.startswith(way_out)) == (why, True), fault.value


def test_a_lock_whose_place_is_taken_by_a_folder_says_so(tmp_path: Path) -> None:
    (tmp_path / "fbplan.ledger.lock").mkdir()
    with pytest.raises(FbplanError) as fault:
        Files(tmp_path / "fbplan.ledger.json").lease(HOLDER, 0, print)
    assert fault.value.next.startswith("a folder stands where a file belongs")


def test_a_file_system_that_cannot_sync_a_folder_keeps_a_ledger_and_a_journal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As some that are mounted into containers or over the network: what is in the files is synced all the same."""
    synced, sync = [], os.fsync

    def fsync(descriptor: int) -> None:
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
        synced.append(descriptor)
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    storage = Files(tmp_path / "fbplan.ledger.json")
    log = storage.open_log("journal.1")
    log.append(b"line\n")
    log.sync()
    log.close()
    storage.add_record("receipts.jsonl", lambda _: b"receipt")
    tag = storage.write("ledger", b"{}", None)
    assert storage.write("ledger", b"{ }", tag)
    assert storage.read_log("journal.1") == b"line\n"
    assert len(synced) == 4
