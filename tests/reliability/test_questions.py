"""What only a person can tell is asked, and each answer that the question names ends it (L4, L7)."""

from __future__ import annotations

import pytest
from rig import Rig

from fbplan.errors import ExitCode, Refused
from fbplan.outcome import Report
from fbplan.plan import Refusal
from fbplan.render.human import plan_text

NOTHING = "buckets: {}\n"
BUCKET = "  a: {bucket: acme-a, storage_type: S3, region: r, key: {env: K}, secret: {env: S}, soft_cap: {limit: 1GB}}\n"
LOST = "buckets:\n" + BUCKET
OTHER = "buckets:\n" + BUCKET.replace("a: {bucket: acme-a", "b: {bucket: acme-b")


def register(rig: Rig, name: str = "a", bucket: str = "acme-a") -> str:
    """A bucket made by hand."""
    workspace = rig.http("GET", "/workspace")["workspaces"][0]["id"]
    sent = {"name": name, "bucket": bucket, "storageType": "S3", "region": "r", "key": "k", "secret": "s"}
    return str(rig.http("POST", "/bucket", {"workspaceId": workspace, **sent})["bucketId"])


def lose_a_create(rig: Rig) -> Report:
    """bucket.a is sent, never arrives, and nobody answers; the next apply would still look for it."""
    rig.spec(LOST)
    rig.fault(method="POST", path="/bucket", fault="cut-before")
    report = rig.apply()
    assert report.exit_code is ExitCode.PARTIAL
    return report


def asked(rig: Rig) -> Refusal:
    plan = rig.plan()
    assert [r.guard for r in plan.refusals] == ["unsettled"], plan_text(plan)
    return plan.refusals[0]


def test_what_nobody_declares_any_more_is_asked_and_not_deleted(rig: Rig) -> None:
    lose_a_create(rig)
    rig.spec(OTHER)
    register(rig)

    refusal = asked(rig)

    assert refusal.address == "bucket.a"
    assert "ours, or made by hand" in refusal.what
    assert "`forget:`" in refusal.fix


def test_forget_leaves_it_alone(rig: Rig) -> None:
    lose_a_create(rig)
    theirs = register(rig)

    rig.spec(OTHER + "forget: [{address: bucket.a, reason: made by hand}]\n")
    report = rig.apply()

    assert report.exit_code is ExitCode.OK
    rig.spec(OTHER)
    assert not rig.plan().has_changes, plan_text(rig.plan())
    assert rig.ids("bucket")["a"] == theirs


def test_delete_takes_it_away(rig: Rig) -> None:
    lose_a_create(rig)
    register(rig)

    rig.spec(OTHER + "delete: [{address: bucket.a, reason: ours}]\n")
    assert rig.apply().exit_code is ExitCode.OK

    assert rig.ids("bucket").keys() == {"b"}


def test_while_it_is_declared_it_is_ours_after_all(rig: Rig) -> None:
    lose_a_create(rig)
    register(rig)

    plan = rig.plan()

    assert plan.refusals == ()
    assert not plan.has_changes or [c.action.value for c in plan.changes] == ["update"], plan_text(plan)


def test_nothing_is_asked_of_what_did_not_come(rig: Rig) -> None:
    lose_a_create(rig)
    rig.spec(OTHER)

    assert rig.apply().exit_code is ExitCode.OK
    assert rig.ids("bucket").keys() == {"b"}


def test_a_bucket_under_another_name_is_asked_about(rig: Rig) -> None:
    lose_a_create(rig)
    theirs = register(rig, name="renamed")

    refusal = asked(rig)

    assert "under another name than 'a'" in refusal.what
    rig.http("PUT", f"/bucket/{theirs}", {"name": "a"})
    assert rig.apply().exit_code is ExitCode.OK
    assert rig.ids("bucket") == {"a": theirs}


def test_a_saved_plan_does_not_pass_over_a_question(rig: Rig) -> None:
    from fbplan.cli.recovering import require_settled

    lose_a_create(rig)
    rig.spec(OTHER)
    register(rig)

    with pytest.raises(Refused, match="ours, or made by hand"):
        require_settled(rig.recover().questions, rig.plan())


def test_a_sentence_about_an_address_is_told_once(rig: Rig) -> None:
    lose_a_create(rig)
    rig.fault(method="POST", path="/bucket", fault="cut-before")
    assert rig.apply().exit_code is ExitCode.PARTIAL

    told = [sentence for sentence in rig.recover().story if "bucket.a" in sentence]

    assert len(told) == len(set(told))
