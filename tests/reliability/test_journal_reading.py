"""What is said of a journal that cannot be believed, and of one that ends while it is read."""

from __future__ import annotations

import re
import subprocess
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from typing_extensions import override

from fbplan.cli.main import cli
from fbplan.errors import FbplanError
from fbplan.journal.reading import read_journal
from fbplan.journal.records import Begun, Ended, Intent, Record, line_of
from fbplan.journal.recovery import InForce, in_force
from fbplan.ledger import Ledger, write_ledger
from fbplan.ledger.entry import Delta, Entry
from fbplan.storage import Blob, Files
from fbplan.storage.object_calls import Calls
from fbplan.storage.objects import Objects

BEGUN = Begun("run-1", "2026-11-25T03:00:00Z", "ada", "host", 7, "sha256:0", 3, "workspace", 0, "salt")
MADE = Delta({"bucket.a": Entry("id-a", "a")})
RECORDS: tuple[Record, ...] = (
    BEGUN,
    Intent("bucket.a:create", "bucket.a", "create"),
    Ended("bucket.a:create", "done", delta=MADE),
    Intent("bucket.b:create", "bucket.b", "create"),
)


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "fbplan.yaml").write_text("version: 1\nworkspace: Production\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def journal(desk: Path, *lines: bytes) -> Path:
    path = desk / "fbplan.ledger.journal.run-1"
    path.write_bytes(b"".join(lines))
    return path


def lines(*records: Record) -> list[bytes]:
    return [line_of(record, number) for number, record in enumerate(records, 1)]


def signed(text: bytes) -> bytes:
    return b"%08x %s\n" % (zlib.crc32(text), text)


def run(*words: str) -> Result:
    return CliRunner().invoke(cli, words, standalone_mode=False)


def refused(desk: Path) -> FbplanError:
    with pytest.raises(FbplanError) as fault:
        in_force(Files(desk / "fbplan.ledger.json"))
    return fault.value


@pytest.mark.parametrize("count", [1, 4])
@pytest.mark.parametrize("is_cut", [False, True])
def test_a_journal_of_a_newer_format_is_told_as_such_and_never_dropped(desk: Path, count: int, *, is_cut: bool) -> None:
    found = lines(*RECORDS[:count])
    text = found[0].split(b" ", 1)[1].rstrip(b"\n").replace(b"fbplan.journal/1", b"fbplan.journal/2")
    path = journal(desk, signed(text)[: -2 if is_cut and count == 1 else None], *found[1:])
    fault = refused(desk)
    assert fault.what == "the journal of an earlier apply was written by another version of fbplan"
    assert "'fbplan.journal/2', this version reads 'fbplan.journal/1'" in fault.why
    assert path.exists()


def test_a_newer_format_is_known_even_when_its_lines_are_framed_in_another_way(desk: Path) -> None:
    journal(desk, b'sha256:77 {"n":1,"record":"begun","format":"fbplan.journal/3"}\n')
    assert "another version of fbplan" in refused(desk).what


def test_a_whole_record_that_this_version_does_not_know_is_no_damage(desk: Path) -> None:
    journal(desk, lines(BEGUN)[0], signed(b'{"n":2,"record":"drained","address":"bucket.a"}'))
    fault = refused(desk)
    assert "another version of fbplan" in fault.what
    assert fault.why == "it holds a record that this version does not know"


def test_a_last_line_that_has_its_end_and_cannot_be_read_is_damage(desk: Path) -> None:
    found = lines(*RECORDS)
    journal(desk, *found[:3], found[3].replace(b"create", b"creXte", 1))
    assert refused(desk).what == "the journal of an earlier apply is damaged at line 4 of 4"


def test_show_tells_what_is_readable_then_the_bad_line_and_the_command_that_moves_it_aside(desk: Path) -> None:
    found = lines(*RECORDS)
    path = journal(desk, found[0], found[1].replace(b"create", b"creXte", 1), *found[2:])
    shown = run("journal", "show")
    assert "begun 2026-11-25T03:00:00Z by ada on host" in shown.output
    assert "on the way  create  bucket.b" in shown.output
    assert "line 2 cannot be read: its checksum does not match" in shown.output
    fault = shown.exception
    assert isinstance(fault, FbplanError)
    assert (fault.what, fault.where.endswith("(journal.run-1)")) == (refused(desk).what, True)
    assert fault.next == refused(desk).next.replace(str(desk) + "/", "")
    command = re.search(r"mv \S+ \S+$", fault.next)
    assert command is not None
    subprocess.run(["sh", "-c", command[0]], cwd=desk, check=True)
    assert not path.exists()
    assert run("journal", "show").return_value == 0


def test_plan_and_apply_refuse_a_damaged_journal_in_the_same_words(desk: Path) -> None:
    found = lines(*RECORDS)
    journal(desk, found[0], b"damaged\n", *found[2:])
    told = [run(*words, "--api-url", "emulator:emulator") for words in (("plan",), ("apply", "--yes"))]
    assert [str(ran.exception) for ran in told] == [str(run("journal", "show").exception)] * 2


def test_a_journal_in_an_object_store_is_moved_by_the_tool_of_that_store() -> None:
    from obstore.store import MemoryStore

    def there(url: str) -> str:
        return Objects(Calls(MemoryStore(), url), url, "p/ledger.json", seconds=30).aside("journal.r1")

    assert there("s3://acme/p/ledger.json") == (
        "aws s3 mv --recursive s3://acme/p/ledger.journal.r1/ s3://acme/p/ledger.journal.r1.damaged/"
    )
    assert there("gs://acme/p/ledger.json") == (
        "gcloud storage mv gs://acme/p/ledger.journal.r1 gs://acme/p/ledger.journal.r1.damaged"
    )


class Ending(Files):
    """An apply that ends between two reads of somebody else: it writes its ledger, then removes its journal."""

    def __init__(self, ledger: Path, before: str) -> None:
        super().__init__(ledger)
        self.before, self.is_over = before, False

    def end(self, at: str) -> None:
        if at == self.before and not self.is_over:
            self.is_over = True
            write_ledger(Ledger(workspace_id="workspace", entries=MADE.put), self)
            self.remove("journal.run-1")

    @override
    def read(self, name: str) -> Blob | None:
        self.end("ledger")
        found = super().read(name)
        self.end("after ledger")
        return found

    @override
    def read_log(self, name: str) -> bytes:
        self.end("log")
        return super().read_log(name)

    @override
    def names(self, prefix: str) -> list[str]:
        self.end("names")
        found = super().names(prefix)
        if self.before == "after names":
            self.end("after names")
        return found


@pytest.mark.parametrize("before", ["names", "after names", "log", "ledger", "after ledger", "never"])
def test_an_apply_that_ends_while_its_books_are_read_is_seen_before_or_after_its_end(desk: Path, before: str) -> None:
    journal(desk, *lines(*RECORDS[:3]))
    found = in_force(Ending(desk / "fbplan.ledger.json", before))
    assert found.ledger.entries == MADE.put
    assert isinstance(found, InForce)
    assert [j.name for j in found.journals] == (["journal.run-1"] if before == "never" else [])


@pytest.mark.parametrize(
    ("results", "told"),
    [(("failed", "skipped", "skipped"), "1 had failed, 2 had been skipped"), (("skipped",), "1 had been skipped")],
)
def test_a_step_that_was_skipped_is_not_counted_as_failed(desk: Path, results: tuple[str, ...], told: str) -> None:
    ended = [Ended(f"bucket.{n}:create", result) for n, result in enumerate(results)]
    journal(desk, *lines(BEGUN, *ended))
    assert in_force(Files(desk / "fbplan.ledger.json")).story.endswith(f"of 3 steps 0 were done, {told}.")


def reads(change: Callable[[bytes], bytes], desk: Path) -> str:
    path = journal(desk, *map(change, lines(*RECORDS)))
    found = read_journal(Files(desk / "fbplan.ledger.json"), path.name.removeprefix("fbplan.ledger."))
    return found.damage.why if found.damage is not None else ""


def test_a_line_that_is_twice_there_is_told_as_such(desk: Path) -> None:
    assert reads(lambda line: line + line, desk) == "it was written as line 1: lines are missing, or twice there"
