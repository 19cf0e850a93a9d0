"""`routing.drain`: publish first, remove later; when, what waits with it, and what calls it off."""

from __future__ import annotations

import json

import pytest
from rig import Rig
from test_findings import bucket, done, spec

from fbplan.errors import ExitCode, FbplanError, Stale
from fbplan.plan import Plan, plan_json, read_plan
from fbplan.render.human import plan_text
from fbplan.render.machine import plan_annotations, plan_document
from fbplan.render.markdown import plan_markdown

T0 = 1_790_000_000
DAY = 86_400
KEYS = "w: {access: WRITE, sink: {file: w.env}}, q: {access: WRITE, sink: {file: q.env}}"


def app(attached: str, keys: str = KEYS, drain: str = "24h", name: str = "app", extra: str = "") -> str:
    buckets = ", ".join(f"{{bucket: {b}, folder: {b}}}" for b in attached)
    return (
        f"  {name}:\n    storage_type: S3\n{extra}    buckets: [{buckets}]\n"
        f"    routing: {{order: [{', '.join(attached)}], drain: {drain}}}\n    api_keys: {{{keys}}}\n"
    )


def world(buckets: str, *repositories: str, rest: str = "") -> str:
    return spec(*map(bucket, buckets), rest=("repositories:\n" + "".join(repositories) if repositories else "") + rest)


@pytest.fixture
def running(rig: Rig) -> Rig:
    """Three buckets in one repository that drains for a day, and somebody who watches."""
    rig.now = T0
    rig.spec(world("abc", app("abc")))
    done(rig)
    rig.watch()
    rig.forget_calls()
    return rig


def held(rig: Rig, name: str = "app") -> list[str]:
    """The buckets attached to a repository."""
    rows = rig.http("GET", "/repo")["repos"]
    return sorted(a["bucket"]["name"] for r in rows if r["name"] == name for a in r["buckets"])


def told(plan: Plan) -> list[tuple[str, str, str]]:
    return [(w.address, w.what, w.due_at) for w in plan.waiting]


def test_the_first_apply_publishes_and_notes_and_removes_nothing(running: Rig) -> None:
    running.spec(world("ac", app("ac")))
    plan = running.plan()
    assert plan.has_changes
    assert plan.steps == ()
    assert plan_text(plan).count("its drain of 24h begins with this apply; an apply after then removes it") == 1
    done(running)
    assert running.calls() == []
    assert running.policy()["repositories"]["app"]["order"] == ["a", "c"]
    assert running.drains() == {"bucket.b": T0, "repository.app/bucket.b": T0}
    assert held(running) == ["a", "b", "c"]


def test_what_waits_is_listed_with_its_time_and_is_nothing_to_do(running: Rig) -> None:
    running.spec(world("ac", app("ac")))
    done(running)
    running.pass_time(DAY - 61)
    plan = running.plan()
    assert not plan.has_changes
    assert told(plan) == [
        ("bucket.b", "delete", "2026-09-22T14:13:20Z"),
        ("repository.app", "detach bucket.b", "2026-09-22T14:13:20Z"),
    ]
    assert [w.remaining for w in plan.waiting] == [61, 61]
    assert "due 2026-09-22T14:13:20Z, in 2m · it waits for repository.app to let go of it" in plan_text(plan)
    assert running.apply().exit_code is ExitCode.OK
    assert running.calls() == []


def test_once_due_a_plain_apply_removes_it(running: Rig) -> None:
    running.spec(world("ac", app("ac")))
    done(running)
    running.pass_time(DAY)
    plan = running.plan()
    assert [(d.item, d.step) for d in plan.due] == [
        ("bucket.b", "bucket.b:delete"),
        ("repository.app/bucket.b", "repository.app:narrow"),
    ]
    assert plan.due_id
    assert plan.waiting == ()
    done(running)
    assert running.calls() == [("PUT", "/repo/app"), ("DELETE", "/bucket/b")]
    assert held(running) == ["a", "c"]
    assert running.drains() == {}
    assert running.violations() == []


