"""`usage poll | show`: what the statistics say of each cap, published for the fleet."""

from __future__ import annotations

import gc
import math
import os
import time
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from fbplan.cli.options import api_options, output_option, seconds_of
from fbplan.cli.output import emit, parse_outputs, remember, story
from fbplan.errors import AuthenticationFailed, ExitCode, FbplanError, UsageFault

if TYPE_CHECKING:
    from fbplan.cli.stop import Stop
    from fbplan.client.api import ReadClient
    from fbplan.metering.poller import Polled, Poller
    from fbplan.metering.rounds import Habits
    from fbplan.runtime.policy import Policy

POLICY, USAGE = "routing-policy.json", "usage.json"
_STOPPED = b"\nstopped at once; the lease is given back when the process is gone\n"
_FALL = "fall:"


@click.group()
def usage() -> None:
    """Publish and show what of each cap is used."""


@usage.command(
    epilog="\b\nExamples:\n  fbplan usage poll --out usage.json\n  fbplan usage poll --once --out s3://ops/fbplan/usage.json\n  fbplan usage poll --every 30s --max-lag 5m --out /shared/usage.json"
)
@api_options
@click.option("--once", is_flag=True, help="Poll once and end; for a timer that runs every --every.")
@click.option(
    "--every",
    callback=seconds_of,
    metavar="DURATION",
    default="60s",
    show_default=True,
    help="Time from one poll to the next.",
)
@click.option(
    "--max-lag",
    callback=seconds_of,
    metavar="DURATION",
    default="180s",
    show_default=True,
    help="The longest time until bytes show in the statistics; caps hold as long as this is true.",
)
@click.option("--policy", metavar="PATH", default=POLICY, show_default=True, help="The policy: a file or a URL.")
@click.option("--out", metavar="FILE|URL", required=True, help="Where to publish: a file, s3://, gs:// or az://.")
@click.option(
    "--allow",
    "allow",
    multiple=True,
    metavar="WHAT",
    help="fall:BUCKET believes that less was used than before; no-memory grants at once, because no earlier grant was ever given.",
)
@click.option(
    "--reports",
    type=click.Path(path_type=Path, dir_okay=False),
    help="A file to which services append the alarms of their routers, as JSON lines: a credit that is smaller than the cap is an alert.",
)
@click.option(
    "--lock-timeout",
    envvar="FBPLAN_LOCK_TIMEOUT",
    callback=seconds_of,
    metavar="DURATION",
    default="60s",
    show_default=True,
    help="How long to stand by for another poller to end; 0s: not at all.",
)
def poll(
    api_url: str | None,
    concurrency: int,
    once: bool,
    every: float,
    max_lag: float,
    policy: str,
    out: str,
    allow: tuple[str, ...],
    reports: Path | None,
    lock_timeout: float,
) -> int:
    """Read the statistics and publish use and grants, again and again.

    One poller at a time publishes to one place; a second one stands by. Writers read the file or URL. When the poller
    ends, its grants run out and the buckets that have a cap close by themselves.
    """
    from fbplan.metering.rounds import Habits

    if every < 1:
        raise UsageFault("--every 0s is no time at all", "", "", "write --every 60s")
    gc.enable()  # it runs for months
    habits = Habits(round(every * 1000), round(max_lag * 1000), frozenset(_allowed(allow)))
    with ExitStack() as opened:
        poller, stop = _opened(policy, out, habits, lock_timeout, reports, opened)
        desk = _Desk(poller, stop, habits, api_url, concurrency, opened)
        return desk.once() if once else desk.forever()


class _Desk:
    """One poller at work, and its session with the API, which outlives the hour of a token."""

    def __init__(
        self, poller: Poller, stop: Stop, habits: Habits, api_url: str | None, concurrency: int, opened: ExitStack
    ) -> None:
        """Connects at once, so that a wrong address is told before anything is waited for. Raises FbplanError."""
        self._poller, self._stop, self._habits = poller, stop, habits
        self._api_url, self._concurrency = api_url, concurrency
        self._session = opened.enter_context(ExitStack())
        self._api: ReadClient | None = self._connected()

    def once(self) -> int:
        polled = self._polled()
        story(_told(polled))
        if polled.faults:
            raise polled.faults[0]
        return 128 + self._stop.number if self._stop.number else int(ExitCode.OK)

    def forever(self) -> int:
        from fbplan.metering.poller import polls
        from fbplan.runtime.router import wall_ms

        story(f"polling every {self._habits.poll_ms // 1000} s; stop: Ctrl-C or SIGTERM")
        rounds = polls(
            self._polled,
            self._habits,
            clock_ms=wall_ms,
            sleep=self._stop.sleep,
            stopped=lambda: self._stop.is_requested,
            alert=_alert,
        )
        for came in rounds:
            if isinstance(came, FbplanError):
                story(f"nothing was published: {came}")
                continue
            story(_told(came))
            self._renew_after(came)
        return 128 + self._stop.number

    def _polled(self) -> Polled:
        from fbplan.metering.reading import NoStatistics

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
        from fbplan.cli.connection import connected
        from fbplan.client.api import ReadClient
        from fbplan.client.settings import Timeouts
        from fbplan.secrets.environ import Environ

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


