"""The laws of the design over random worlds: each test bears the name of its law."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st
from rig import CANARIES, Rig
from worlds import hand_edits, specs

from fbplan.errors import ExitCode
from fbplan.plan import plan_json
from fbplan.render.human import plan_text
from fbplan.render.machine import plan_document
from fbplan.render.markdown import plan_markdown

WORLDS = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    print_blob=True,
    derandomize="CI" in os.environ,
)


@contextmanager
def fresh(**switches: object) -> Iterator[Rig]:
    with tempfile.TemporaryDirectory() as folder:
        rig = Rig(Path(folder), **switches)
        try:
            yield rig
        finally:
            rig.close()


def write(rig: Rig, spec: dict[str, Any]) -> None:
    rig.path.write_text(yaml.safe_dump(spec, sort_keys=False), encoding="utf-8")


def allowed(rig: Rig) -> tuple[str, ...]:
    """Every allowance that the plan asks for."""
    return tuple(sorted({r.allow for r in rig.plan().refusals if r.allow}))


def edit_by_hand(rig: Rig, edits: list[tuple[str, int]]) -> None:
    workspace = rig.http("GET", "/workspace")["workspaces"][0]["id"]
    for what, which in edits:
        names, homes = sorted(rig.ids("bucket").items()), sorted(rig.ids("repository").items())
        if what == "foreign-bucket":
            rig.http(
                "POST",
                "/bucket",
                {
                    "name": f"foreign{which}",
                    "bucket": f"foreign{which}",
                    "storageType": "S3",
                    "region": "x",
                    "workspaceId": workspace,
                    "key": "k",
                    "secret": "s",
                },
            )
        elif what in {"region", "rename", "delete-bucket"} and names:
            name, remote = names[which % len(names)]
            if what == "delete-bucket":
                rig.http("DELETE", f"/bucket/{remote}")
            else:
                rig.http(
                    "PUT",
                    f"/bucket/{remote}",
                    {"region": "mars-1"} if what == "region" else {"name": f"{name} by hand"},
                )
        elif homes:
            home, remote = homes[which % len(homes)]
            keys = sorted(rig.keys(home).items())
            if what == "foreign-key":
                rig.http("POST", f"/repo/{remote}/apikey", {"name": f"theirs{which}", "accessType": "READ"})
            elif keys and what == "delete-key":
                rig.http("DELETE", f"/repo/{remote}/apikey/{keys[0][1]['id']}")
            elif keys and what == "downgrade":
                rig.http(
                    "PUT", f"/repo/{remote}/apikey/{keys[0][1]['id']}", {"name": keys[0][0], "accessType": "ADMIN"}
                )


def foreign(rig: Rig) -> list[Any]:
    """Everything that no spec here ever declares."""
    workspace = rig.http("GET", "/workspace")["workspaces"][0]["id"]
    rows = [
        b for b in rig.http("GET", f"/bucket?workspaceId={workspace}")["buckets"] if b["name"].startswith("foreign")
    ]
    keys = [
        k for home in rig.ids("repository") for name, k in sorted(rig.keys(home).items()) if name.startswith("theirs")
    ]
    return [*sorted(rows, key=lambda b: b["id"]), *sorted(keys, key=lambda k: k["id"])]


def drain_to_the_end(rig: Rig, allow: tuple[str, ...]) -> None:
    """Let time pass until nothing waits: each thing goes when it is due, and no plan before that does anything."""
    rig.forget_calls()
    for _ in range(3):
        plan = rig.plan(*allow)
        if not plan.waiting:
            break
        first = min(w.remaining for w in plan.waiting)
        rig.pass_time(first - 1)
        early = rig.plan(*allow)
        assert early.plan_id == plan.plan_id, "L8: waiting is no part of the id"
        assert not early.has_changes
        rig.pass_time(1)
        ripe = rig.planned(*allow)
        assert ripe.plan.due
        assert not ripe.plan.refusals, "what was let through once is not refused a second time"
        assert all(c.is_due for c in ripe.plan.changes)
        rig.pass_time(1)
        assert rig.plan(*allow).plan_id == ripe.plan.plan_id, "L8: equal due set, equal id"
        assert rig.execute(ripe).exit_code is ExitCode.OK
        assert not rig.plan(*allow).has_changes, "L1"
    assert not rig.plan(*allow).waiting


@given(specs(), specs(), hand_edits())
@WORLDS
def test_L1_L2_L6_L7_L8_any_world_converges_on_any_spec(
    first: dict[str, Any], second: dict[str, Any], edits: list[tuple[str, int]]
) -> None:
    with fresh() as rig:
        rig.pass_time(0)
        write(rig, first)
        assert rig.apply().exit_code is ExitCode.OK
        assert not rig.plan().has_changes, "L1"
        edit_by_hand(rig, edits)
        theirs = foreign(rig)
        write(rig, second)

        allow = allowed(rig)
        rig.forget_calls()
        planned, twin = rig.planned(*allow), rig.planned(*allow)
        assert rig.calls() == [], "L2: a plan makes no writes"
        assert planned.plan == twin.plan, "L8: equal inputs, equal plans"
        assert plan_document(planned.plan, ExitCode.OK) == plan_document(twin.plan, ExitCode.OK), "L8: equal bytes"
        if planned.plan.refusals:
            event("refused: " + ", ".join(sorted({r.guard for r in planned.plan.refusals})))
            return

        rig.watch()
        report = rig.execute(planned)
        assert report.exit_code is ExitCode.OK, [o for o in report.outcomes if o.result != "done"]
        again = rig.plan(*allow)
        assert not again.has_changes, f"L1: {plan_text(again)}"
        assert foreign(rig) == theirs_left(rig, theirs), "L7: foreign objects are untouched"
        if again.waiting:
            event("drained")
            drain_to_the_end(rig, allow)
            assert foreign(rig) == theirs_left(rig, theirs), "L7: nor are they when time has passed"
        assert rig.violations() == [], "L6"
        assert not rig.drains(), "what is over is forgotten"
        event("applied")


def theirs_left(rig: Rig, before: list[Any]) -> list[Any]:
    """Foreign objects whose home still stands: a key ends with its repository."""
    return [
        k
        for k in before
        if "bucket" in k or any(k == row for home in rig.ids("repository") for row in rig.keys(home).values())
    ]


@given(specs(), specs())
@settings(WORLDS, max_examples=25)
def test_L3_no_secret_leaves_its_sink(first: dict[str, Any], second: dict[str, Any]) -> None:
    with fresh() as rig:
        texts = []
        for spec in (first, second):
            write(rig, spec)
            planned = rig.planned(*allowed(rig))
            plan = planned.plan
            texts += [plan_text(plan), plan_document(plan, ExitCode.OK), plan_markdown(plan), repr(plan), repr(planned)]
            if not plan.refusals:
                report = rig.execute(planned)
                texts += [repr(report), *(o.told for o in report.outcomes)]
        files = [
            p
            for p in rig.folder.rglob("*")
            if p.is_file() and not {"secrets", "emulator"} & set(p.relative_to(rig.folder).parts)
        ]
        issued = [
            line.split("=", 1)[1]
            for p in (rig.folder / "secrets").rglob("*.env")
            for line in p.read_text().splitlines()
            if line.startswith("FB_KEY_SECRET=")
        ]
        seen = "\n".join(texts).encode() + b"".join(p.read_bytes() for p in files)
        for secret in (*CANARIES, *issued):
            assert secret.strip("'\"").encode() not in seen


@given(specs())
@settings(WORLDS, max_examples=25)
def test_L4_a_lost_ledger_deletes_nothing_and_is_adopted_again(spec: dict[str, Any]) -> None:
    with fresh() as rig:
        write(rig, spec)
        rig.apply()
        (rig.folder / "fbplan.ledger.json").unlink()
        rig.forget_calls()
        planned = rig.planned()
        assert {c.action.value for c in planned.plan.changes} <= {"adopt"}
        assert not planned.plan.refusals
        assert rig.execute(planned).exit_code is ExitCode.OK
        assert rig.calls() == []
        assert not rig.plan().has_changes


@given(specs())
@settings(WORLDS, max_examples=20)
def test_L8_the_order_of_keys_in_the_file_means_nothing(spec: dict[str, Any]) -> None:
    with fresh() as rig:
        write(rig, spec)
        one = rig.plan()
        rig.path.write_text(
            "# a comment\n"
            + yaml.safe_dump(
                {
                    **spec,
                    "buckets": dict(reversed(spec["buckets"].items())),
                    "credentials": dict(reversed(spec["credentials"].items())),
                },
                sort_keys=False,
            )
        )
        other = rig.plan()
        assert other.plan_id == one.plan_id
        assert plan_json(other)["policy"] == plan_json(one)["policy"]


@given(st.data())
@settings(WORLDS, max_examples=15)
def test_what_a_saved_plan_says_is_what_happens(data: st.DataObject) -> None:
    with fresh() as rig:
        write(rig, data.draw(specs()))
        rig.apply()
        write(rig, data.draw(specs()))
        plan = rig.plan(*allowed(rig))
        if plan.refusals:
            return
        rig.path.unlink()
        assert rig.apply_saved(plan).exit_code is ExitCode.OK