def test_keys_drain_too_and_a_delete_after_a_downgrade_waits_anew(running: Rig) -> None:
    running.spec(world("abc", app("abc", KEYS.replace("q: {access: WRITE", "q: {access: READ"))))
    done(running)
    assert running.keys("app")["q"]["accessType"] == "WRITE"
    running.pass_time(DAY - 1)
    running.spec(world("abc", app("abc", KEYS.partition(", q:")[0])))
    done(running)
    assert running.drains() == {"repository.app/api_key.app.q": T0 + DAY - 1}
    running.pass_time(DAY - 1)
    assert not running.plan().has_changes
    running.pass_time(1)
    done(running)
    assert sorted(running.keys("app")) == ["w"]
    assert running.violations() == []


def test_a_downgrade_waits_and_then_happens(running: Rig) -> None:
    running.spec(world("abc", app("abc", KEYS.replace("w: {access: WRITE", "w: {access: READ"))))
    done(running)
    assert running.drains() == {"repository.app/api_key.app.w=READ": T0}
    running.pass_time(DAY)
    done(running)
    assert running.keys("app")["w"]["accessType"] == "READ"
    assert running.violations() == []


def test_a_repository_that_left_the_spec_still_drains_with_its_keys_and_buckets(running: Rig) -> None:
    running.spec(world("a"))
    done(running)
    assert running.calls() == []
    assert told(running.plan())[-1] == ("api_key.app.w", "delete", "2026-09-22T14:13:20Z")
    assert len(running.plan().waiting) == 5
    running.pass_time(DAY)
    done(running)
    assert (running.ids("repository"), sorted(running.ids("bucket"))) == ({}, ["a"])
    assert running.drains() == {}
    assert running.violations() == []


def test_unrelated_contract_is_not_held_up(running: Rig) -> None:
    running.spec(world("abcd", app("abc"), app("d", "z: {access: READ, sink: {file: z.env}}", "0s", "other")))
    done(running)
    running.forget_calls()
    running.spec(world("ac", app("ac")))
    done(running)
    assert running.calls() == [
        ("DELETE", "/repo/other/apikey/z"),
        ("DELETE", "/repo/other"),
        ("DELETE", "/bucket/d"),
    ]
    assert held(running) == ["a", "b", "c"]


def test_a_bucket_in_two_repositories_waits_for_the_one_that_drains(running: Rig) -> None:
    other = app("b", "z: {access: READ, sink: {file: z.env}}", "0s", "other").replace("folder: b", "folder: other")
    running.spec(world("abc", app("abc"), other))
    done(running)
    empty = "  other: {storage_type: S3, buckets: [], api_keys: {z: {access: READ, sink: {file: z.env}}}}\n"
    running.spec(world("ac", app("ac"), empty))
    done(running)
    assert held(running, "other") == []
    assert [w.why for w in running.plan().waiting if w.address == "bucket.b"] == [
        "it waits for repository.app to let go of it"
    ]
    running.pass_time(DAY)
    done(running)
    assert "b" not in running.ids("bucket")


