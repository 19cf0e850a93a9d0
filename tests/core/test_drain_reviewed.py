"""What was reviewed is what happens, however long it drains; guards and views of what drains."""

from __future__ import annotations

import json

import pytest
from draining import DAY, app, held, world
from rig import Rig
from test_findings import done

from fbplan.errors import ExitCode, FbplanError, Stale
from fbplan.outcome import Result
from fbplan.plan import plan_json, read_plan
from fbplan.receipts import receipt_of
from fbplan.render.history import summary
from fbplan.render.human import plan_text
from fbplan.render.machine import plan_annotations, plan_document
from fbplan.render.markdown import plan_markdown
from fbplan.render.report import verdict


def test_a_saved_plan_does_what_is_in_it_and_leaves_what_fell_due_since(running: Rig) -> None:
    running.spec(world("ac", app("ac")))
    done(running)
    running.pass_time(3600)
    running.spec(world("a", app("a")))
    done(running)
    running.pass_time(DAY - 3600)
    saved = read_plan(json.dumps(plan_json(running.plan())), "saved")
    running.pass_time(3600)
    assert running.apply_saved(saved).exit_code is ExitCode.OK
    assert held(running) == ["a", "c"]
    assert [d.item for d in running.plan().due] == ["bucket.c", "repository.app/bucket.c"]


def test_a_saved_plan_is_stale_once_what_it_removes_was_taken_back(running: Rig) -> None:
    both, one = world("abc", app("abc")), world("abc", app("ac"))
    running.spec(one)
    done(running)
    running.pass_time(DAY)
    saved = running.plan()
    running.spec(both)
    done(running)
    with pytest.raises(Stale, match="dropped or began anew"):
        running.apply_saved(saved)
    running.spec(one)
    done(running)
    with pytest.raises(Stale, match="dropped or began anew"):
        running.apply_saved(saved)
    assert held(running) == ["a", "b", "c"]


def test_an_expected_plan_does_not_grow_stale_overnight(running: Rig) -> None:
    """Three drains of three hours; what was reviewed at each hour is found again after all of them are due."""
    for attached in ("abd", "ad", "d"):
        running.spec(world("abcd", app(attached)))
        done(running)
        running.pass_time(3600)
    running.spec(world("abcd", app("d")).replace("acme-d, storage_type: S3, region: r,", "acme-d, storage_type: S3, region: eu,"))  # fmt: skip
    reviewed = [running.plan()]
    running.pass_time(DAY - 3 * 3600)
    for _ in range(3):
        reviewed.append(running.plan())
        running.pass_time(3600)
    assert [len(plan.due) for plan in reviewed] == [0, 1, 2, 3]
    assert len({plan.plan_id for plan in reviewed}) == 4
    for plan in reviewed:
        found = running.expected(plan.plan_id).plan
        assert (found.plan_id, found.due) == (plan.plan_id, plan.due)
        assert {w.item for w in found.waiting} == {w.item for w in plan.waiting}
    assert running.expected("sha256:another").plan == running.plan()
    assert running.execute(running.expected(reviewed[1].plan_id)).exit_code is ExitCode.OK
    assert held(running) == ["a", "b", "d"]


def test_guards_refuse_when_a_drain_begins_and_not_again_when_it_is_over(running: Rig) -> None:
    limit = "limits: {max_deletes: 1}\n"
    running.spec(world("a", app("a"), rest=limit))
    assert [r.allow for r in running.plan().refusals] == ["max-deletes=2"]
    assert running.apply("max-deletes=2").exit_code is ExitCode.OK
    running.pass_time(DAY)
    assert running.plan().refusals == ()
    running.spec(world("a", rest=limit))
    assert [r.allow for r in running.plan().refusals] == ["max-deletes=3"], "what is new is counted, what is due is not"
    running.spec(world("a", app("a"), rest=limit))
    done(running)


def test_protection_is_asked_about_once(running: Rig) -> None:
    running.spec(world("abc", app("abc")).replace("bucket: acme-b,", "bucket: acme-b, protect: true,"))
    done(running)
    running.spec(world("ac", app("ac")))
    assert [r.guard for r in running.plan().refusals] == ["protect"]
    assert running.apply("delete:bucket.b").exit_code is ExitCode.OK
    running.pass_time(DAY)
    done(running)
    assert "b" not in running.ids("bucket")


def test_a_bucket_whose_repository_only_waits_to_go_is_not_called_in_use(running: Rig) -> None:
    running.spec(world("abc"))
    done(running)
    running.spec(world("ab"))
    assert running.plan().refusals == ()
    done(running)
    running.pass_time(DAY)
    done(running)
    assert sorted(running.ids("bucket")) == ["a", "b"]


def test_every_view_shows_what_waits_and_what_is_due(running: Rig) -> None:
    running.spec(world("ac", app("ac")))
    done(running)
    waiting = running.plan()
    running.pass_time(DAY)
    due = running.plan()
    for plan, word in ((waiting, "waiting"), (due, "due")):
        for view in (plan_text(plan), plan_markdown(plan), plan_annotations(plan), plan_document(plan, ExitCode.OK)):
            assert word in view
            assert "detach bucket.b" in view
            assert "2026-09-22T14:13:20Z" in view
        assert read_plan(json.dumps(plan_json(plan)), "x") == plan
    assert due.due_id in plan_text(due)
    assert due.due_id in plan_markdown(due)
    for text in (plan_text(due), plan_markdown(due)):
        assert text.count("the registration only") == 1, "a due delete says what it does, once"


def test_a_plan_saved_before_drains_is_refused_with_the_way_out(running: Rig) -> None:
    document = {**plan_json(running.plan()), "format_version": 1}
    with pytest.raises(FbplanError, match="another version") as caught:
        read_plan(json.dumps(document), "plan.json")
    assert caught.value.next == "plan again: fbplan plan --out FILE"


def told(rig: Rig) -> tuple[str, str]:
    """What the report and the receipt of an apply say that it did."""
    planned = rig.planned()
    report = rig.execute(planned)
    origin = dict.fromkeys(("who", "host"), "x")
    receipt = receipt_of(planned.plan, report, report.exit_code, at="", seconds=0, command="", **origin)
    assert not report.of(Result.FAILED, Result.SKIPPED)
    return verdict(report, planned.plan), summary(receipt)


def test_report_and_history_say_that_drains_began_and_were_dropped(running: Rig) -> None:
    running.spec(world("ac", app("ac")))
    assert told(running) == ("1 recorded, policy published, 2 drains begun",) * 2
    running.spec(world("abc", app("abc")))
    back = told(running)
    assert back == ("policy published, 2 drains dropped",) * 2
