"""The file sink: private, atomic, and kept when something goes wrong."""

import errno
import os
import resource
import stat
from contextlib import contextmanager

import pytest

from fbplan.errors import ExitCode, SinkFailed
from fbplan.secrets import FileSink, IssuedKey, Secret, holds

LINES = "FB_KEY_ID=AK1\nFB_KEY_SECRET=s1\nFB_REPO_ID=r-1\n"


def issued(generation=1, secret=None):
    return IssuedKey("api_key.app.writer", "r-1", f"AK{generation}", Secret(secret or f"s{generation}"), generation)


def names(folder):
    return sorted(entry.name for entry in folder.iterdir())


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


@contextmanager
def umask(value):
    before = os.umask(value)
    try:
        yield
    finally:
        os.umask(before)


@contextmanager
def file_size_limit(size):
    """A disk that is full after `size` bytes, as the kernel plays it."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def refusal(verb, *arguments):
    with pytest.raises(SinkFailed) as caught:
        verb(*arguments)
    assert caught.value.exit_code is ExitCode.SINK
    assert caught.value.next
    return caught.value


def test_a_key_is_stored_for_the_owner_alone_and_read_back(tmp_path):
    sink = FileSink(file="secrets/deep/w.env")
    with umask(0):
        sink.check(tmp_path, {})
        sink.store(issued(), tmp_path, {})
    target = tmp_path / "secrets/deep/w.env"
    assert target.read_text() == LINES
    assert [mode(target), mode(target.parent), mode(target.parent.parent)] == [0o600, 0o700, 0o700]
    assert sink.read_back(tmp_path) == "AK1"
    assert names(target.parent) == ["w.env"]


def test_check_makes_folders_and_leaves_no_file(tmp_path):
    FileSink(file="secrets/w.env").check(tmp_path, {})
    assert names(tmp_path / "secrets") == []


def test_check_leaves_an_existing_file_alone(tmp_path):
    target = tmp_path / "w.env"
    target.write_text("A=1\n")
    before = target.stat()
    FileSink(file="w.env").check(tmp_path, {})
    assert (target.stat().st_ino, target.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_the_next_generation_replaces_the_last_and_tightens_the_mode(tmp_path):
    sink = FileSink(file="w.env")
    (tmp_path / "w.env").write_text("# ours\nFB_KEY_ID=old\n")
    (tmp_path / "w.env").chmod(0o644)
    sink.store(issued(1), tmp_path, {})
    sink.store(issued(2), tmp_path, {})
    assert (tmp_path / "w.env").read_text() == "# ours\nFB_KEY_ID=AK2\nFB_KEY_SECRET=s2\nFB_REPO_ID=r-1\n"
    assert mode(tmp_path / "w.env") == 0o600


def test_a_symbolic_link_stays_a_link(tmp_path):
    (tmp_path / "w.env").symlink_to("real/w.env")
    FileSink(file="w.env").check(tmp_path, {})
    FileSink(file="w.env").store(issued(), tmp_path, {})
    assert (tmp_path / "w.env").is_symlink()
    assert (tmp_path / "real/w.env").read_text() == LINES


def test_what_a_killed_run_left_behind_is_taken_away(tmp_path):
    (tmp_path / ".w.env.fbplan-tmp").write_text("FB_KEY_SECRET=lost")
    FileSink(file="w.env").check(tmp_path, {})
    assert names(tmp_path) == []


def test_a_link_in_place_of_the_temporary_file_is_not_followed(tmp_path):
    (tmp_path / "victim").write_text("untouched")
    (tmp_path / ".w.env.fbplan-tmp").symlink_to("victim")
    FileSink(file="w.env").store(issued(), tmp_path, {})
    assert (tmp_path / "victim").read_text() == "untouched"
    assert names(tmp_path) == ["victim", "w.env"]


@pytest.mark.parametrize(
    ("prepare", "path", "why"),
    [
        (lambda f: (f / "d").mkdir(), "d", "is a directory"),
        (lambda f: os.mkfifo(f / "p"), "p", "is not a regular file"),
        (lambda f: (f / "x").write_text(""), "x/w.env", "Not a directory"),
        (lambda f: (f / "x").write_text(""), "x/y/w.env", "Not a directory"),
        (lambda f: (f / "l").symlink_to("l"), "l", "symbolic links"),
        (lambda f: (f / "b").write_bytes(b"\xff"), "b", "is not UTF-8 text"),
        (lambda f: (f / "b").write_bytes(b"x" * 65537), "b", "is larger than 64 KiB"),
        (lambda _: None, "n" * 300, "File name too long"),
        (lambda _: None, "/proc/w.env", "/proc/w.env"),
    ],
)
def test_what_cannot_be_written_is_refused_by_check_and_by_store(tmp_path, prepare, path, why):
    prepare(tmp_path)
    before = names(tmp_path)
    sink = FileSink(file=path)
    assert why in refusal(sink.check, tmp_path, {}).why
    failure = refusal(sink.store, issued(), tmp_path, {})
    assert why in failure.why
    assert failure.where == "api_key.app.writer"
    assert names(tmp_path) == before


def test_a_full_disk_is_found_by_check(tmp_path):
    with file_size_limit(10):
        failure = refusal(FileSink(file="w.env").check, tmp_path, {})
    assert failure.why == f"'{tmp_path}/w.env': File too large"
    assert names(tmp_path) == []


def test_a_write_that_fails_keeps_the_old_file_and_no_copy(tmp_path):
    sink = FileSink(file="w.env")
    sink.store(issued(1), tmp_path, {})
    with file_size_limit(10):
        failure = refusal(sink.store, issued(2), tmp_path, {})
    assert (
        str(failure) == f"api_key.app.writer: the sink file w.env cannot be written: '{tmp_path}/w.env': File too large"
    )
    assert (tmp_path / "w.env").read_text() == LINES
    assert names(tmp_path) == ["w.env"]


def test_a_secret_that_no_dotenv_line_can_carry_is_refused(tmp_path):
    failure = refusal(FileSink(file="w.env").store, issued(secret="a\nb"), tmp_path, {})
    assert "FB_KEY_SECRET holds a newline" in failure.why
    assert names(tmp_path) == []


def test_holds_tells_this_key_from_another_and_from_nothing_known(tmp_path):
    sink = FileSink(file="w.env")
    assert holds(sink, tmp_path, "AK1") is None
    (tmp_path / "w.env").write_text("A=1\n")
    assert holds(sink, tmp_path, "AK1") is False
    sink.store(issued(), tmp_path, {})
    assert holds(sink, tmp_path, "AK1") is True
    assert holds(sink, tmp_path, "AK2") is False


@pytest.mark.parametrize("prepare", [lambda p: p.mkdir(), lambda p: p.write_bytes(b"\xff"), lambda p: p.symlink_to(p)])
def test_an_unreadable_file_tells_nothing(tmp_path, prepare):
    prepare(tmp_path / "w.env")
    assert FileSink(file="w.env").read_back(tmp_path) is None


def test_a_full_disk_is_told_as_one(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(SinkFailed) as told:
        FileSink(file="w.env").check(tmp_path, {})
    assert told.value.next == "free some space, then run the same command again"