def test_what_is_due_leaves_what_still_waits_attached(running: Rig) -> None:
    running.spec(world("abc", app("ac")))
    done(running)
    running.pass_time(DAY // 2)
    running.spec(world("abc", app("a")))
    done(running)
    running.pass_time(DAY // 2)
    done(running)
    assert held(running) == ["a", "c"]
    assert told(running.plan()) == [("repository.app", "detach bucket.c", "2026-09-23T02:13:20Z")]


def test_attaching_meanwhile_keeps_what_waits(running: Rig) -> None:
    running.spec(world("abcd", app("ac")))
    done(running)
    running.spec(world("abcd", app("acd")))
    done(running)
    assert held(running) == ["a", "b", "c", "d"]
    assert running.drains() == {"repository.app/bucket.b": T0}


def test_taken_back_it_is_routed_again_and_a_later_removal_waits_in_full(running: Rig) -> None:
    both, one = world("abc", app("abc")), world("ac", app("ac"))
    running.spec(one)
    done(running)
    running.pass_time(DAY - 1)
    running.spec(both)
    plan = running.plan()
    assert (plan.changes, plan.steps) == ((), ())
    assert [(d.item, d.why) for d in plan.dropped] == [
        ("bucket.b", "it stays"),
        ("repository.app/bucket.b", "it stays"),
    ]
    done(running)
    assert running.calls() == []
    assert running.drains() == {}
    assert running.policy()["repositories"]["app"]["order"] == ["a", "b", "c"]
    running.spec(one)
    done(running)
    running.pass_time(DAY - 1)
    assert not running.plan().has_changes


def test_a_taken_back_bucket_outside_of_the_order_still_drops_its_record(running: Rig) -> None:
    """The policy need not change for it; the record must not live on and shorten a later drain."""
    text = world("abc", app("abc").replace("order: [a, b, c]", "order: [a]"))
    running.spec(text)
    done(running)
    running.spec(world("abc", app("ac").replace("order: [a, c]", "order: [a]")))
    done(running)
    assert running.drains() == {"repository.app/bucket.b": T0}
    running.spec(text)
    assert running.plan().has_changes
    done(running)
    assert running.drains() == {}


def test_detached_by_hand_meanwhile_there_is_nothing_left_to_drain(running: Rig) -> None:
    running.spec(world("abc", app("ac")))
    done(running)
    ids = running.ids("bucket")
    kept = [{"bucketId": ids[n], "folder": n} for n in "ac"]
    body = {"name": "app", "storageType": "S3", "mode": "NORMAL", "repoBuckets": kept}
    assert running.http("PUT", f"/repo/{running.ids('repository')['app']}", body)["success"]
    assert [d.why for d in running.plan().dropped] == ["it is gone already"]
    done(running)
    assert running.drains() == {}


@pytest.mark.parametrize(("drain", "passed", "is_due"), [("1h", 3600, True), ("1h", 3599, False), ("48h", DAY, False), ("48h", 2 * DAY, True), ("0s", 1, True)])  # fmt: skip
def test_a_changed_duration_counts_from_the_recorded_start(running: Rig, drain: str, passed: int, is_due: bool) -> None:
    running.spec(world("ac", app("ac")))
    done(running)
    running.pass_time(passed)
    running.spec(world("ac", app("ac", drain=drain)))
    assert bool(running.plan().due) is is_due
    done(running)
    assert ("b" in running.ids("bucket")) is not is_due


def test_a_clock_that_jumps_back_makes_nothing_due_earlier(running: Rig) -> None:
    running.spec(world("ac", app("ac")))
    done(running)
    for jump, remaining in ((-10 * DAY, DAY), (9 * DAY, DAY), (DAY, DAY), (1, DAY - 1)):
        running.pass_time(jump)
        plan = running.plan()
        assert not plan.has_changes
        assert {w.remaining for w in plan.waiting} == {remaining}
    running.pass_time(DAY - 2)
    assert not running.plan().has_changes
    running.pass_time(1)
    assert running.plan().due


def test_no_drain_begins_when_publishing_fails(running: Rig) -> None:
    path = running.folder / "routing-policy.json"
    kept = path.read_bytes()
    running.spec(world("ac", app("ac")))
    planned = running.planned()
    path.unlink()
    path.mkdir()
    assert running.execute(planned).exit_code is ExitCode.PARTIAL
    assert running.drains() == {}
    path.rmdir()
    path.write_bytes(kept)
    running.pass_time(DAY)
    done(running)
    assert running.drains() == {"bucket.b": T0 + DAY, "repository.app/bucket.b": T0 + DAY}


def test_no_drain_begins_when_what_the_policy_names_did_not_come_to_be(running: Rig) -> None:
    running.spec(world("acd", app("acd")))
    running.fault(method="POST", path="/bucket", fault="500-before", times=9)
    assert running.apply().exit_code is ExitCode.PARTIAL
    assert running.drains() == {}


def test_a_policy_put_back_by_hand_begins_the_drain_anew(running: Rig) -> None:
    path = running.folder / "routing-policy.json"
    old = path.read_bytes()
    running.spec(world("ac", app("ac")))
    done(running)
    path.write_bytes(old)
    running.pass_time(DAY)
    done(running)
    assert running.drains() == {"bucket.b": T0, "repository.app/bucket.b": T0 + DAY}
    assert held(running) == ["a", "b", "c"]
    assert running.violations() == []


def test_a_removal_that_fails_stays_due(running: Rig) -> None:
    running.spec(world("ac", app("ac")))
    done(running)
    running.pass_time(DAY)
    running.fault(method="DELETE", path="/bucket/*", fault="500-before", times=9)
    assert running.apply().exit_code is ExitCode.PARTIAL
    assert running.drains() == {"bucket.b": T0}
    running.http("DELETE", "/_emulator/faults")
    assert [d.item for d in running.plan().due] == ["bucket.b"]
    done(running)


def test_a_mirror_keeps_one_master_while_the_old_one_drains(rig: Rig) -> None:
    def mirror(*rows: str) -> str:
        return f"  app: {{storage_type: S3, mode: MIRROR, buckets: [{', '.join(rows)}], routing: {{drain: 24h}}}}\n"

    rig.now = T0
    rig.spec(world("ab", mirror("{bucket: a, master: true}", "{bucket: b}")))
    done(rig)
    rig.watch()
    rig.spec(world("ab", mirror("{bucket: b, master: true}")))
    done(rig)
    assert held(rig) == ["a", "b"]
    rig.pass_time(DAY)
    done(rig)
    assert held(rig) == ["b"]
    assert rig.violations() == []


def test_a_renamed_repository_finds_the_drains_of_its_keys_again(running: Rig) -> None:
    renamed = app("abc", KEYS.partition(", q:")[0], name="shop", extra="    renamed_from: app\n")
    running.spec(world("abc", renamed))
    done(running)
    assert running.drains() == {"repository.shop/api_key.app.q": T0}
    running.pass_time(DAY)
    done(running)
    assert sorted(running.keys("shop")) == ["w"]


def test_a_drain_is_remembered_as_protect_is(running: Rig) -> None:
    running.spec(world("abc", app("abc", drain="2h")))
    (change,) = running.plan().changes
    assert [(f.path, f.before, f.after) for f in change.fields] == [("routing.drain", "24h", "2h")]
    assert "routing.drain  24h → 2h  (ledger only)" in plan_text(running.plan())
    done(running)
    assert running.calls() == []


def test_without_a_ledger_a_drain_is_refused(rig: Rig) -> None:
    rig.spec("ledger: none\n" + world("ab", app("ab", "q: {access: READ, sink: external}")).replace("\n    api_keys: {q: {access: READ, sink: external}}", ""))  # fmt: skip
    rig.apply()
    rig.spec("ledger: none\n" + world("ab", app("a", "q: {access: READ, sink: external}")).replace("\n    api_keys: {q: {access: READ, sink: external}}", ""))  # fmt: skip
    assert {r.guard for r in rig.plan().refusals} == {"drain"}


# what was reviewed is what happens


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


# guards


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


# views


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


def test_the_report_says_that_drains_began(running: Rig) -> None:
    from fbplan.render.report import verdict

    running.spec(world("ac", app("ac")))
    planned = running.planned()
    assert verdict(running.execute(planned), planned.plan) == "1 recorded, policy published, 2 drains begun"


def test_an_interrupt_before_publishing_begins_no_drain(running: Rig) -> None:
    began: list[object] = []
    running.spec(world("acd", app("acd")))
    planned = running.planned()
    assert planned.plan.begins
    report = running.execute(planned, on_start=began.append, stopped=lambda: bool(began))
    assert report.exit_code is ExitCode.SIGINT
    assert running.drains() == {}
