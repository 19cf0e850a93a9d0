"""A place for the books that hangs at the end of a run: it is waited for only while there is time, and the report says
no less than is true."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from threading import Event

import pytest
from carrying import carry_out
from rig import Rig
from test_drain_records import ITEMS, NARROW, WHOLE
from typing_extensions import override
from volatile import Volatile, Watched

from fbplan.errors import ExitCode
from fbplan.ledger import read_ledger
from fbplan.storage import Files
from fbplan.storage.base import JOURNAL, Log

LONG = 30
"""Seconds after which a test has failed, where nobody gave up."""


class Hanging(Volatile):
    """It hangs while a journal is removed, or a record of one kind is made durable."""

    def __init__(self, ledger: Path, where: str) -> None:
        super().__init__(ledger)
        self.where, self.hangs, self.goes_on = where, Event(), Event()

    def reached(self) -> None:
        self.hangs.set()
        self.goes_on.wait(LONG)

    @override
    def open_log(self, name: str) -> Log:
        return HangingLog(Files.open_log(self, name), name, self)

    @override
    def remove(self, name: str) -> None:
        if self.where == "removal" and name.startswith(JOURNAL):
            self.reached()
        super().remove(name)


class HangingLog(Watched):
    storage: Hanging
    last = b""

    @override
    def append(self, content: bytes) -> None:
        self.last = content
        super().append(content)

    @override
    def sync(self) -> None:
        if f'"record":"{self.storage.where}"'.encode() in self.last:
            self.storage.reached()
        super().sync()


@pytest.fixture
def hanging(rig: Rig) -> Iterator[Hanging]:
    """A rig whose next apply begins drains, and that apply's storage."""
    rig.spec(WHOLE)
    assert rig.apply().exit_code is ExitCode.OK
    rig.spec(NARROW)
    found = Hanging(rig.folder / "fbplan.ledger.json", "")
    yield found
    found.goes_on.set()


def test_drains_that_could_not_be_written_down_in_time_begin_with_the_next_apply(rig: Rig, hanging: Hanging) -> None:
    hanging.where = "drains begun"
    report = carry_out(rig, rig.planned(), hanging, is_out_of_grace=hanging.hangs.is_set)
    assert (report.exit_code, report.is_abandoned, report.unrecorded) == (ExitCode.SIGINT, True, None)
    assert rig.drains() == {}
    hanging.goes_on.set()
    assert rig.apply().exit_code is ExitCode.OK
    assert rig.drains().keys() == ITEMS


def test_a_ledger_that_was_written_is_no_loss_whatever_is_left_of_the_journal(rig: Rig, hanging: Hanging) -> None:
    hanging.where = "removal"
    report = carry_out(rig, rig.planned(), hanging, is_out_of_time=hanging.hangs.is_set)
    assert (report.exit_code, report.is_abandoned, report.unrecorded) == (ExitCode.SIGINT, True, None)
    assert rig.drains().keys() == ITEMS
    assert len(hanging.names(JOURNAL)) == 1
    before = read_ledger(hanging)
    rig.recover()
    after = read_ledger(hanging)
    assert hanging.names(JOURNAL) == []
    assert (after.entries, after.drains, after.pending) == (before.entries, before.drains, before.pending)
    assert not rig.plan().has_changes
