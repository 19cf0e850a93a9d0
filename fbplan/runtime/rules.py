"""Every rule of the chooser by its id, in the order in which they are asked. Decision records name them.

The first number is the step of a write: 1 candidates · 2 caps · 3 health · 4 hysteresis · 5 order · 6 nothing open ·
7 the try · 8 what an answer means · 9 when to stop.
"""

from __future__ import annotations

RULES = {
    "1.role": "only a bucket in the repository's order takes writes",
    "1.state": "a bucket that is drained or closed takes no new writes",
    "1.pinned": "an overwrite goes to the bucket that holds the key",
    "1.size": "an object larger than the cap fits into no period",
    "1.tried": "a bucket is tried once in a request",
    "2.unlimited": "a bucket without a cap on what is written is open",
    "2.unknown": "use that is not known closes, it is never zero",
    "2.expired": "a grant is good until its expiry less the clock skew",
    "2.born": "after a cautious start only grants count that are newer than the process",
    "2.share": "a grant is divided by the writers that share it",
    "2.own": "what this process wrote counts before the statistics know of it",
    "2.open": "a soft grant that covers the write: open",
    "2.last": "only the hard grant covers it: last resort",
    "2.closed": "no grant covers it: closed",
    "2.hint": "a cap on stored or read bytes makes a last resort, it never closes",
    "3.breaker": "a bucket that failed twice in a row rests",
    "3.throttle": "a bucket that asked for a pause gets it",
    "3.node": "a bucket whose node is not online is out",
    "3.probe": "when only health stands in the way, the best one is probed, one request at a time",
    "4.hold": "what its cap closed stays closed until use has fallen in a newer snapshot, or a new period",
    "4.min": "and for a shortest time",
    "4.ramp": "a bucket that opens again takes the writers back one after another",
    "5.tier": "open buckets come before last resorts",
    "5.ordered": "then the order of the policy decides",
    "5.latency": "or a bucket that is faster than the one in use by a margin",
    "6.expired": "a policy that nobody confirmed for too long is read-only",
    "6.readonly": "with nothing open there is no write, and never a guess",
    "6.retry_at": "but a time at which asking again makes sense",
    "7.charge": "the bytes are counted before they are sent",
    "7.head": "an outcome that is not known is settled by reading from the same bucket",
    "7.once": "a body that cannot be sent again gets no second try",
    "8.quota": "the bucket is closed here until a newer snapshot; another one is tried",
    "8.quota_suspect": "a bare 403 may mean quota: another bucket is tried",
    "8.suspects": "three of them within a minute, under the cap and without a quota code, are an alarm",
    "8.throttle": "what the server asks to wait is waited for if it is short, else another bucket is tried",
    "8.transient": "once more after a moment, then another bucket",
    "8.auth": "the credentials are loaded again once, then there is an alarm",
    "8.clock": "the same for a clock that is off",
    "8.request": "a fault of the request is raised, whatever the bucket",
    "9.hops": "so many other buckets and no more",
    "9.deadline": "so much time and no more",
    "9.tokens": "retries are a share of the successes, so that they do not become a storm",
    "9.record": "every attempt is in the record",
}
