"""Random questions for the runners, each made from one seed: the same seed is the same question for ever."""

from __future__ import annotations

from random import Random
from typing import Any

import fuzz_files
from fuzz_files import MAX_INTEGER, T0

from fbplan.runtime.canonical import sealed
from fbplan.runtime.rules import RULES

Case = dict[str, Any]
_STATUSES = (0, 200, 201, 301, 400, 401, 403, 404, 408, 409, 412, 429, 500, 503, 507)
_CODES = (
    "", "", "QUOTA_EXCEEDED", "InsufficientStorage", "AccessDenied", "SlowDown", "RequestTimeTooSkewed", "RequestTimeout",
    "PreconditionFailed", "BlobAlreadyExists", "ünknown",
)  # fmt: skip
_STEPS = (0, 1, 10, 999, 1_000, 2_000, 59_999, 60_000, 87_999, 88_000, 90_000, 299_999, 300_000, 3_600_000)
DECEMBER = 1_796_083_200_000


def case(seed: str) -> Case:
    """One question, with the files not sealed yet so that a smaller one can be made of it."""
    random = Random(seed)
    kind = random.choices((_writes, _files, _times, _references, _turns, _classes, _grants), (70, 20, 2, 2, 2, 1, 3))[0]
    return kind(random)


def question(found: Case) -> Case:
    """The case as a runner is asked it."""
    if "policy" not in found or "usages" not in found:
        return found
    usages = {name: _sealed(document) for name, document in found["usages"].items()}
    return {**found, "policy": _sealed(found["policy"]), "usages": usages}


def _sealed(document: Any) -> Any:
    return sealed(document) if isinstance(document, dict) else document


def _writes(random: Random) -> Case:
    policy = fuzz_files.policy(random)
    names = sorted(policy["buckets"])
    start = random.choice((T0, T0, DECEMBER - 200_000, 1_000_000))
    usages, seq = {}, 0
    for index in range(random.choice((0, 1, 2, 2, 3, 6))):
        seq += random.choice((0, 1, 1, 1, 5)) if index else random.choice((1, 81_234, MAX_INTEGER - 40))
        usages[f"u{index}"] = fuzz_files.usage(random, names, seq, start + index * 60_000)
    steps, now = [], start
    # now and then so many writes that fail at once that the retries run out
    is_storm = random.random() < 0.03
    for _ in range(60 if is_storm else random.choice((1, 2, 4, 8, 16))):
        if not is_storm:
            now += random.choice(_STEPS) if random.random() < 0.93 else -random.choice(_STEPS[:8])
        since = (now - start) // 60_000
        fresh = [name for index, name in enumerate(usages) if index <= since][-1:]
        steps.append(_step(random, now, fresh * 4 + list(usages), names))
        if is_storm:
            steps[-1]["script"] = [{"ms": random.choice((0, 1)), "status": 403} for _ in range(4)]
    made = {
        "kind": "writes", "policy": policy, "repository": "app", "usages": usages, "steps": steps,
        "writer": random.choice(("w1", "w2", "ü😀", "")),
        "simple": random.random() < 0.4,
        "expects_usage": bool(usages) and random.random() < 0.7,
        "confirmed_ms": start - random.choice((0, 0, 0, 59_999, 604_799_999)),
        "born_ms": random.choice((None, None, None, start, start + 58_000)),
    }  # fmt: skip
    if random.random() < 0.1:
        made["off"] = random.sample(list(RULES), random.choice((1, 1, 3)))
    if random.random() < 0.15:
        made["answer"] = "words"
    if random.random() < 0.04:
        made["policy"] = fuzz_files.text(random, policy)
    return made


def _step(random: Random, now: int, usages: list[str], names: list[str]) -> Case:
    usage = random.choice(usages) if usages and random.random() < 0.95 else None
    return {
        "at_ms": now,
        "usage": usage,
        "write": {
            "size": fuzz_files.amount(random, random.choice((0, 10, 10, 50, 100, 800))),
            "is_repeatable": random.random() < 0.85,
            "only": random.choice(names) if random.random() < 0.08 else None,
        },
        "script": [_line(random) for _ in range(random.choice((0, 0, 1, 2, 4)))],
    }


