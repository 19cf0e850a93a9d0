"""`usage poll | show`: what the statistics say of each cap, published for the fleet."""

from __future__ import annotations

import gc
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from fbplan.cli.options import api_options, output_option, seconds_of
from fbplan.cli.output import emit, parse_outputs, remember, story
from fbplan.errors import ExitCode, FbplanError, UsageFault

if TYPE_CHECKING:
    from fbplan.runtime.policy import Policy

POLICY, USAGE = "routing-policy.json", "usage.json"
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

    One poller at a time publishes to one place; a second one stands by. Writers live on what it publishes. When the poller
    ends, its grants run out and the buckets that have a cap close by themselves.
    """
    from fbplan.cli.polling import Desk
    from fbplan.metering.rounds import Habits

    if every < 1:
        raise UsageFault("--every 0s is no time at all", "", "", "write --every 60s")
    gc.enable()  # it runs for months
    habits = Habits(round(every * 1000), round(max_lag * 1000), frozenset(_allowed(allow)))
    desk = Desk(habits, api_url, concurrency)
    with desk.opened(policy, out, lock_timeout, reports):
        return desk.once() if once else desk.forever()


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
