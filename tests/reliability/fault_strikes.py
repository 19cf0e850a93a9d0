"""Every way in which the emulator can go wrong, and every point at which it can strike a step."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from fault_scenarios import SCENARIOS, Scenario

from fbplan.emulator.faults import KINDS

TIMEOUT = 3600
"""A delay that no client waits for: on the bench the connection times out instead."""
READS = ("empty-list", "stale-list", "unknown-fields", "unknown-values", "nulls", "missing-fields")
"""Faults that only spoil what is read: an answer to a write survives them."""


@dataclass(frozen=True, slots=True)
class Strike:
    """One way to go wrong. `told` is its row in the table."""

    name: str
    told: str
    script: Mapping[str, Any] = field(default_factory=dict)
    logs_in: bool = False
    is_quota: bool = False


def _variants() -> Iterator[Strike]:
    for name, kind in KINDS.items():
        match name:
            case "429":
                yield Strike("429", "the request limit (429), without Retry-After", {"fault": name})
                yield Strike("429-seconds", "429, Retry-After in seconds", {"fault": name, "retry_after": 3})
                yield Strike(
                    "429-date", "429, Retry-After as a date", {"fault": name, "retry_after": "http-date", "seconds": 3}
                )
                yield Strike("429-long", "429, Retry-After of an hour", {"fault": name, "retry_after": 3600})
                yield Strike("429-quota", "429 of POST /bucket: the quota is used up", is_quota=True)
            case "delay" | "delay-after":
                when = "after the write took effect" if name == "delay-after" else "before the write"
                yield Strike(name, f"a slow answer: {kind.help}", {"fault": name, "seconds": 0})
                yield Strike(f"timeout{name[5:]}", f"the client's timeout, {when}", {"fault": name, "seconds": TIMEOUT})
            case "token-expired":
                yield Strike(name, "401: the token ran out, and there is no login", {"fault": name})
                yield Strike("token-renewed", "401: the token ran out, with a login", {"fault": name}, logs_in=True)
            case _:
                yield Strike(name, kind.help, {"fault": name})


STRIKES = tuple(_variants())
POINTS = ("write", "write-and-read", "before-contract", "twice")
SAMPLED = frozenset(
    {"create-bucket", "create-credential", "update-bucket", "resend-bucket", "issue-key", "rotate-key", "delete-bucket",
     "replace-create"}
)  # fmt: skip
"""The steps that are struck at two places at once in every run; FBPLAN_MATRIX=full strikes all of them so."""


@dataclass(frozen=True, slots=True)
class Case:
    """One cell of the matrix."""

    scenario: Scenario
    strike: Strike
    point: str

    def __str__(self) -> str:
        return f"{self.scenario.name}-{self.point}-{self.strike.name}"

    def script(self, path: str, listing: str) -> list[dict[str, Any]]:
        """The lines for the emulator's script of faults."""
        write, read = {"method": self.scenario.method, "path": path}, {"method": "GET", "path": listing}
        # the first listing of a step of contract is the look before it, not the one that settles it
        settling = {**read, "nth": 2 if _narrows(self.scenario) else 1}
        struck = dict(self.strike.script)
        if not struck:
            return []  # the quota is a switch, not a fault
        match self.point:
            case "write":
                return [{**struck, **write}]
            case "twice":
                return [{**struck, **write, "times": 2}]
            case "before-contract":
                return [{**struck, **read}]
            case _ if self.strike.name in READS:
                return [{"fault": "cut-after", **write}, {**struck, **settling, "times": 9}]
            case _:
                return [{**struck, **write}, {**struck, **settling, "times": 5}]


def cases(*, is_full: bool) -> list[Case]:
    """Every case worth running: a listing before contract only where there is one, a quota only for a bucket."""
    return [
        Case(scenario, strike, point)
        for scenario in SCENARIOS
        for point in POINTS
        for strike in STRIKES
        if not (strike.is_quota and not (point == "write" and _takes_a_slot(scenario)))
        and not (point == "before-contract" and not _narrows(scenario))
        and not (point in {"write-and-read", "twice"} and not is_full and scenario.name not in SAMPLED)
        and not (point == "twice" and strike.name in READS)
    ]


def _takes_a_slot(scenario: Scenario) -> bool:
    """A bucket more than before; one that is made after the old one is deleted takes its slot."""
    return (scenario.method, scenario.path) == ("POST", "/bucket") and scenario.name != "replace-create-after"


def _narrows(scenario: Scenario) -> bool:
    return scenario.step.endswith((":narrow", ":delete")) or scenario.name == "replace-delete-old"
