"""What must be true of an apply in which something went wrong, looked up in the emulator itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from fault_bench import PASSWORD, Bench, Prepared
from rig import CANARIES

from fbplan.errors import Ambiguous, ExitCode, Lost, SinkFailed, Stale
from fbplan.kinds.base import split_address
from fbplan.ledger import Ledger
from fbplan.outcome import Outcome, Report, Result
from fbplan.plan import Step, Verb

ANSWERED = {401, 429}
"""The server said that it did nothing: sending again is no blind repeat."""


def is_in_effect(bench: Bench, prepared: Prepared, step: Step) -> bool:
    """Whether the emulator holds what the step is for."""
    kind = split_address(step.address)[0]
    there, before = bench.rows()[kind], prepared.before[kind]
    if step.verb in {Verb.CREATE, Verb.ISSUE}:
        new = [row for remote, row in there.items() if remote not in before]
        return any(kind == "credential" or row[0] == step.sets["name"] for row in new)
    remote = _meant(prepared, step)
    return remote not in there if step.verb is Verb.DELETE else there.get(remote) != before[remote]


def _meant(prepared: Prepared, step: Step) -> str:
    return prepared.planned.observation.world.raw[step.address].id


def reported_truthfully(bench: Bench, prepared: Prepared, report: Report) -> None:
    """Done only if it is there; failed or skipped only if it is not; what nobody knows is said to be unknown or lost."""
    steps = {step.id: step for step in prepared.planned.plan.steps}
    assert {o.step for o in report.outcomes} >= steps.keys(), "every step has an outcome"
    for outcome in report.outcomes:
        step = steps.get(outcome.step)
        if step is None:
            continue
        holds = is_in_effect(bench, prepared, step)
        match outcome.result:
            case Result.DONE:
                assert holds, f"{step.id} is reported done and is not there"
            case Result.SKIPPED:
                assert outcome.told, f"{step.id} is skipped without a reason"
                assert not holds or _shares_object(step, steps), f"{step.id} is reported skipped and is there"
            case Result.FAILED if not _is_open(outcome):
                assert outcome.told, f"{step.id} failed without a reason"
                assert not holds or _shares_object(step, steps), f"{step.id} is reported failed and is there"
            case Result.FAILED | Result.UNKNOWN:
                assert any(
                    word in outcome.told
                    for word in ("lost", "broke", "failed with status", "holds no id", "answered by", "could not be")
                )
    assert report.wrote == any(o.result in {Result.DONE, Result.UNKNOWN} for o in report.outcomes)
    assert (report.exit_code is ExitCode.OK) == all(o.result is Result.DONE for o in report.outcomes)


def _is_open(outcome: Outcome) -> bool:
    fault = outcome.fault
    return isinstance(fault, Lost | Ambiguous) or (isinstance(fault, SinkFailed) and not fault.is_taken_back)


def _shares_object(step: Step, steps: Mapping[str, Step]) -> bool:
    return sum(s.address == step.address for s in steps.values()) > 1


def dependants_are_skipped(prepared: Prepared, report: Report) -> None:
    """A step whose needs are not done does not begin, and names the one that it waited for."""
    results = {o.step: o for o in report.outcomes}
    for step in prepared.planned.plan.steps:
        waits = [n for n in step.needs if n in results and results[n].result is not Result.DONE]
        if not waits:
            continue
        own = results[step.id]
        assert own.result is Result.SKIPPED or isinstance(own.fault, Stale), f"{step.id} began before {waits}"
        if own.result is Result.SKIPPED:
            assert any(n.replace(":", " ") in own.told for n in waits) or own.told.startswith(
                ("not started", "the routing policy")
            ), own.told


def nothing_is_repeated_blindly(requests: Iterable[Mapping[str, Any]]) -> None:
    """Between two POSTs for one object there is a look, unless the first was turned away."""
    open_posts: Counter[tuple[str, str]] = Counter()
    for row in requests:
        path, body = str(row["path"]), row["body"] if isinstance(row["body"], dict) else {}
        if row["method"] == "GET":
            open_posts = Counter({key: n for key, n in open_posts.items() if key[0] != path})
        elif row["method"] == "POST" and path not in {"/user/login", "/user/refresh"}:
            key = (path, str(body.get("name") or body.get("description")))
            assert not open_posts[key], f"a second POST {key} without a look in between"
            if row["status"] not in ANSWERED:
                open_posts[key] += 1


def nothing_leaks(bench: Bench, texts: Iterable[str]) -> None:
    """No secret that was sent or issued stands anywhere but in a sink."""
    seen = b"\n".join((*bench.texts().values(), *(t.encode() for t in texts)))
    for secret in (*CANARIES, PASSWORD, *bench.issued.values()):
        assert secret.encode() not in seen, "a secret stands outside of its sink"


def texts_of(report: Report) -> list[str]:
    faults = [o.fault for o in report.outcomes if o.fault is not None]
    return [repr(report), *(o.told for o in report.outcomes), *(f"{f} {f.next} {f!r}" for f in faults)]


def all_is_as_without_the_fault(bench: Bench, prepared: Prepared, ledger: Ledger) -> None:
    """Exactly what was declared, and what is foreign as it was: nothing twice, nothing left behind, nothing forgotten."""
    there = bench.rows()
    for kind, reached in prepared.reached.items():
        assert Counter(there[kind].values()) == Counter(reached.values()), f"{kind}: not what the spec declares"
        ours = {live.id for live in prepared.planned.observation.world.raw.values()}
        foreign = reached.keys() & prepared.before[kind].keys() - ours
        assert {r: there[kind].get(r) for r in foreign} == {r: reached[r] for r in foreign}, (
            f"{kind}: a foreign object was touched"
        )
    live = {remote for rows in there.values() for remote in rows}
    assert set(ledger.entries) == prepared.owned
    assert {remote for e in ledger.entries.values() for remote in e.ids} <= live, "the ledger holds what is gone"


def every_key_is_in_its_sink(bench: Bench, ledger: Ledger) -> None:
    """A key that fbplan issued opens something, and its secret is where it belongs."""
    live, sinks = bench.live_keys(), bench.sinks()
    for address, entry in ledger.entries.items():
        if split_address(address)[0] == "api_key":
            assert entry.keys[-1].key_id == live[entry.id]
            assert sinks.get(live[entry.id]) == bench.issued[live[entry.id]], (
                f"{address}: its sink holds another secret"
            )
