"""One case behind a conformance vector: what is played, and in a few words what must come of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from runtime_world import T0, meter, policy_document, usage_document
from vector_runner import play

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