def _line(random: Random) -> Case:
    made: Case = {"ms": random.choice((0, 1, 10, 100, 5_000, 20_000))}
    if random.random() < 0.85:
        made["status"] = random.choice(_STATUSES)
    if random.random() < 0.6:
        made["code"] = random.choice(_CODES)
    if random.random() < 0.2:
        made["retry_after_ms"] = random.choice((0, 1, 50, 4_999, 5_000, 5_001, MAX_INTEGER))
    if random.random() < 0.2:
        made["was_sent"] = random.random() < 0.5
    if random.random() < 0.3:
        made["dice"] = random.choice((0, 49, 50, 99, 100, 2**32 - 1))
    if random.random() < 0.4:
        made["found"] = random.choice(("equal", "absent", "different", "unknown"))
    return made


def _files(random: Random) -> Case:
    policy = fuzz_files.policy(random)
    names = sorted(policy["buckets"])
    lines = []
    for _ in range(random.randint(1, 6)):
        if random.random() < 0.4:
            document = {**policy, "generation": random.choice((6, 7, 7, 8))}
            lines.append({"file": "policy", "text": fuzz_files.text(random, document)})
        else:
            document = fuzz_files.usage(random, names, random.choice((4, 5, 5, 6)), T0)
            lines.append({"file": "usage", "text": fuzz_files.text(random, document)})
    return {"kind": "files", "lines": lines}


def _times(random: Random) -> Case:
    def one() -> str:
        date = f"{random.choice((0, 1, 1969, 1970, 2000, 2026, 2100, 9999)):04}-{random.randint(0, 13):02}-{random.randint(0, 32):02}"
        clock = f"{random.randint(0, 24):02}:{random.randint(0, 60):02}:{random.randint(0, 60):02}"
        return date + random.choice("TTTTt ") + clock + random.choice(("", ".5", ".001", ".1234567899", ".", "\n")) + random.choice(
            ("Z", "Z", "Z", "z", "+00:00", "Z\n", "")
        )  # fmt: skip

    return {"kind": "times", "lines": [{"text": one()} for _ in range(20)]}


def _references(random: Random) -> Case:
    def one() -> str:
        pieces = (
            "a",
            "%20",
            "%C3%BC",
            "%F0%9F%98%80",
            "%ff",
            "%FF",
            "%C3",
            "%ED%A0%80",
            "%00",
            "~",
            "'",
            "/",
            "ü",
            "%2F",
            "\n",
        )
        key = "".join(random.choice(pieces) for _ in range(random.randint(0, 4)))
        version = random.choice(("", "", ";v=x", ";v=", ";v=%22a%22", ";v=%E2%28%A1"))
        return (
            random.choice(("fbref1:", "fbref1:", "fbref2:"))
            + random.choice(("r/b/", "r/b/", "r/-b/", "r/"))
            + key
            + version
        )

    return {"kind": "references", "lines": [{"text": one()} for _ in range(20)]}


def _turns(random: Random) -> Case:
    lines = [
        {"writer": random.choice(("", "w", "ü", "😀|")), "bucket": random.choice(("a", "b-1")), "seq": fuzz_files.amount(random)}
        for _ in range(20)
    ]  # fmt: skip
    return {"kind": "turns", "lines": lines}


def _classes(random: Random) -> Case:
    return {"kind": "classes", "lines": [{"status": s, "code": random.choice(_CODES)} for s in _STATUSES]}


def _grants(random: Random) -> Case:
    def one() -> Case:
        earlier = [
            {
                "id": str(n), "tier": random.choice(("soft", "hard")), "bytes": fuzz_files.amount(random, 100),
                "expires_ms": T0 + random.choice((-600_000, -302_000, -301_999, 0, 90_000)),
            }
            for n in range(random.randint(0, 4))
        ]  # fmt: skip
        soft = fuzz_files.amount(random, 800)
        return {
            "now_ms": T0, "as_of_ms": T0 - random.choice((0, 1, 120_000)), "used": fuzz_files.amount(random),
            "soft": soft, "hard": max(soft, fuzz_files.amount(random)), "earlier": earlier,
            "poll_ms": random.choice((1, 60_000, 600_000)), "lag_ms": random.choice((0, 120_000)),
            "ttl_ms": random.choice((0, 90_000)), "skew_ms": random.choice((0, 2_000)), "upload_ms": random.choice((0, 300_000)),
        }  # fmt: skip

    return {"kind": "grants", "lines": [one() for _ in range(10)]}
