"""The fleet of one repository in a step: where its bytes go by the decisions of the chooser.

Every writer of a fleet has the same share and the same part of the bytes, so one of them decides for all. Bytes flow:
a bucket takes them as long as a whole object fits into a writer's share, and never more than whole objects that do.
"""

from __future__ import annotations

from typing import NamedTuple

from fbplan.runtime.decision import Candidate, Decision, decide, noted
from fbplan.runtime.policy import WRITTEN, Policy
from fbplan.runtime.state import State, charged
from fbplan.runtime.usage import Usage
from fbplan.runtime.view import Request, View
from fbplan.simulation.schedule import Flow

MOST_DECISIONS = 100
"""In one step; each one but the last uses up a share, and there are two in a bucket."""


class Stepped(NamedTuple):
    """What became of the bytes of a step, and how the buckets stood when it began."""

    taken: dict[str, int]
    refused: int
    is_closed: bool
    """Whether the last decision found no bucket, be there something to write or not."""
    candidates: tuple[Candidate, ...]


class Fleet:
    """The writers of one repository."""

    def __init__(self, policy: Policy, flow: Flow, writers: int, *, is_simple: bool) -> None:
        self.flow, self.writers = flow, writers
        self._policy, self._repository = policy, policy.repositories[flow.repository]
        self._is_simple = is_simple
        self.state = State()

    @property
    def order(self) -> tuple[str, ...]:
        return self._repository.order

    @property
    def is_ramping(self) -> bool:
        """Whether a bucket is opening again, writer after writer."""
        return any(
            hold is not None and hold.lifted_ms is not None
            for local in self.state.buckets.values()
            for hold in (local.soft, local.hard)
        )

    def holds(self, bucket: str, tier: str) -> bool:
        """Whether the soft or the hard cap has closed a bucket, until its use falls."""
        local = self.state.local(bucket)
        hold = local.soft if tier == "soft" else local.hard
        return hold is not None and hold.lifted_ms is None

    def is_opening(self, bucket: str, period: str) -> bool:
        """Whether a cap closed a bucket in another period, so that the next decision begins to open it."""
        local = self.state.local(bucket)
        return any(
            hold is not None and hold.lifted_ms is None and hold.period != period for hold in (local.soft, local.hard)
        )

    def step(self, usage: Usage, now_ms: int, wanted: int, polls: int) -> Stepped:
        """Write the bytes of so many polls that are all alike: the first of them is played."""
        view = View(
            self._policy, self._repository, usage, now_ms, "fleet", self._is_simple, expects_usage=not self._is_simple
        )
        # a process that counts for itself adds up all it wrote, one that lives on grants only that of one snapshot
        one = wanted if self._is_simple else -(-wanted // polls)
        left, taken = one, dict[str, int]()
        found = self._decided(view, now_ms)
        first = found.candidates
        for _ in range(MOST_DECISIONS):
            if found.bucket is None or not left:
                break
            best = next(c for c in found.candidates if c.bucket == found.bucket)
            each = min(-(-left // self.writers), self._fits(view, best))
            took = min(left, each * self.writers)
            self.state = charged(self.state, view, now_ms, found.bucket, each)
            taken[found.bucket] = taken.get(found.bucket, 0) + took
            left -= took
            if left:
                found = self._decided(view, now_ms)
        return _scaled(taken, left, one, wanted, Stepped({}, 0, found.bucket is None, first))

    def _decided(self, view: View, now_ms: int) -> Decision:
        found = decide(view, self.state, now_ms, Request(self.flow.size))
        self.state = noted(self.state, found)
        return found

    def _fits(self, view: View, best: Candidate) -> int:
        """Bytes that one writer may start in a bucket that the chooser has opened."""
        if best.limit is None:
            return 1 << 62
        room = best.room
        use = view.use(best.bucket)
        if not self._is_simple and use is not None:
            room = min(room, use.meters[WRITTEN].hard // view.writers(best.bucket))
        return (room - best.own) // self.flow.size * self.flow.size


def _scaled(taken: dict[str, int], refused: int, played: int, wanted: int, empty: Stepped) -> Stepped:
    """What was found for one poll, for all of them; no byte is lost to rounding."""
    if not played:
        return empty
    out = {name: count * wanted // played for name, count in taken.items()}
    turned = refused * wanted // played
    rest = wanted - turned - sum(out.values())
    if out:
        out[max(out, key=lambda name: out[name])] += rest
    else:
        turned += rest
    return empty._replace(taken=out, refused=turned)
