"""`routing.drain`: publish first, remove later; what waits, what waits with it, and what does not."""

from __future__ import annotations

from draining import DAY, KEYS, T0, app, held, told, world
from rig import Rig
from test_findings import done

from fbplan.errors import ExitCode
from fbplan.render.human import plan_text


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
