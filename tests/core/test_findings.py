"""Sequences that once went wrong, each told as a story: whose object it is, what is still routed, what must heal."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from rig import CANARIES, Rig

from fbplan.errors import ExitCode, Stale
from fbplan.render.human import plan_text


def bucket(name: str, extra: str = "", key: str = "K", at: str | None = None) -> str:
    return f"  {name}: {{bucket: {at or 'acme-' + name}, storage_type: S3, region: r, key: {{env: {key}}}, secret: {{env: S}}, soft_cap: {{limit: 1GB}}{extra}}}\n"


def spec(*buckets: str, rest: str = "") -> str:
    return "buckets:\n" + "".join(buckets) + rest


def repository(name: str, order: str, keys: str = "w: {access: WRITE, sink: {file: w.env}}", extra: str = "") -> str:
    attached = ", ".join(f"{{bucket: {b}, folder: {b}}}" for b in sorted(order))
    return f"repositories:\n  {name}:\n    storage_type: S3\n{extra}    buckets: [{attached}]\n    routing: {{order: [{', '.join(order)}]}}\n    api_keys: {{{keys}}}\n"


def by_hand(rig: Rig, name: str, provider_bucket: str) -> None:
    workspace = rig.http("GET", "/workspace")["workspaces"][0]["id"]
    rig.http(
        "POST",
        "/bucket",
        {
            "name": name,
            "bucket": provider_bucket,
            "storageType": "S3",
            "region": "r",
            "workspaceId": workspace,
            "key": "k",
            "secret": "s",
        },
    )


def done(rig: Rig, *allow: str) -> None:
    report = rig.apply(*allow)
    assert report.exit_code is ExitCode.OK, [o for o in report.outcomes if o.result != "done"]
    assert not rig.plan(*allow).has_changes, plan_text(rig.plan(*allow))


def test_L7_a_foreign_object_that_took_the_name_of_ours_is_left_alone(rig: Rig) -> None:
    rig.spec(spec(bucket("x"), bucket("y")))
    done(rig)
    rig.http("DELETE", f"/bucket/{rig.ids('bucket')['x']}")
    by_hand(rig, "x", "theirs")
    assert {r.guard for r in rig.plan().refusals} >= {"replace"}
    rig.spec(spec(bucket("y")))
    assert [c.action.value for c in rig.plan().changes] == ["forget"]
    done(rig)
    assert "x" in rig.ids("bucket")


@pytest.mark.parametrize("twin", [False, True])
def test_L7_a_saved_delete_is_stale_once_the_object_is_not_ours(rig: Rig, twin: bool) -> None:
    rig.spec(spec(bucket("x"), bucket("y")))
    done(rig)
    rig.spec(spec(bucket("y")))
    saved = rig.plan()
    if twin:
        rig.http("DELETE", f"/bucket/{rig.ids('bucket')['x']}")
        by_hand(rig, "x", "acme-x")
    else:
        rig.spec(spec(bucket("y"), rest="forget: [{address: bucket.x, reason: moved}]\n"))
        done(rig)
    with pytest.raises(Stale):
        rig.apply_saved(saved)
    assert "x" in rig.ids("bucket")


def test_L6_a_saved_plan_never_publishes_an_older_policy_over_a_newer_one(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(rig.folder)
    both = spec(bucket("a"), bucket("b"), rest=repository("r", "ab"))
    rig.spec(both)
    done(rig)
    rig.spec(spec(bucket("a"), bucket("b"), rest=repository("r", "ba")))
    saved = rig.plan()
    rig.spec(spec(bucket("a"), bucket("b"), rest=repository("r", "b")))
    done(rig)
    with pytest.raises(Stale):
        rig.apply_saved(saved)
    assert rig.policy()["repositories"]["r"]["order"] == ["b"]


def test_a_failed_replace_that_is_taken_back_heals_and_deletes_nothing(rig: Rig) -> None:
    rig.spec(spec(bucket("x", ", protect: true"), bucket("y")))
    done(rig)
    before = rig.ids("bucket")["x"]
    rig.spec(spec(bucket("x", ", protect: true", at="other"), bucket("y")))
    rig.fault(method="POST", path="/bucket", fault="500-before", times=3)
    assert rig.apply("replace:bucket.x").exit_code is ExitCode.PARTIAL
    rig.http("DELETE", "/_emulator/faults")
    rig.spec(spec(bucket("x", ", protect: true"), bucket("y")))
    done(rig)
    assert rig.ids("bucket")["x"] == before


def test_a_replace_beside_a_bucket_called_replaced_touches_only_its_own(rig: Rig) -> None:
    rig.spec(spec(bucket("x"), bucket("x-replaced", ", protect: true")))
    done(rig)
    kept = rig.ids("bucket")["x-replaced"]
    rig.spec(spec(bucket("x", at="other"), bucket("x-replaced", ", protect: true")))
    done(rig, "replace:bucket.x")
    assert rig.ids("bucket")["x-replaced"] == kept


def test_a_dead_newest_generation_is_noticed_and_issued_again(rig: Rig) -> None:
    rig.spec(spec(bucket("a"), rest=repository("r", "a")))
    done(rig)
    rig.spec(spec(bucket("a"), rest=repository("r", "a", "w: {access: WRITE, sink: {file: v.env}}")))
    done(rig)
    newest = rig.keys("r")["w.g2"]
    rig.http("DELETE", f"/repo/{rig.ids('repository')['r']}/apikey/{newest['id']}")
    assert [c.action.value for c in rig.plan().changes] == ["rotate"]
    done(rig)
    held = (rig.folder / "v.env").read_text()
    assert rig.policy()["repositories"]["r"]["keys"]["write"]["key_id"] in {k["key"] for k in rig.keys("r").values()}
    assert rig.policy()["repositories"]["r"]["keys"]["write"]["key_id"] in held


def test_a_version_added_later_sends_the_secret_once(rig: Rig) -> None:
    rig.spec(spec(bucket("a")))
    done(rig)
    rig.spec(spec(bucket("a", ", version: 1")))
    assert [f.path for c in rig.plan().changes for f in c.fields] == ["version"]
    done(rig)


def test_L3_a_refusal_that_quotes_what_was_sent_is_masked(rig: Rig) -> None:
    from fbplan.errors import ApiFault

    rig.spec(spec(bucket("a")))
    planned = rig.planned()

    def quoting(method: str, path: str, body: Any) -> None:
        if path == "/bucket":
            raise ApiFault(
                "refused", "", f"cannot log in with {body['key']} / {body['secret']}", f"not {body['secret']}"
            )

    rig.observer = quoting
    report = rig.execute(planned)
    assert report.exit_code is ExitCode.PARTIAL
    assert not any(canary in repr(report) for canary in CANARIES)


@pytest.mark.parametrize("keys", ["w: {access: ADMIN, sink: {file: w.env}}", "w: {access: WRITE, sink: {file: w.env}}"])
def test_a_repository_renamed_with_its_keys_keeps_every_key_whatever_fails(rig: Rig, keys: str) -> None:
    rig.spec(
        spec(
            bucket("a"),
            rest=repository(
                "r", "a", "w: {access: WRITE, sink: {file: w.env}}, q: {access: READ, sink: {file: q.env}}"
            ),
        )
    )
    done(rig)
    ids = {k["id"] for name, k in rig.keys("r").items() if name == "w"}
    rig.spec(spec(bucket("a"), rest=repository("s", "a", keys, "    renamed_from: r\n")))
    rig.fault(method="PUT", path="/repo/*/apikey/*", fault="500-before")
    rig.apply()
    rig.http("DELETE", "/_emulator/faults")
    done(rig)
    assert {name: k["id"] for name, k in rig.keys("s").items()} == {"w": next(iter(ids))}, (
        "q was dropped and is gone, w is the same key"
    )


def test_guards_look_at_the_former_address_too(open_rig: Callable[..., Rig]) -> None:
    rig = open_rig("protect")
    rig.spec(spec(bucket("a", ", protect: true")))
    done(rig)
    rig.spec(spec(bucket("b", ", renamed_from: a", at="other")))
    assert "protect" in {r.guard for r in rig.plan().refusals}
    rig = open_rig("routed")
    rig.spec(spec(bucket("a"), bucket("c"), rest=repository("r", "ac")))
    done(rig)
    rig.spec(spec(bucket("b", ", renamed_from: a", at="acme-a"), bucket("c"), rest=repository("r", "c")))
    assert "rename" in {r.guard for r in rig.plan().refusals}
    (rig.folder / "routing-policy.json").write_text("torn")
    assert "rename" in {r.guard for r in rig.plan().refusals}, (
        "a policy that cannot be read may route anything attached"
    )


def test_ten_keys_move_with_their_repository_without_a_false_alarm(rig: Rig) -> None:
    keys = ", ".join(f"k{i}: {{access: READ, sink: {{file: k{i}.env}}}}" for i in range(10))
    rig.spec(spec(bucket("a"), rest="limits: {max_change: 100%}\n" + repository("r", "a", keys)))
    done(rig)
    rig.spec(
        spec(bucket("a"), rest="limits: {max_change: 100%}\n" + repository("s", "a", keys, "    renamed_from: r\n"))
    )
    assert rig.plan().refusals == ()
    done(rig)


def test_no_ledger_and_a_rename_converge(rig: Rig) -> None:
    rig.spec("ledger: none\n" + spec(bucket("a")))
    rig.apply()
    rig.spec("ledger: none\n" + spec(bucket("b", ", renamed_from: a, adopt: true", at="acme-a")))
    done(rig)


def test_a_name_that_looks_like_an_address_is_only_a_name(rig: Rig) -> None:
    rig.spec(spec(bucket("a", ', name: "bucket.b"'), bucket("b", ', name: "bucket.a"')))
    done(rig)


def test_a_saved_plan_that_publishes_applies(rig: Rig) -> None:
    rig.spec(spec(bucket("a"), bucket("b"), rest=repository("r", "ab")))
    saved = rig.plan()
    assert saved.policy is not None
    assert saved.policy.replaces == "none"
    assert rig.apply_saved(saved).exit_code is ExitCode.OK
    rig.spec(spec(bucket("a"), bucket("b"), rest=repository("r", "ba")))
    assert rig.apply_saved(rig.plan()).exit_code is ExitCode.OK
    assert rig.policy()["repositories"]["r"]["order"] == ["b", "a"]


def test_L6_an_order_over_attachments_left_to_others_must_fit_them(rig: Rig) -> None:
    rig.spec(spec(bucket("a"), rest="repositories:\n  r: {storage_type: S3, routing: {order: [a]}}\n"))
    assert [r.guard for r in rig.plan().refusals] == ["unattached"]


def test_a_moved_sink_is_recorded_and_undeclared_keys_are_counted_with_their_repository(rig: Rig) -> None:
    rig.spec(spec(bucket("a"), rest=repository("r", "a")))
    done(rig)
    (rig.folder / "w.env").rename(rig.folder / "v.env")
    rig.spec(spec(bucket("a"), rest=repository("r", "a", "w: {access: WRITE, sink: {file: v.env}}")))
    done(rig)
    (rig.folder / "v.env").unlink()
    assert not rig.plan().has_changes, "an absent file sink means: not on this machine"
    rig.http("POST", f"/repo/{rig.ids('repository')['r']}/apikey", {"name": "theirs", "accessType": "READ"})
    rig.spec(spec(bucket("a")))
    assert "1 of its 2 API keys are not declared here and end with it" in plan_text(rig.plan())
