"""Routers whose clock only tests move, and what they told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fbplan.runtime import Router


class RouterDesk:
    """`policy` is there when a router is made."""

    policy: Path

    def __init__(self, now: int) -> None:
        self.now = now
        self.alarms: list[str] = []
        self.records: list[Any] = []
        self.pauses: list[float] = []

    def settings(self, **changes: Any) -> dict[str, Any]:
        return {
            "writer": "w1",
            "clock_ms": lambda: self.now,
            "dice": lambda: 7,
            "sleep": self.sleep,
            "alarm": lambda name, _: self.alarms.append(name),
            "on_record": self.records.append,
            **changes,
        }

    def router(self, **changes: Any) -> Router:
        return Router.from_file(self.policy, **self.settings(**changes))

    def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += round(seconds * 1000)
