"""One publisher of one place, in a folder and in an object store; and how the poller keeps its time."""

from __future__ import annotations

import uuid
from pathlib import Path

import pytest
from metering_world import World
from storage_places import S3, opened

from fbplan.errors import FbplanError, Interrupted, LockHeld, UsageFault
from fbplan.metering.place import Place, content_of, leased, open_place
from fbplan.metering.poller import Polled, Poller, polls
from fbplan.metering.rounds import Habits
from fbplan.runtime.usage import read_usage
from fbplan.storage import Conflict, Files, Holder, Storage

HOLDER = Holder("lease", "ada", "here", 1, "now")


@pytest.fixture(params=["file", "s3"])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Storage:
    if request.param == "file":
        return Files(tmp_path / "shared" / "usage.json")
    request.getfixturevalue("s3")
    return opened(f"s3://acme/{uuid.uuid4().hex}/usage.json", tmp_path)


def test_who_holds_the_lease_publishes_and_the_next_one_is_told_who_it_is(storage: Storage) -> None:
    lease = leased(storage, HOLDER, 0, lambda _: None)
    with pytest.raises(LockHeld, match="another poller publishes this usage") as fault:
        leased(storage, Holder("other", "bob", "there", 2, "now"), 0, lambda _: None)
    assert "ada on here" in fault.value.why
    assert "unlock" not in fault.value.next
    lease.release()
    leased(storage, Holder("other", "bob", "there", 2, "now"), 0, lambda _: None).release()


def test_each_publication_replaces_what_the_last_look_saw_and_anybody_elses_is_noticed(storage: Storage) -> None:
    lease = leased(storage, HOLDER, 0, lambda _: None)
    place = Place(storage, lease)
    assert place.look() == (None, False)
    place.publish(b"one")
    place.publish(b"two")
    assert place.look() == (b"two", False)
    storage.write("ledger", b"theirs", storage.read("ledger").tag)  # type: ignore[union-attr]
    with pytest.raises(Conflict):
        place.publish(b"three")
    assert place.look() == (b"theirs", True)
    place.publish(b"three")
    storage.remove("ledger")
    assert place.look() == (None, True)
    lease.release()


def test_after_the_lease_is_gone_nothing_is_published(storage: Storage) -> None:
    lease = leased(storage, HOLDER, 0, lambda _: None)
    place = Place(storage, lease)
    place.look()
    lease.release()
    with pytest.raises(LockHeld, match="the lease was lost"):
        place.publish(b"one")
    assert content_of(storage, "usage") is None


def test_a_publication_whose_answer_was_lost_is_ours(s3: S3, tmp_path: Path) -> None:
    storage = opened(f"s3://acme/{uuid.uuid4().hex}/usage.json", tmp_path)
    lease = leased(storage, HOLDER, 0, lambda _: None)
    place = Place(storage, lease)
    place.look()
    s3.script.append(("PUT", "usage.json", "cut-after"))
    place.publish(b"one")
    assert place.look() == (b"one", False)
    lease.release()


def test_a_poll_reaches_an_object_store(world: World, s3: S3) -> None:
    storage = open_place(f"s3://acme/{uuid.uuid4().hex}/usage.json")
    lease = leased(storage, HOLDER, 0, lambda _: None)
    rules = Files(world.folder / "policy.json")
    poller = Poller(rules, Place(storage, lease), Habits(60_000, 180_000), clock_ms=lambda: world.now, alert=print)
    poller.poll(world.client)
    raw = content_of(storage, "usage")
    assert raw is not None
    assert read_usage(raw).buckets["a"].quality == "ok"
    lease.release()


def test_faults_of_the_storage_speak_of_the_usage(tmp_path: Path, s3: S3) -> None:
    (tmp_path / "usage.json").mkdir()
    with pytest.raises(FbplanError, match="the usage cannot be read") as fault:
        content_of(open_place(str(tmp_path / "usage.json")), "usage")
    assert "ledger" not in str(fault.value) + fault.value.next
    with pytest.raises(FbplanError, match="the usage cannot be read") as fault:
        content_of(open_place("s3://nowhere/usage.json"), "usage")
    assert "ledger" not in str(fault.value) + fault.value.next
    for location in ("none", "ftp://x/y", "s3://key:secret@acme/usage.json"):
        with pytest.raises(UsageFault) as wrong:
            open_place(location)
        assert "ledger" not in str(wrong.value)
        assert "secret@" not in str(wrong.value)


class Timed:
    """Polls that take so many seconds each; the clock moves when somebody sleeps or polls."""

    def __init__(self, *takes: object) -> None:
        self.now, self.takes, self.began, self.alerts = 0, list(takes), [], []
        self.slept: list[float] = []

    def poll(self) -> Polled:
        self.began.append(self.now // 1000)
        come = self.takes.pop(0)
        if isinstance(come, Exception):
            raise come
        self.now += int(come * 1000)  # type: ignore[operator]
        return "polled"  # type: ignore[return-value]

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += round(seconds * 1000)

    def run(self) -> list[object]:
        return list(
            polls(
                self.poll, Habits(60_000, 0), clock_ms=lambda: self.now, sleep=self.sleep,
                stopped=lambda: not self.takes, alert=lambda name, told: self.alerts.append((name, told)),
            )
        )  # fmt: skip


def test_polls_keep_their_times_and_leave_out_those_that_passed() -> None:
    timed = Timed(5, 70, 1, 60, 1)
    timed.run()
    assert timed.began == [0, 60, 180, 240, 360]
    assert timed.slept == [55, 50, 59, 60]


def test_a_poll_that_published_nothing_is_told_and_from_the_second_on_an_alert() -> None:
    timed = Timed(FbplanError("no place"), FbplanError("no place"), 1, FbplanError("no place"), 1)
    came = timed.run()
    assert [str(one) for one in came] == ["no place", "no place", "polled", "no place", "polled"]
    assert timed.alerts == [("publish", "2 polls in a row published nothing: no place; grants end")]


@pytest.mark.parametrize("fault", [LockHeld("lost"), Interrupted("stopped")])
def test_a_lost_lease_and_a_stop_end_it(fault: FbplanError) -> None:
    with pytest.raises(type(fault)):
        Timed(fault, 1).run()


def test_a_conflict_does_not_end_it() -> None:
    assert len(Timed(Conflict("theirs"), 1).run()) == 2


def test_a_clock_that_is_set_back_does_not_keep_it_waiting() -> None:
    timed = Timed(1, 1)
    timed.sleep = lambda _: setattr(timed, "now", -86_400_000)  # type: ignore[method-assign]
    timed.run()
    assert timed.began == [0, -86_400]
