"""A create whose answer is lost, while somebody makes another object of that name: theirs is not taken for ours (L7)."""

from __future__ import annotations

from rig import Rig
from test_recovery import SPEC

from fbplan.journal.recovery import in_force
from fbplan.outcome import Report, Result
from fbplan.storage import open_storage


def meanwhile(rig: Rig, end: str, body: dict[str, object]) -> Report:
    """Apply; as the POST arrives, somebody's own POST goes first, and the answer to ours is lost."""

    def first(method: str, path: str, sent: object) -> None:
        if method == "POST" and path.endswith(end) and isinstance(sent, dict) and sent.get("name") == body["name"]:
            rig.observer = None
            rig.http("POST", path, {**sent, **body})
            rig.fault(method="POST", path=path, fault="cut-before", times=2)

    rig.observer = first
    return rig.apply()


def test_a_bucket_of_that_name_that_is_another_one_is_not_ours(rig: Rig) -> None:
    rig.spec(SPEC)

    report = meanwhile(rig, "/bucket", {"name": "a", "bucket": "somebody-elses"})

    told = {o.address: o for o in report.outcomes}["bucket.a"]
    assert told.result is Result.FAILED
    assert "bucket.a" not in in_force(open_storage("fbplan.ledger.json", rig.folder)).ledger.entries


def test_a_key_of_that_name_that_is_another_one_is_not_deleted(rig: Rig) -> None:
    rig.spec(SPEC)

    meanwhile(rig, "/apikey", {"name": "w", "accessType": "READ"})

    assert [key["accessType"] for key in rig.keys("app").values()] == ["READ"]
