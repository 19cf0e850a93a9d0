"""A source over two URLs of a tiny web server, with a clock that is moved by hand and little patience."""

from __future__ import annotations

from runtime_world import T0, policy_document, raw, usage_document
from web_place import Web

from fbplan.runtime.remote import remote_origin
from fbplan.runtime.source import Source

POLICY, USAGE = "/routing-policy.json", "/usage.json"


def used(n: int) -> dict:
    return {name: {"used": n, "soft": 800 - n, "hard": 1000 - n} for name in "abc"}


def served() -> Web:
    """A server with a good pair."""
    server = Web()
    server.files |= {POLICY: raw(policy_document()), USAGE: raw(usage_document(used(1), seq=4))}
    return server


class Desk:
    """A source over the two URLs, with a clock, what was alarmed, and little patience."""

    def __init__(self, web: Web, **options):
        self.now, self.alarms, self.told = T0, [], []
        self.source = Source(
            web.url + POLICY,
            remote_origin(f"{web.url}{USAGE}?sig=canary-of-a-signature", timeout_s=0.2),
            clock_ms=lambda: self.now,
            alarm=self.alarm,
            **{"every_s": 3600.0, **options},
        )

    def alarm(self, name, told):
        self.alarms.append(name)
        self.told.append(str(told))

    def look(self):
        self.now += 2_000
        return self.source.refresh(now=True)
