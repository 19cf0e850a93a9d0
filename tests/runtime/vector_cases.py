"""The cases behind the conformance vectors. `python tests/runtime/vector_cases.py` writes schemas/vectors again.

Each step says in a few words what must come out, so that a wrong record is noticed when it is made and not believed.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from runtime_world import T0, meter, policy_document, usage_document
from vector_runner import play
from vector_tables import tables

FOLDER = Path(__file__).resolve().parents[2] / "schemas" / "vectors"
QUOTA, BARE, AUTH = {"status": 403, "code": "QUOTA_EXCEEDED"}, {"status": 403}, {"status": 403, "code": "AccessDenied"}
REFUSED, NO_ANSWER = {"status": 0, "was_sent": False}, {"status": 0}
DECEMBER = 1_796_083_200_000
"""2026-12-01T00:00:00Z"""


@dataclass
class Step:
    at_ms: int
    comes: str
    """`OUTCOME BUCKET RULE` of the record, then `bucket:rule` of the first decision."""
    size: int = 10
    usage: str | None = None
    script: list[dict[str, Any]] = field(default_factory=list)
    is_repeatable: bool = True
    only: str | None = None


@dataclass
class Case:
    rules: str
    told: str
    steps: list[Step]
    usages: dict[str, dict[str, Any]] = field(default_factory=dict)
    policy: dict[str, Any] = field(default_factory=policy_document)
    simple: bool = False
    confirmed_ms: int = T0
    born_ms: int | None = None

    def vector(self, name: str) -> dict[str, Any]:
        steps = [
            {
                "at_ms": step.at_ms,
                "usage": step.usage,
                "write": {"size": step.size, "is_repeatable": step.is_repeatable, "only": step.only},
                "script": [{"ms": 10, **line} for line in step.script],
            }
            for step in self.steps
        ]
        made = {
            "format": "fbplan.vectors/1",
            "kind": "writes",
            "name": name,
            "told": self.told,
            "rules": self.rules.split(),
            "policy": self.policy,
            "repository": "app",
            "writer": "w1",
            "simple": self.simple,
            "expects_usage": bool(self.usages),
            "confirmed_ms": self.confirmed_ms,
            "born_ms": self.born_ms,
            "usages": self.usages,
            "steps": steps,
        }
        for step, record, stated in zip(steps, play(made), self.steps, strict=True):
            found = summary(record)
            assert found == stated.comes, f"{name} at {step['at_ms']}: {found}"
            step["expect"] = record
        return made


def summary(record: dict[str, Any]) -> str:
    candidates = " ".join(f"{c['bucket']}:{c['rule']}" for c in record["decisions"][0]["candidates"])
    return f"{record['outcome']} {record['bucket'] or '-'} {record['rule']} | {candidates}"


def grants(seq: int = 1, at_ms: int = T0, **buckets: Any) -> dict[str, Any]:
    """`a=(used, soft grant, hard grant)`, or a whole entry."""
    entries = {
        name: dict(zip(("used", "soft", "hard"), told, strict=True)) if isinstance(told, tuple) else told
        for name, told in buckets.items()
    }
    return usage_document(entries, seq=seq, at_ms=at_ms)


PLENTY = {"1": grants(a=(100, 100, 150), b=(0, 100, 150), c=(0, 100, 150))}
OPEN = "a:2.open b:2.open c:2.open"
WIDE = {name: {} for name in "abcdef"}
NOVEMBER = {"period": "2026-11"}


def ramp_policy(**hysteresis: int) -> dict[str, Any]:
    return policy_document({"a": {"meters": [meter(1000)]}, "b": {}}, select={"hysteresis": hysteresis})


CASES: dict[str, Case] = {
    "role-state": Case(
        "1.role 1.state",
        "what is not in the order, or not active, takes no writes",
        [Step(T0, "stored c 5.ordered | a:1.state b:1.state c:2.unlimited d:1.role")],
        policy=policy_document(
            {"a": {"state": "drain"}, "b": {"state": "closed"}, "c": {}, "d": {}}, order=["a", "b", "c"]
        ),
        simple=True,
    ),
    "pinned": Case(
        "1.pinned",
        "an overwrite goes to the bucket that holds the key, or nowhere",
        [
            Step(T0, "stored b 5.ordered | a:1.pinned b:2.open c:1.pinned", usage="1", only="b"),
            Step(T0, "read_only - 6.readonly | a:1.pinned b:2.closed c:1.pinned", usage="1", only="b", size=151),
        ],
        PLENTY,
    ),
    "size": Case(
        "1.size",
        "an object that is larger than the cap fits into no period",
        [Step(T0, "stored b 5.ordered | a:1.size b:2.open", usage="1", size=1001)],
        {"1": grants(a=(0, 800, 1000), b=(0, 4000, 5000))},
        policy_document({"a": {"meters": [meter(1000)]}, "b": {"meters": [meter(9000)]}}),
    ),
    "tried": Case(
        "1.tried",
        "a bucket is tried once in a request",
        [Step(T0, f"stored c 5.ordered | {OPEN}", usage="1", script=[BARE, BARE])],
        PLENTY,
    ),
    "unlimited": Case(
        "2.unlimited",
        "a cap that is null, and no cap at all, are open without a grant",
        [Step(T0, "stored a 5.ordered | a:2.unlimited b:2.unlimited", usage="1", size=2**53 - 1)],
        {"1": grants()},
        policy_document({"a": {"meters": [meter(None)]}, "b": {}}),
    ),
    "unknown": Case(
        "2.unknown",
        "use that is missing or unknown closes a bucket",
        [Step(T0, "stored c 5.ordered | a:2.unknown b:2.unknown c:2.open", usage="1")],
        {
            "1": usage_document(
                {
                    "b": {"used": 0, "soft": 99, "hard": 99, "quality": "unknown"},
                    "c": {"used": 0, "soft": 99, "hard": 99},
                },
                generation=6,
            )
        },
    ),
    "no-usage": Case(
        "2.unknown",
        "a fleet without usage does not write; nor does one process that lost its usage file",
        [Step(T0, "read_only - 6.readonly | a:2.unknown b:2.unknown c:2.unknown")],
        PLENTY,
    ),
    "expired": Case(
        "2.expired",
        "a grant is good until its expiry less the skew of 2 s",
        [
            Step(T0 + 87_999, f"stored a 5.ordered | {OPEN}", usage="1"),
            Step(T0 + 88_000, "read_only - 6.readonly | a:2.expired b:2.expired c:2.expired", usage="1"),
        ],
        PLENTY,
    ),
    "born": Case(
        "2.born",
        "after a cautious start a grant counts that was published later than the start and the skew",
        [
            Step(T0 + 9_000, "read_only - 6.readonly | a:2.born", usage="1"),
            Step(T0 + 60_000, "stored a 5.ordered | a:2.open", usage="2"),
        ],
        {"1": grants(a=(0, 90, 90)), "2": grants(2, T0 + 10_001, a=(0, 90, 90))},
        policy_document({"a": {"meters": [meter(1000)]}}),
        born_ms=T0 + 8_000,
    ),
    "share": Case(
        "2.share",
        "a grant is divided by the larger number of writers that policy and usage know",
        [
            Step(T0, "stored a 5.ordered | a:2.open b:2.closed", usage="1", size=100),
            Step(T0, "stored b 5.ordered | a:2.closed b:2.open", usage="1", size=1),
            Step(T0, "read_only - 6.readonly | a:2.closed b:2.closed", usage="1", size=51),
        ],
        {"1": grants(a=(0, 400, 400), b={"used": 0, "soft": 401, "hard": 401, "writers": 8})},
        policy_document({n: {"meters": [meter(1000)], "writers": 4} for n in "ab"}),
    ),
    "own": Case(
        "2.own 2.open 2.last 2.closed 7.charge",
        "what was started under a grant uses it up, the soft one and the hard one together; the next snapshot starts anew",
        [
            Step(T0, "stored a 5.ordered | a:2.open", usage="1", size=60),
            Step(T0 + 1, "stored a 5.ordered | a:2.open", usage="1", size=40),
            Step(T0 + 2, "stored a 5.ordered | a:2.last", usage="1", size=50),
            Step(T0 + 3, "read_only - 6.readonly | a:2.closed", usage="1", size=0),
            Step(T0 + 4, "stored a 5.ordered | a:2.open", usage="2", size=20),
        ],
        {"1": grants(a=(100, 100, 150)), "2": grants(2, a=(100, 20, 30))},
        policy_document({"a": {"meters": [meter(1000)]}}),
    ),
    "old-pair": Case(
        "2.own",
        "a request keeps its pair: the older snapshot still knows what was started under it",
        [
            Step(T0, "stored a 5.ordered | a:2.open", usage="1", size=60),
            Step(T0, "stored a 5.ordered | a:2.open", usage="2", size=60),
            Step(T0, "stored a 5.ordered | a:2.last", usage="1", size=60),
            Step(T0, "stored a 5.ordered | a:2.open", usage="2", size=40),
        ],
        {"1": grants(a=(100, 100, 150)), "2": grants(2, a=(100, 100, 150))},
        policy_document({"a": {"meters": [meter(1000)]}}),
    ),
    "hint": Case(
        "2.hint",
        "past a cap on stored bytes a bucket is a last resort, whatever its grants; it is never closed",
        [Step(T0, "stored b 5.ordered | a:2.hint b:2.open", usage="1")],
        {
            "1": grants(
                a={
                    "quality": "ok",
                    "meters": {
                        "ingress_bytes": {
                            "period": "2026-11",
                            "used": 0,
                            "grants": [{"id": "1", "tier": t, "bytes": 90} for t in ("soft", "hard")],
                        },
                        "stored_bytes": {"period": "none", "used": 800},
                    },
                },
                b=(0, 90, 90),
            )
        },
        policy_document(
            {
                "a": {"meters": [meter(1000), {"meter": "stored_bytes", "limit": 1000, "period": {"kind": "none"}}]},
                "b": {"meters": [meter(1000)]},
            }
        ),
    ),
    "wide": Case(
        "2.open 2.last",
        "caps near 2^53 with shares and reserves: products need more than 64 bits",
        [Step(T0, "stored a 5.ordered | a:2.last", size=2**52)],
        policy=policy_document(
            {"a": {"meters": [meter(2**53 - 1, soft_ppm=333_333, hard_ppm=999_999, reserve_ppm=7)]}}
        ),
        simple=True,
    ),
    "simple-usage": Case(
        "2.own 2.open 2.last 2.closed",
        "one process: what it started too late for the statistics is added to what they say",
        [
            Step(T0, "stored a 5.ordered | a:2.open", usage="1", size=200),
            Step(T0 + 1_000, "stored a 5.ordered | a:2.open", usage="1", size=200),
            Step(T0 + 2_000, "stored a 5.ordered | a:2.last", usage="1", size=150),
            Step(T0 + 3_000, "read_only - 6.readonly | a:2.closed", usage="1", size=51),
            Step(T0 + 600_000, "stored a 5.ordered | a:2.open", usage="2", size=51),
        ],
        {"1": grants(a=(400, 0, 0)), "2": grants(2, T0 + 600_000, a=(700, 0, 0))},
        policy_document({"a": {"meters": [meter(1000)]}}, select={"hysteresis": {"ramp_s": 0}}),
        simple=True,
    ),
    "simple-alone": Case(
        "2.own 6.retry_at",
        "one process without statistics counts by the month; in the grace the month before counts as well",
        [
            Step(T0, "stored a 5.ordered | a:2.last", size=960),
            Step(T0 + 1, "read_only - 6.readonly | a:2.closed", size=101),
            Step(DECEMBER, "read_only - 6.readonly | a:2.closed", size=101),
            Step(DECEMBER + 7_200_000, "read_only - 6.readonly | a:4.ramp", size=101),
            Step(DECEMBER + 7_320_000, "stored a 5.ordered | a:2.open", size=101),
        ],
        policy=policy_document({"a": {"meters": [meter(1000)]}}),
        simple=True,
        confirmed_ms=DECEMBER,
    ),
    "simple-anchor": Case(
        "6.retry_at",
        "a month may begin on another day; a period that never ends has no time to ask again",
        [
            Step(T0, "stored b 5.ordered | a:1.size b:2.last", size=950),
            Step(T0, "read_only - 6.readonly | a:1.size b:2.closed", size=60),
            Step(T0, "stored a 5.ordered | a:2.open b:4.hold", size=40),
            Step(T0, "read_only - 6.readonly | a:2.closed b:4.hold", size=20),
        ],
        policy=policy_document(
            {
                "a": {"meters": [meter(50, soft_ppm=1_000_000, period={"anchor_day": 28, "rollover_grace_s": 60})]},
                "b": {"meters": [meter(1000, period={"kind": "none"})]},
            }
        ),
        simple=True,
    ),
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
    "charge": Case(
        "7.charge",
        "each try is counted before it is made, also those that fail",
        [
            Step(T0, "stored a 5.ordered | a:2.open b:2.open", usage="1", size=40, script=[REFUSED]),
            Step(T0 + 500, "stored b 5.ordered | a:2.closed b:2.open", usage="1", size=40),
        ],
        {"1": grants(a=(0, 100, 100), b=(0, 100, 100))},
        policy_document({n: {"meters": [meter(1000)]} for n in "ab"}),
    ),
    "charge-again": Case(
        "7.charge",
        "a second try needs room of its own",
        [Step(T0, "stored b 5.ordered | a:2.open b:2.open", usage="1", size=60, script=[REFUSED])],
        {"1": grants(a=(0, 100, 100), b=(0, 100, 100))},
        policy_document({n: {"meters": [meter(1000)]} for n in "ab"}),
    ),
    "ambiguous": Case(
        "7.head 8.transient",
        "an outcome that is not known: equal is success, another content is raised, absent and unknown go on",
        [
            Step(T0, f"stored a 7.head | {OPEN}", usage="1", script=[NO_ANSWER, {"found": "equal"}]),
            Step(T0 + 1, f"exists a 7.head | {OPEN}", usage="1", script=[{"status": 500}, {"found": "different"}]),
            Step(
                T0 + 2,
                f"stored a 5.ordered | {OPEN}",
                usage="1",
                script=[{"status": 503, "dice": 4_294_967_295}, {"found": "absent"}],
            ),
            Step(
                T0 + 3,
                f"stored b 5.ordered | {OPEN}",
                usage="1",
                script=[
                    {"status": 408},
                    {"found": "unknown"},
                    {"status": 400, "code": "RequestTimeout"},
                    {"found": "absent"},
                ],
            ),
        ],
        PLENTY,
    ),
    "ambiguous-exists": Case(
        "7.head 8.request",
        "a key that is there is an error, unless an earlier try of the same write may have put it there",
        [
            Step(T0, f"exists a 8.request | {OPEN}", usage="1", script=[{"status": 412, "code": "PreconditionFailed"}]),
            Step(
                T0 + 1,
                f"stored a 7.head | {OPEN}",
                usage="1",
                script=[
                    NO_ANSWER,
                    {"found": "unknown"},
                    {"status": 409, "code": "BlobAlreadyExists"},
                    {"found": "equal"},
                ],
            ),
        ],
        PLENTY,
    ),
    "once": Case(
        "7.once",
        "a body that cannot be sent again gets no second try, unless no byte of it left",
        [
            Step(T0, f"failed a 7.once | {OPEN}", usage="1", is_repeatable=False, script=[{"status": 503}]),
            Step(T0 + 1, f"failed a 7.once | {OPEN}", usage="1", is_repeatable=False, script=[QUOTA]),
            Step(
                T0 + 2,
                "stored c 5.ordered | a:8.quota b:2.open c:2.open",
                usage="1",
                is_repeatable=False,
                script=[REFUSED, REFUSED],
            ),
            Step(
                T0 + 3,
                "failed c 7.once | a:8.quota b:3.breaker c:2.open",
                usage="1",
                is_repeatable=False,
                script=[AUTH],
            ),
        ],
        PLENTY,
    ),
    "quota": Case(
        "8.quota",
        "a store that says quota is closed here until a newer snapshot; under the cap that is a credit mismatch",
        [
            Step(T0, f"stored b 5.ordered | {OPEN}", usage="1", script=[QUOTA]),
            Step(T0 + 1, "stored b 5.ordered | a:8.quota b:2.open c:2.open", usage="1"),
            Step(
                T0 + 2,
                f"stored c 5.ordered | {OPEN}",
                usage="2",
                script=[{"status": 507}, {"status": 429, "code": "QuotaExceeded"}],
            ),
            Step(T0 + 3, "read_only - 6.readonly | a:8.quota b:8.quota c:2.open", usage="2", script=[QUOTA]),
        ],
        {**PLENTY, "2": grants(2, a=(100, 100, 150), b=(0, 100, 150), c=(0, 100, 150))},
    ),
    "quota-alone": Case(
        "8.quota",
        "without snapshots it is closed for the shortest time",
        [
            Step(T0, "stored b 5.ordered | a:2.open b:2.unlimited", script=[QUOTA]),
            Step(T0 + 300_009, "stored b 5.ordered | a:8.quota b:2.unlimited"),
            Step(T0 + 300_010, "stored a 5.ordered | a:2.open b:2.unlimited"),
        ],
        policy=policy_document({"a": {"meters": [meter(1000)]}, "b": {}}),
        simple=True,
    ),
    "suspects": Case(
        "8.quota_suspect 8.suspects",
        "a bare 403 sends elsewhere; the third within a minute is an alarm, unless a quota code came between",
        [
            Step(T0, f"stored b 5.ordered | {OPEN}", usage="1", script=[BARE]),
            Step(T0 + 1_000, f"stored b 5.ordered | {OPEN}", usage="1", script=[BARE]),
            Step(T0 + 60_009, f"stored b 5.ordered | {OPEN}", usage="1", script=[BARE]),
            Step(T0 + 60_010, f"stored b 5.ordered | {OPEN}", usage="1", script=[BARE]),
            Step(T0 + 60_030, f"stored c 5.ordered | {OPEN}", usage="1", script=[BARE, QUOTA]),
            Step(T0 + 60_090, "stored c 5.ordered | a:2.open b:8.quota c:2.open", usage="1", script=[BARE]),
        ],
        PLENTY,
    ),
    "auth": Case(
        "8.auth",
        "a key that is refused: the credentials are loaded again once, then it is an alarm; nobody moves",
        [
            Step(T0, f"stored a 5.ordered | {OPEN}", usage="1", script=[AUTH]),
            Step(T0 + 1, f"refused a 8.auth | {OPEN}", usage="1", script=[{"status": 401}, {"status": 401}]),
        ],
        PLENTY,
    ),
    "clock": Case(
        "8.clock",
        "the same for a clock that is off",
        [
            Step(
                T0,
                f"refused a 8.clock | {OPEN}",
                usage="1",
                script=[{"status": 403, "code": "RequestTimeTooSkewed"}] * 2,
            )
        ],
        PLENTY,
    ),
    "request": Case(
        "8.request",
        "a fault of the request is raised, whatever the bucket",
        [Step(T0, f"refused a 8.request | {OPEN}", usage="1", script=[{"status": 413, "code": "EntityTooLarge"}])],
        PLENTY,
    ),
    "hops": Case(
        "9.hops",
        "so many other buckets and no more",
        [
            Step(
                T0,
                "failed b 9.hops | a:2.unlimited b:2.unlimited c:2.unlimited d:2.unlimited e:2.unlimited f:2.unlimited",
                script=[BARE] * 2,
            )
        ],
        policy=policy_document(WIDE, retry={"max_hops": 1}),
        simple=True,
    ),
    "deadline": Case(
        "9.deadline",
        "so much time and no more; a try gets what is left of it",
        [
            Step(T0, "failed a 9.deadline | a:2.unlimited b:2.unlimited", script=[{**BARE, "ms": 1_000}]),
            Step(
                T0 + 9_000,
                "failed b 9.deadline | a:2.unlimited b:2.unlimited",
                script=[{**BARE, "ms": 600}, {**REFUSED, "ms": 390}],
            ),
        ],
        policy=policy_document({"a": {}, "b": {}}, retry={"deadline_ms": 1_000}),
        simple=True,
    ),
    "tokens": Case(
        "9.tokens",
        "retries are a share of the successes: 50 in store, one more each second",
        [
            *[
                Step(
                    T0,
                    "failed d 9.hops | a:2.unlimited b:2.unlimited c:2.unlimited d:2.unlimited e:2.unlimited f:2.unlimited",
                    script=[{**BARE, "ms": 0}] * 4,
                )
                for _ in range(16)
            ],
            Step(
                T0,
                "failed c 9.tokens | a:2.unlimited b:2.unlimited c:2.unlimited d:2.unlimited e:2.unlimited f:2.unlimited",
                script=[{**BARE, "ms": 0}] * 4,
            ),
            Step(
                T0 + 1_000,
                "failed b 9.tokens | a:2.unlimited b:2.unlimited c:2.unlimited d:2.unlimited e:2.unlimited f:2.unlimited",
                script=[{**BARE, "ms": 0}] * 4,
            ),
        ],
        policy=policy_document(WIDE),
        simple=True,
    ),
    "record": Case(
        "9.record",
        "every attempt is in the record, with what was made of it",
        [
            Step(
                T0,
                f"failed - 6.readonly | {OPEN}",
                usage="1",
                script=[
                    {"status": 500, "dice": 12},
                    {"found": "absent"},
                    {"status": 500},
                    {"found": "absent"},
                    BARE,
                    QUOTA,
                ],
            )
        ],
        PLENTY,
    ),
}


def documents() -> dict[Path, str]:
    """Every vector file: path → text as it should be."""
    made = {f"{name}.json": case.vector(name) for name, case in CASES.items()}
    made |= {f"{table['name']}.json": table for table in tables()}
    index = {
        "format": "fbplan.vectors/1",
        "vectors": [{"file": file, "kind": v["kind"], "rules": v["rules"]} for file, v in sorted(made.items())],
    }
    texts = {**made, "index.json": index}
    return {FOLDER / file: json.dumps(v, indent=1, ensure_ascii=False) + "\n" for file, v in texts.items()}


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for path, text in documents().items():
        path.write_text(text, encoding="utf-8")
