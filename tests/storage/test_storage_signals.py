"""Signals, and two applies at once, where the ledger is in an object store: it may hang too, and the lease is no lock
of the kernel."""

from __future__ import annotations

import signal
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from stand import SLOW, Stand, on
from stand import opened as opened_stand
from storage_places import S3, opened

from fbplan.storage import Storage

SPEC = """
version: 1
workspace: Production
ledger: {ledger}
credentials:
  main: {{provider: AWS, key: {{env: K2}}, secret: {{env: S2}}, region: eu}}
buckets:
  a: {{bucket: acme-a, storage_type: S3, region: r, credential: main}}
  b: {{bucket: acme-b, storage_type: S3, region: r, credential: main}}
"""


@pytest.fixture
def stand(tmp_path: Path) -> Iterator[Stand]:
    with opened_stand(tmp_path / "stand") as found:
        yield found


@pytest.fixture
def place(s3: S3, stand: Stand, tmp_path: Path) -> Storage:
    location = f"s3://acme/{uuid.uuid4().hex}/ledger.json"
    stand.rig.spec(SPEC.format(ledger=location))
    stand.environ |= s3.environ()
    return opened(location, tmp_path)


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


def names(stand: Stand) -> list[str]:
    return sorted(row["name"] for row in stand.rig.http("GET", "/bucket")["buckets"])


@pytest.mark.parametrize("where", ["files", "s3"])
def test_of_two_applies_at_once_one_waits_or_exits_6_and_nothing_is_doubled(
    stand: Stand, place: Storage, where: str
) -> None:
    if where == "files":
        stand.rig.spec(SPEC.format(ledger="fbplan.ledger.json"))
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
