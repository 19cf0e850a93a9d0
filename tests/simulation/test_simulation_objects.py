"""A small fleet object by object, every writer on its own, beside the simulation that lets one decide for all."""

from __future__ import annotations

import pytest
from simulation_world import GB, MB, START, cap, evenly, policy, reached

from fbplan.runtime.decision import decide, noted
from fbplan.runtime.grants import share_out, terms_of
from fbplan.runtime.state import State, charged
from fbplan.runtime.usage import BucketUse, MeterUse, Usage
from fbplan.runtime.view import Request, View
from fbplan.simulation.play import simulate

POLL, LAG = 60_000, 120_000


def object_by_object(subject, daily, days, size):
    """Bytes in each bucket, and when each was written to last. Writers take turns; an object is written whole."""
    found, repository = subject.policy, subject.policy.repositories["r"]
    writers = {f"w{n}": State() for n in range(subject.fleets["r"])}
    written = {name: [(START, 0)] for name in found.buckets}
    memory = dict.fromkeys(found.buckets, ())
    terms = {name: terms_of(found, name, POLL, LAG) for name in found.buckets}
    count, usage, polls, last = days * daily // size, None, -1, {}
    for number in range(count):
        now = START + number * days * 86_400_000 // count
        while polls < (now - START) // POLL:
            polls += 1
            at = START + polls * POLL
            uses = {}
            for name, bucket in found.buckets.items():
                used = next((total for ms, total in reversed(written[name]) if ms <= at - LAG), 0)
                meters = {}
                for limit in bucket.written:
                    made = share_out(
                        (limit.soft, limit.hard),
                        used,
                        memory[name],
                        name=name,
                        now_ms=at,
                        as_of_ms=at - LAG,
                        terms=terms[name],
                    )
                    memory[name] = made.memory
                    meters[limit.name] = MeterUse("2026-11", used, made.grants[0].size, made.grants[1].size, None)
                uses[name] = BucketUse("ok", meters, at + terms[name].ttl_ms, 1, "ONLINE", 0, 0)
            usage = Usage(1, polls + 1, "", at, at - LAG, POLL, uses)
        writer = f"w{number % len(writers)}"
        view = View(found, repository, usage, now, writer, simple=False, expects_usage=True)
        decision = decide(view, writers[writer], now, Request(size))
        writers[writer] = noted(writers[writer], decision)
        if decision.bucket is not None:
            writers[writer] = charged(writers[writer], view, now, decision.bucket, size)
            written[decision.bucket].append((now, written[decision.bucket][-1][1] + size))
            last[decision.bucket] = now
    return {name: totals[-1][1] for name, totals in written.items()}, last


@pytest.mark.parametrize(("writers", "soft", "size"), [(1, "100%", 2 * MB), (5, "80%", MB), (10, "60%", 4 * MB)])
def test_one_writer_stands_for_all(writers, soft, size):
    subject = policy({"a": cap("8GB", soft), "b": cap("4GB")}, fleet=writers)
    daily, days = 20 * GB, 1

    single, last = object_by_object(subject, daily, days, size)
    found = simulate(subject, evenly(daily, days, size))

    for bucket in found.buckets:
        assert bucket.written == pytest.approx(single[bucket.name], abs=12 * writers * size)
        _, hard_ms = reached(found, bucket.name)
        assert abs(hard_ms - last[bucket.name]) <= 15 * 60_000 or bucket.name == "b"
        assert single[bucket.name] <= bucket.cap.hard
