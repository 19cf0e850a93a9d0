"""L9 for the poller: whatever fails and whoever starts again, writers that live on its grants pass no hard cap."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from runtime_world import T0, meter, policy_document, policy_of

from fbplan.metering.document import usage_bytes
from fbplan.metering.memory import Memory, merged, remembered
from fbplan.metering.rounds import Habits, next_round
from fbplan.runtime.statistics.rows import Odd, Row, Total
from fbplan.runtime.statistics.use import BucketReading
from fbplan.runtime.usage import read_usage

CAP, SKEW_S, UPLOAD_S, TTL_S = 100_000, 2, 120, 90
POLICY = policy_of(
    policy_document(
        {"a": {"meters": [meter(CAP, soft_ppm=500_000)]}},
        fleet={"skew_s": SKEW_S, "max_upload_s": UPLOAD_S, "grant_ttl_s": TTL_S},
    )
)
EVENTS = (
    "ok",
    "ok",
    "ok",
    "missed",
    "odd",
    "fallen",
    "not published",
    "answer lost",
    "restart",
    "memory lost",
    "memory lost and odd",
    "rival",
)


@dataclass
class Greedy:
    """A writer that always starts all it may, as late as it may, and an upload that ends as late as it may."""

    lag_s: int
    poll_s: int
    forgets: str = ""
    """What a broken poller forgets, for the tests of this test."""

    def __post_init__(self) -> None:
        self.now, self.file, self.memory = T0, b"", None
        self.uploads: list[tuple[int, int]] = []
        self.started: dict[int, int] = {}
        self.habits = Habits(
            self.poll_s * 1000,
            self.lag_s * 1000,
            frozenset({"no-memory"}) if self.forgets == "blindness" else frozenset(),
        )

    def statistics(self, event: str, shows_s: int) -> BucketReading:
        if event.endswith("odd") and self.forgets != "oddness":
            return BucketReading(Odd("odd"), Odd("odd"))
        known = sum(size for ends, size in self.uploads if ends <= self.now - shows_s * 1000)
        if event.endswith("odd"):
            known = 0
        # fewer bytes than are remembered can be noticed; bytes that never show are a lag without end
        if event == "fallen":
            highs = [high for found in (self.memory or Memory()).meters.values() for high in found.highs.values()]
            known = highs[0] // 2 if highs and highs[0] else known
        return BucketReading((Row(T0, known, 0, 0),), Total(known, 0, 0))

    def poll(self, event: str, shows_s: int) -> None:
        if event == "missed":
            return
        if event == "restart":
            self.memory = remembered(self.file) if self.file else None
        if event.startswith("memory lost"):
            self.memory = None
        memory = self.memory or Memory()
        if event == "rival" and self.file:
            memory = merged(memory, remembered(self.file))
        if self.forgets == "earlier":
            memory = Memory(memory.seq, 0, {})
            self.habits = Habits(self.habits.poll_ms, self.habits.lag_ms, frozenset({"no-memory"}))
        made = next_round(
            POLICY, {"id-a": self.statistics(event, shows_s)}, memory, self.habits, read_ms=self.now, now_ms=self.now
        )
        if made.cuts(memory):
            return
        self.memory = made.memory
        if event != "not published":
            self.file = usage_bytes(made, POLICY, self.habits, {})

    def write(self) -> None:
        if not self.file:
            return
        usage = read_usage(self.file)
        use = usage.buckets["a"]
        room = use.meters["ingress_bytes"].hard - self.started.get(usage.seq, 0)
        if room > 0 and self.now < use.expires_ms - SKEW_S * 1000 and use.quality != "unknown":
            self.started[usage.seq] = self.started.get(usage.seq, 0) + room
            self.uploads.append((self.now + UPLOAD_S * 1000, room))

    def played(self, events: list[tuple[str, int, int]]) -> int:
        for event, shows_s, writes_at in events:
            self.poll(event, min(shows_s, self.lag_s))
            start = self.now
            self.now = start + writes_at * self.habits.poll_ms // 100
            self.write()
            self.now = start + self.habits.poll_ms
        return sum(size for _, size in self.uploads)


played = st.lists(st.tuples(st.sampled_from(EVENTS), st.integers(0, 300), st.integers(0, 99)), min_size=5, max_size=60)


@settings(max_examples=150, deadline=None)
@given(played, st.sampled_from((0, 60, 180, 300)), st.sampled_from((15, 60, 90)))
def test_no_run_of_failures_lets_writers_pass_the_cap(events, lag_s, poll_s) -> None:
    greedy = Greedy(lag_s, poll_s)
    assert greedy.played(events) <= CAP


def test_without_failures_the_cap_is_used_well() -> None:
    assert Greedy(180, 60).played([("ok", 180, 50)] * 200) > 0.95 * CAP


FAILURES = {
    "earlier": [("ok", 180, 50)] * 60,
    "blindness": [("ok", 180, 50), ("memory lost", 180, 50)] * 60,
    "oddness": [*[("ok", 180, 50)] * 40, *[("memory lost and odd", 0, 50)], *[("odd", 0, 50)] * 60],
}


@pytest.mark.parametrize("forgets", FAILURES)
def test_a_poller_that_forgets_what_it_must_know_passes_the_cap(forgets: str) -> None:
    """That the property above can fail, and does not here."""
    assert Greedy(180, 60, forgets).played(FAILURES[forgets]) > CAP
    assert Greedy(180, 60).played(FAILURES[forgets]) <= CAP