def _opened(
    policy: str, out: str, habits: Habits, wait: float, reports: Path | None, opened: ExitStack
) -> tuple[Poller, Stop]:
    """A poller that holds the lease of its place; `opened` gives it back at the end, whatever that is."""
    from fbplan.cli.leasing import holder_of
    from fbplan.cli.stop import Stop
    from fbplan.metering.place import Place, leased, open_place
    from fbplan.metering.poller import Poller
    from fbplan.runtime.router import wall_ms
    from fbplan.secrets.environ import Environ

    stop = Stop(last_words=_STOPPED)
    rules, storage = open_place(policy, what="policy"), open_place(out)
    lease = leased(storage, holder_of(Environ(os.environ)), wait, story)
    opened.callback(lease.release)
    opened.enter_context(stop.listening(story))
    return Poller(rules, Place(storage, lease), habits, clock_ms=wall_ms, alert=_alert, reports=reports), stop


@usage.command(
    epilog="\b\nExamples:\n  fbplan usage show\n  fbplan usage show s3://ops/fbplan/usage.json -o json\n  fbplan usage show --policy ops/routing-policy.json -o md=usage.md"
)
@click.argument("source", metavar="[FILE|URL]", default=USAGE, required=False)
@click.option("--policy", metavar="PATH", default=POLICY, show_default=True, help="The policy: a file or a URL.")
@output_option
def show(source: str, policy: str, outputs: tuple[str, ...]) -> int:
    """Show use, cap and what is left of every bucket, from the published file. Reads no API."""
    from fbplan.metering.place import content_of, open_place
    from fbplan.metering.view import usage_view
    from fbplan.render import usage as render
    from fbplan.runtime.form import Unusable

    wanted = parse_outputs(outputs)
    remember(wanted)
    storage = open_place(source)
    raw = content_of(storage, "usage")
    if raw is None:
        raise FbplanError("there is no usage file", storage.label, "", f"fbplan usage poll --out {source}")
    try:
        view = usage_view(raw, _policy_at(policy), time.time_ns() // 1_000_000, storage.label)
    except Unusable as fault:
        raise FbplanError(
            "the usage file cannot be used",
            storage.label,
            str(fault),
            f"fbplan usage poll --out {source} writes it anew",
        ) from fault
    emit(
        wanted,
        {
            "human": lambda p: render.usage_text(view, p),
            "json": lambda _: render.usage_document(view),
            "md": lambda _: render.usage_markdown(view),
            "github": lambda _: render.usage_annotations(view),
        },
    )
    return int(ExitCode.OK)


def _policy_at(location: str) -> Policy | None:
    """The policy that tells the caps. Without one the use alone is shown."""
    from fbplan.metering.place import content_of, open_place
    from fbplan.runtime.form import Unusable
    from fbplan.runtime.policy import read_policy

    try:
        raw = content_of(open_place(location, what="policy"), "policy")
        if raw is not None:
            return read_policy(raw)
        told = "there is no such file"
    except (FbplanError, Unusable) as fault:
        told = str(fault)
    story(f"caps are not shown: {location}: {told}; name the policy with --policy")
    return None


def _allowed(given: tuple[str, ...]) -> Iterator[str]:
    from fbplan.metering.rounds import NO_MEMORY

    for text in given:
        if text != NO_MEMORY and not (text.startswith(_FALL) and len(text) > len(_FALL)):
            raise UsageFault(f"--allow '{text}': there is nothing like it", "", "", "use fall:BUCKET or no-memory")
        yield text


def _alert(name: str, told: str) -> None:
    story(f"alert: {name}: {told}")


def _told(polled: Polled) -> str:
    """`seq 81234 published: 2 ok, 1 stale`, and what is waited for."""
    from collections import Counter

    from fbplan.metering.poller import blind_until
    from fbplan.runtime.times import stamp_of

    at = datetime.fromtimestamp(polled.round.at_ms / 1000, UTC)
    if not polled.is_published:
        return f"{at:%Y-%m-%dT%H:%M:%SZ} nothing was learnt: what is published stands until its grants end"
    counts = Counter(found.quality for found in polled.round.buckets)
    told = ", ".join(f"{number} {word}" for word, number in sorted(counts.items())) or "no buckets"
    blind_ms = blind_until(polled.round)
    waits = f"; earlier grants are not known, so none are given until {stamp_of(blind_ms)}" if blind_ms else ""
    return f"{at:%Y-%m-%dT%H:%M:%SZ} seq {polled.round.seq} published: {told}{waits}"
