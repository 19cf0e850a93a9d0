"""A poller at work for the command line: its lease, its session, its signals, what it tells."""

from __future__ import annotations

import math
import os
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path

from fbplan.cli.connection import connected
from fbplan.cli.leasing import holder_of
from fbplan.cli.output import story
from fbplan.cli.stop import Stop
from fbplan.client.api import ReadClient
from fbplan.client.settings import Timeouts
from fbplan.errors import AuthenticationFailed, ExitCode, FbplanError, Interrupted
from fbplan.metering.place import Place, leased, open_place
from fbplan.metering.poller import Polled, Poller, blind_until, polls
from fbplan.metering.reading import NoStatistics
from fbplan.metering.rounds import Habits
from fbplan.runtime.router import wall_ms
from fbplan.runtime.times import stamp_of
from fbplan.secrets.environ import Environ

_STOPPED = b"\nstopped at once; the lease is given back when the process is gone\n"


class Desk:
    """One poller at work, and its session with the API, which outlives the hour of a token."""

    def __init__(self, habits: Habits, api_url: str | None, concurrency: int) -> None:
        self._habits, self._api_url, self._concurrency = habits, api_url, concurrency
        self._stop = Stop(last_words=_STOPPED)
        self._session = ExitStack()

    @contextmanager
    def opened(self, policy: str, out: str, wait: float, reports: Path | None) -> Iterator[None]:
        """Hold the lease of the place `out` and a session; both are given back at the end, whatever that is.

        Connects at once, so that a wrong address is told before anything is waited for. Raises FbplanError.
        """
        rules, storage = open_place(policy, what="policy"), open_place(out)
        lease = leased(storage, holder_of(Environ(os.environ)), wait, story)
        try:
            with self._stop.listening(story), self._session:
                place = Place(storage, lease)
                self._poller = Poller(rules, place, self._habits, clock_ms=wall_ms, alert=_alert, reports=reports)
                self._api: ReadClient | None = self._connected()
                yield
        finally:
            lease.release()

    def once(self) -> int:
        try:
            polled = self._polled()
        except Interrupted:
            return self._stop.code
        story(_told(polled))
        if polled.faults:
            raise polled.faults[0]
        return self._stop.code if self._stop.number else int(ExitCode.OK)

    def forever(self) -> int:
        story(f"polling every {self._habits.poll_ms // 1000} s; stop: Ctrl-C or SIGTERM")
        rounds = polls(
            self._polled,
            self._habits,
            clock_ms=wall_ms,
            sleep=self._stop.sleep,
            stopped=lambda: self._stop.is_requested,
            alert=_alert,
        )
        try:
            for came in rounds:
                if isinstance(came, FbplanError):
                    story(f"nothing was published: {came}")
                    continue
                story(_told(came))
                self._renew_after(came)
        except Interrupted:  # a stop while the API was waited for: nothing new is published
            pass
        return self._stop.code

    def _polled(self) -> Polled:
        if self._api is None:
            try:
                self._api = self._connected()
            except AuthenticationFailed as fault:
                return self._poller.poll(NoStatistics(fault))
        return self._poller.poll(self._api)

    def _renew_after(self, polled: Polled) -> None:
        """A token that is no longer taken: where it stands in a file, that may hold a new one by the next poll.

        Otherwise nothing here can help; and to try a refused login again and again locks the account.
        """
        refused = next((fault for fault in polled.faults if isinstance(fault, AuthenticationFailed)), None)
        if refused is None:
            return
        if not os.environ.get("FB_JWT_FILE"):
            raise refused
        _alert("auth", f"{refused}; FB_JWT_FILE is read again at the next poll")
        self._session.close()
        self._api = None

    def _connected(self) -> ReadClient:
        # an answer that comes later than this is of no use: what is known has to be published again before grants end
        patience = Timeouts(action=max(5.0, self._habits.poll_ms / 3000), run=math.inf)
        session = connected(
            self._api_url,
            Environ(os.environ),
            story,
            self._concurrency,
            stopped=lambda: self._stop.is_requested,
            sleep=self._stop.sleep,
            patience=patience,
        )
        return ReadClient(self._session.enter_context(session))


def _alert(name: str, told: str) -> None:
    story(f"alert: {name}: {told}")


def _told(polled: Polled) -> str:
    """`seq 81234 published: 2 ok, 1 stale`, and what is waited for."""
    at = datetime.fromtimestamp(polled.round.at_ms / 1000, UTC)
    if not polled.is_published:
        return f"{at:%Y-%m-%dT%H:%M:%SZ} nothing was learnt: what is published stands until its grants end"
    counts = Counter(found.quality for found in polled.round.buckets)
    told = ", ".join(f"{number} {word}" for word, number in sorted(counts.items())) or "no buckets"
    blind_ms = blind_until(polled.round)
    waits = f"; earlier grants are not known, so none are given until {stamp_of(blind_ms)}" if blind_ms else ""
    return f"{at:%Y-%m-%dT%H:%M:%SZ} seq {polled.round.seq} published: {told}{waits}"
