"""Rules 7 to 9: charges, tries, what an answer means, and where it ends."""

from __future__ import annotations

from runtime_world import T0, meter, policy_document
from vector_case import AUTH, BARE, NO_ANSWER, OPEN, PLENTY, QUOTA, REFUSED, WIDE, Case, Step, grants

CASES: dict[str, Case] = {
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
