"""Signals, and two applies at once, where the ledger is in an object store: it may hang too, and the lease is no lock
of the kernel."""

from __future__ import annotations

import signal
import threading

import pytest
from stand import LONG, SLOW, Stand, on
from storage_places import S3, TWO_BUCKETS, Hands

from fbplan.cli.applying import run
from fbplan.cli.grace import DEFAULT
from fbplan.cli.reviewed import Request
from fbplan.cli.stop import RECORDED, Stop
from fbplan.storage import Storage


def test_a_planning_apply_leaves_no_lease_behind(stand: Stand, place: Storage) -> None:
    stand.rule = on("GET", "/bucket")
    running = stand.start(f"exec FBPLAN apply --yes {SLOW}")
    stand.waits_for()
    assert place.holder() is not None
    running.signal(signal.SIGTERM)
    code, told = running.ended()
    assert (code, "nothing was written to the API" in told, place.holder()) == (143, True, None), told


def test_a_second_signal_leaves_at_once_also_from_a_store_that_hangs(stand: Stand, place: Storage, s3: S3) -> None:
    stand.rule = on("GET", "/bucket")
    running = stand.start(f"exec FBPLAN apply --yes {SLOW}")
    stand.waits_for()
    s3.goes_on.clear()
    running.signal(signal.SIGINT)
    running.reads("interrupted (SIGINT); nothing was written")  # and now it gives the lease back, which hangs
    running.signal(signal.SIGTERM)
    code, told = running.ended()
    assert (code, "stopped at once; nothing was written" in told) == (143, True), told


def test_the_grace_bounds_a_store_that_hangs_in_mid_run(stand: Stand, place: Storage, s3: S3) -> None:
    stand.rule = on("POST", "/bucket")
    running = stand.start(f"exec FBPLAN apply --yes --grace 0s {SLOW}")
    stand.waits_for(2)
    s3.goes_on.clear()
    running.signal(signal.SIGTERM)
    code, told = running.ended()
    s3.goes_on.set()
    assert code == 143, told
    assert "1 created, 2 with an unknown outcome" in told
    assert "not recorded" in told
    assert "the lock could not be given back" in told
    assert len(place.names("journal.")) == 1


@pytest.mark.parametrize("hangs", ["POST", "ledger"])
def test_where_everything_hangs_the_run_is_over_with_its_grace_and_has_told_all(
    stand: Stand, place: Storage, s3: S3, hands: Hands, capsys, monkeypatch: pytest.MonkeyPatch, hangs: str
) -> None:
    """By a clock that stands still until all of the grace is over, and then again: nothing may need more."""
    # given
    for name in ("K2", "S2", "FB_JWT", "FB_API_URL"):
        monkeypatch.setenv(name, stand.environ[name])
    stop = Stop(lambda: hands.time, leave)
    began = hands.time
    stand.rule = on("POST", "/bucket") if hangs == "POST" else lambda *_: ""
    watchdog = threading.Timer(LONG, lambda: setattr(hands, "time", began + 1000))
    watchdog.start()

    def strikes() -> None:
        if hangs == "POST":
            stand.waits_for(2)
            s3.goes_on.clear()
        else:
            assert s3.stopped.wait(LONG)
        stop.request(signal.SIGINT)
        hands.time += DEFAULT + 0.01

    if hangs == "ledger":  # the first intent: nothing is on its way to the API, and the books cannot be closed
        s3.script.append(("PUT", "/00000002", "stops"))
    threading.Thread(target=strikes, daemon=True).start()
    # when
    with pytest.raises(SystemExit) as left:
        run(
            Request(stand.rig.path, None, True, None, (), None, 8, grace=DEFAULT),
            (("human", None),),
            lambda _: True,
            stop,
        )
    watchdog.cancel()
    # then
    out, err = capsys.readouterr()
    assert (left.value.code, hands.time - began) == (130, pytest.approx(DEFAULT + 0.01)), err
    assert "unknown outcome" in out
    assert "not recorded" in out
    assert "the lock could not be given back" in err
    assert RECORDED.decode() not in err


def leave(code: int) -> None:
    raise SystemExit(code)


def names(stand: Stand) -> list[str]:
    return sorted(row["name"] for row in stand.rig.http("GET", "/bucket")["buckets"])


@pytest.mark.parametrize("where", ["files", "s3"])
def test_of_two_applies_at_once_one_waits_or_exits_6_and_nothing_is_doubled(
    stand: Stand, place: Storage, where: str
) -> None:
    if where == "files":
        stand.rig.spec(TWO_BUCKETS.format(ledger="fbplan.ledger.json"))
    stand.rule = on("POST", "/bucket")
    first = stand.start("exec FBPLAN apply --yes")
    stand.waits_for(2)
    second = stand.start("exec FBPLAN apply --yes")
    third = stand.start("exec FBPLAN apply --yes --lock-timeout 0s")
    second.reads("waiting up to 60 s for the lock: it is held by")
    code, told = third.ended()
    assert (code, "another apply is running" in told) == (6, True), told
    stand.release()
    code, told = first.ended()
    assert (code, "3 created" in told) == (0, True), told
    code, told = second.ended()
    assert (code, "no changes" in told) == (0, True), told
    assert names(stand) == ["a", "b"]
    assert len(stand.rig.http("GET", "/apikeys")["apiKeys"]) == 1
