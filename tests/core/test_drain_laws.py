"""Drains over random histories: specs that come and go while time passes, checked by an account kept outside."""

from __future__ import annotations

from typing import Any

from hypothesis import event, given, settings
from hypothesis import strategies as st
from rig import Rig
from test_laws import WORLDS, allowed, drain_to_the_end, fresh, write
from worlds import histories, specs, trimmed

from fbplan.errors import ExitCode
from fbplan.render.human import plan_text

SPANS = {"1h": 3600, "2h": 7200}
Pair = tuple[str, str]


class Account:
    """Since when the published policy does not name an attachment any more, and how long it has to wait at least."""

    def __init__(self) -> None:
        self._unnamed: dict[Pair, int] = {}
        self._attached: set[Pair] = set()
        self._seconds: dict[str, int] = {}
        self._names: dict[str, str] = {}

    def take(self, rig: Rig, spec: dict[str, Any]) -> None:
        """After an apply of `spec`: nothing went before its time."""
        now = rig.now or 0
        rows = rig.http("GET", "/repo")["repos"]
        attached = {(r["id"], a["bucketId"]) for r in rows for a in r["buckets"]}
        self._names |= {r["id"]: r["name"] for r in rows}
        for name, entry in spec["repositories"].items():
            self._seconds[name] = SPANS.get(entry.get("routing", {}).get("drain"), 0)
        named = self._named(rig)
        for pair in sorted(self._attached - attached):
            waited = now - self._unnamed.get(pair, now)
            assert waited >= self._seconds[self._names[pair[0]]], f"{pair} went after {waited} s"
            event("went after its drain" if waited else "went at once")
        self._unnamed = {pair: self._unnamed.get(pair, now) for pair in attached - named}
        self._attached = attached

    @staticmethod
    def _named(rig: Rig) -> set[Pair]:
        if not (rig.folder / "routing-policy.json").exists():
            return set()
        policy = rig.policy()
        return {
            (policy["repositories"][home]["repo_id"], bucket["bucket_id"])
            for bucket in policy["buckets"].values()
            for home in bucket.get("folders", {})
        }


@given(histories())
@settings(WORLDS, max_examples=30)
def test_L1_L6_drains_hold_through_any_history(history: list[tuple[dict[str, Any], int]]) -> None:
    with fresh() as rig:
        rig.pass_time(0)
        rig.watch()
        account = Account()
        for place, (spec, seconds) in enumerate(history, 1):
            write(rig, spec)
            allow = allowed(rig)
            planned = rig.planned(*allow)
            if planned.plan.refusals:
                event("refused")
                continue
            report = rig.execute(planned)
            assert report.exit_code is ExitCode.OK, [o for o in report.outcomes if o.result != "done"]
            again = rig.plan(*allow)
            assert not again.has_changes, f"L1: {plan_text(again)}"
            assert set(rig.drains()) == {w.item for w in again.waiting}, "the ledger remembers what waits, and no more"
            account.take(rig, spec)
            rig.pass_time(seconds)
            if place == len(history):
                assert not again.waiting, "what began has ended"
        assert rig.violations() == [], "L6"


@given(st.data())
@settings(WORLDS, max_examples=25)
def test_L8_what_was_reviewed_is_found_again_whatever_fell_due_since(data: st.DataObject) -> None:
    with fresh() as rig:
        rig.pass_time(0)
        first = data.draw(specs(drains=True))
        for spec in (first, data.draw(trimmed(first))):
            write(rig, spec)
            if rig.plan(*allowed(rig)).refusals:
                return
            rig.apply(*allowed(rig))
        waiting = rig.plan()
        reviewed = [waiting]
        start = rig.now or 0
        for moment in sorted({w.remaining for w in waiting.waiting}):
            rig.now = start + moment
            reviewed.append(rig.plan())
        for plan in reviewed:
            assert rig.expected(plan.plan_id).plan.plan_id == plan.plan_id
        if waiting.waiting:
            event("drained")
            rig.now = start
            drain_to_the_end(rig, ())
