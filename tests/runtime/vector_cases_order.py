"""Rules 3 to 6: health, hysteresis, order, and what is said when nothing is open."""

from __future__ import annotations

from runtime_world import T0, meter, policy_document
from vector_case import OPEN, PLENTY, REFUSED, Case, Step, grants, ramp_policy

CASES: dict[str, Case] = {
    "breaker": Case(
        "3.breaker 8.transient",
        "two failures in a row and a bucket rests for 5 s; then one request tries it, and the rest doubles",
        [
            Step(T0, f"stored b 5.ordered | {OPEN}", usage="1", script=[REFUSED, REFUSED]),
            Step(T0 + 1_000, "stored b 5.ordered | a:3.breaker b:2.open c:2.open", usage="1"),
            Step(T0 + 6_000, f"stored b 5.ordered | {OPEN}", usage="1", script=[REFUSED]),
            Step(T0 + 15_000, "stored b 5.ordered | a:3.breaker b:2.open c:2.open", usage="1"),
            Step(T0 + 17_000, f"stored a 5.ordered | {OPEN}", usage="1"),
            Step(T0 + 17_100, f"stored b 5.ordered | {OPEN}", usage="1", script=[REFUSED, REFUSED]),
        ],
        PLENTY,
    ),
    "throttle": Case(
        "3.throttle 8.throttle",
        "a short wait is waited for once, a long one sends elsewhere and the bucket is left alone until then",
        [
            Step(T0, f"stored a 5.ordered | {OPEN}", usage="1", script=[{"status": 429, "retry_after_ms": 2_000}]),
            Step(T0 + 9_000, f"stored b 5.ordered | {OPEN}", usage="1", script=[{"status": 503, "code": "SlowDown"}]),
            Step(
                T0 + 10_000,
                f"stored b 5.ordered | {OPEN}",
                usage="1",
                script=[{"status": 429, "code": "TooManyRequests", "retry_after_ms": 30_000}],
            ),
            Step(T0 + 40_009, "stored b 5.ordered | a:3.throttle b:2.open c:2.open", usage="1"),
            Step(
                T0 + 41_000,
                f"stored b 5.ordered | {OPEN}",
                usage="1",
                script=[{"status": 429, "retry_after_ms": 1_000}, {"status": 429, "retry_after_ms": 1_000}],
            ),
        ],
        PLENTY,
    ),
    "node": Case(
        "3.node 3.probe",
        "a bucket behind a node that is not online is out; when all are, the best one is probed",
        [
            Step(T0, "stored b 5.ordered | a:3.node b:2.open", usage="1"),
            Step(T0, "stored a 3.probe | a:3.node b:3.node", usage="2"),
        ],
        {
            "1": grants(a={"used": 0, "soft": 90, "hard": 90, "node": "OFFLINE"}, b=(0, 90, 90)),
            "2": grants(
                2,
                a={"used": 0, "soft": 90, "hard": 90, "node": "OFFLINE"},
                b={"used": 0, "soft": 90, "hard": 90, "node": "DISCONNECTED"},
            ),
        },
        policy_document({n: {"meters": [meter(1000)]} for n in "ab"}),
    ),
    "probe": Case(
        "3.probe",
        "with one bucket that rests, each request is a probe",
        [
            Step(T0, "failed - 6.readonly | a:2.unlimited", script=[REFUSED, REFUSED]),
            Step(T0 + 100, "stored a 3.probe | a:3.breaker"),
            Step(T0 + 200, "stored a 5.ordered | a:2.unlimited"),
        ],
        policy=policy_document({"a": {}}),
        simple=True,
    ),
    "hold": Case(
        "4.hold",
        "what a cap closed opens when use has fallen to 95% of it in a newer snapshot, not for a grant alone",
        [
            Step(T0, "stored b 5.ordered | a:2.closed b:2.unlimited", usage="1"),
            Step(T0 + 1, "stored b 5.ordered | a:4.hold b:2.unlimited", usage="2"),
            Step(T0 + 2, "stored a 5.ordered | a:2.open b:2.unlimited", usage="3"),
        ],
        {"1": grants(a=(1000, 0, 0)), "2": grants(2, a=(951, 40, 49)), "3": grants(3, a=(700, 40, 49))},
        ramp_policy(min_closed_s=0, ramp_s=0),
    ),
    "hold-soft": Case(
        "4.hold",
        "the same for the soft cap: a last resort until use has fallen",
        [
            Step(T0, "stored b 5.ordered | a:2.last b:2.unlimited", usage="1"),
            Step(T0 + 1, "stored b 5.ordered | a:4.hold b:2.unlimited", usage="2"),
            Step(T0 + 2, "stored a 5.ordered | a:2.open b:2.unlimited", usage="3"),
        ],
        {"1": grants(a=(800, 0, 90)), "2": grants(2, a=(761, 20, 90)), "3": grants(3, a=(760, 20, 90))},
        ramp_policy(min_closed_s=0, ramp_s=0),
    ),
    "hold-min": Case(
        "4.min",
        "and it stays closed for a shortest time, also when a new period has begun",
        [
            Step(T0, "read_only - 6.readonly | a:2.closed", usage="1"),
            Step(T0 + 59_999, "read_only - 6.readonly | a:4.min", usage="2"),
            Step(T0 + 60_000, "stored a 5.ordered | a:2.open", usage="2"),
        ],
        {"1": grants(a=(1000, 0, 0)), "2": grants(2, a={"used": 0, "soft": 90, "hard": 90, "period": "2026-12"})},
        policy_document({"a": {"meters": [meter(1000)]}}, select={"hysteresis": {"min_closed_s": 60, "ramp_s": 0}}),
    ),
    "ramp": Case(
        "4.ramp",
        "a bucket that opens again takes each writer back at its own place in the ramp",
        [
            Step(T0, "read_only - 6.readonly | a:2.closed", usage="1"),
            Step(T0 + 1_000, "read_only - 6.readonly | a:4.ramp", usage="2"),
            Step(T0 + 25_000, "read_only - 6.readonly | a:4.ramp", usage="2"),
            Step(T0 + 80_000, "stored a 5.ordered | a:2.open", usage="2"),
        ],
        {"1": grants(a=(1000, 0, 0)), "2": grants(2, a={"used": 0, "soft": 90, "hard": 90, "period": "2026-12"})},
        policy_document({"a": {"meters": [meter(1000)]}}, select={"hysteresis": {"min_closed_s": 0, "ramp_s": 120}}),
    ),
    "ramp-scant": Case(
        "4.ramp",
        "whom a share had no room for when a period ended comes back like that too; within the period, at once",
        [
            Step(T0, "read_only - 6.readonly | a:2.closed", usage="1", size=30),
            Step(T0, "stored a 5.ordered | a:2.open", usage="1"),
            Step(T0 + 1_000, "read_only - 6.readonly | a:2.closed", usage="1", size=30),
            Step(T0 + 88_000, "read_only - 6.readonly | a:2.expired", usage="1", size=30),
            Step(T0 + 89_000, "stored a 5.ordered | a:2.open", usage="2", size=30),
            Step(T0 + 89_000, "read_only - 6.readonly | a:2.closed", usage="3", size=30),
            Step(T0 + 90_000, "read_only - 6.readonly | a:4.ramp", usage="4", size=30),
            Step(T0 + 175_000, "stored a 5.ordered | a:2.open", usage="4", size=30),
        ],
        {
            "1": grants(a=(500, 20, 20)),
            "2": grants(2, T0 + 80_000, a=(500, 30, 30)),
            "3": grants(3, T0 + 80_000, a=(500, 20, 20)),
            "4": grants(4, T0 + 90_000, a={"used": 0, "soft": 90, "hard": 90, "period": "2026-12"}),
        },
        policy_document({"a": {"meters": [meter(1000)]}}, select={"hysteresis": {"min_closed_s": 0, "ramp_s": 120}}),
    ),
    "tier": Case(
        "5.tier 5.ordered",
        "an open bucket comes before a last resort that stands earlier in the order",
        [
            Step(T0, "stored b 5.ordered | a:2.last b:2.open c:2.open", usage="1"),
            Step(T0, "stored a 5.ordered | a:2.last b:2.last c:2.last", usage="1", size=101),
        ],
        {"1": grants(a=(0, 0, 150), b=(0, 100, 150), c=(0, 100, 150))},
    ),
    "latency": Case(
        "5.latency",
        "a faster bucket takes over by a fifth and with 50 samples; it never opens what is closed",
        [
            Step(T0, "stored a 5.latency | a:2.open b:2.open c:2.closed", usage="1", size=1),
            Step(T0, "stored b 5.latency | a:2.open b:2.open c:2.closed", usage="2", size=1),
            Step(T0, "stored b 5.latency | a:2.open b:2.open c:2.closed", usage="3", size=1),
            Step(T0, "stored b 5.latency | a:2.open b:2.open c:2.closed", usage="4", size=1),
        ],
        {
            str(seq): grants(
                seq,
                a={"used": 0, "soft": 90, "hard": 90, "put_p95_us": a, "samples": 50},
                b={"used": 0, "soft": 90, "hard": 90, "put_p95_us": b, "samples": samples},
                c={"used": 1000, "soft": 0, "hard": 0, "put_p95_us": 1, "samples": 999},
            )
            for seq, a, b, samples in (
                (1, 10_000, 8_001, 50),
                (2, 10_000, 8_000, 50),
                (3, 6_500, 8_000, 50),
                (4, 1_000, 8_000, 49),
            )
        },
        policy_document(select={"strategy": "latency"}),
    ),
    "expired-policy": Case(
        "6.expired",
        "a policy that nobody confirmed for a week is read-only",
        [
            Step(T0 + 604_799_999, "stored a 5.ordered | a:2.unlimited"),
            Step(T0 + 604_800_000, "read_only - 6.readonly | a:6.expired"),
        ],
        policy=policy_document({"a": {}}),
        simple=True,
    ),
    "old-policy-goes-on": Case(
        "5.ordered",
        "unless it says so itself",
        [Step(T0 + 604_800_000, "stored a 5.ordered | a:2.unlimited b:2.unlimited")],
        policy=policy_document({"a": {}, "b": {}}, valid={"on_expired": "continue"}),
        simple=True,
    ),
    "read-only": Case(
        "6.readonly 6.retry_at",
        "nothing open: no guess, and the first time at which asking again makes sense",
        [
            Step(T0 + 5_000, "read_only - 6.readonly | a:2.closed b:2.closed c:1.state", usage="1"),
            Step(T0 + 70_000, "read_only - 6.readonly | a:2.closed b:2.closed c:1.state", usage="1"),
            Step(T0 + 70_000, "read_only - 6.readonly | a:2.closed b:2.closed c:1.state", usage="2"),
        ],
        {
            "1": grants(
                a={"used": 1000, "soft": 0, "hard": 0, "resets_at": "2026-12-01T00:00:00Z"}, b=(990, 0, 1), c=(0, 0, 0)
            ),
            "2": grants(
                2,
                T0 + 60_000,
                a={"used": 1000, "soft": 0, "hard": 0, "resets_at": "2026-12-01T00:00:00Z"},
                b={"used": 1001, "soft": 0, "hard": 0, "resets_at": "2026-12-28T00:00:00Z"},
                c=(0, 0, 0),
            ),
        },
        policy_document({"a": {"meters": [meter(1000)]}, "b": {"meters": [meter(1000)]}, "c": {"state": "drain"}}),
    ),
    "empty-order": Case(
        "1.role",
        "an order may be empty",
        [Step(T0, "read_only - 6.readonly | a:1.role")],
        policy=policy_document({"a": {}}, order=[]),
        simple=True,
    ),
}
