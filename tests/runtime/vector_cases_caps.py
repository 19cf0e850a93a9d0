"""Rules 1 and 2: which buckets may be asked at all, and what their caps leave open."""

from __future__ import annotations

from runtime_world import T0, meter, policy_document, usage_document
from vector_case import BARE, DECEMBER, OPEN, PLENTY, Case, Step, grants

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
    "ungranted": Case(
        "2.closed",
        "a fleet without a grant does not write, however little is used: its poller has just begun",
        [Step(T0, "read_only - 6.readonly | a:2.closed b:2.closed", usage="1")],
        {"1": grants(a=(0, 0, 0), b=(1000, 0, 0))},
        policy_document({n: {"meters": [meter(1000)]} for n in "ab"}),
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
    "simple-full": Case(
        "2.closed",
        "one process: a hard cap below the limit closes, and no grant is asked for",
        [Step(T0, "read_only - 6.readonly | a:2.closed", usage="1")],
        {"1": grants(a=(900, 0, 0))},
        policy_document({"a": {"meters": [meter(1000, hard_ppm=900_000)]}}),
        simple=True,
    ),
    "simple-alone": Case(
        "2.own 6.retry_at",
        "one process without statistics counts by the month, and what a month closed opens after the grace",
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
    "simple-grace": Case(
        "2.own 6.retry_at",
        "in the grace of a month the one before counts as well: the store may still book to it",
        [
            Step(T0, "stored a 5.ordered | a:2.open", size=600),
            Step(DECEMBER, "stored a 5.ordered | a:2.open", size=200),
            Step(DECEMBER + 7_199_999, "read_only - 6.readonly | a:2.closed", size=210),
            Step(DECEMBER + 7_200_000, "stored a 5.ordered | a:2.last", size=700),
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
}
