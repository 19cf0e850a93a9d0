"""`policy simulate`: a month of writes against a policy, before anybody writes."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from fbplan.cli.options import api_options, output_option, seconds_of
from fbplan.cli.output import View, emit, parse_outputs, remember, story
from fbplan.errors import ExitCode, FbplanError, UsageFault

if TYPE_CHECKING:
    from fbplan.plan import Plan
    from fbplan.render.human import Palette
    from fbplan.simulation.difference import Difference
    from fbplan.simulation.result import Simulation, Terms
    from fbplan.simulation.schedule import Schedule
    from fbplan.simulation.subject import Subject

DAY_MS = 86_400_000
MOST_DAYS = 400


@click.command(
    epilog="\b\nExamples:\n  fbplan policy simulate --schedule month.yaml\n  fbplan policy simulate --schedule month.yaml --against routing-policy.json -o md\n  fbplan policy simulate --history 30d --plot month.svg"
)
@click.argument(
    "source", metavar="[SPEC|FILE]", type=click.Path(path_type=Path), default=Path("fbplan.yaml"), required=False
)
@click.option("--schedule", type=click.Path(path_type=Path), help="What is written: YAML, JSON or CSV.")
@click.option("--history", metavar="DURATION", help="Replay what was written lately instead, like 30d.")
@click.option(
    "--against", type=click.Path(path_type=Path), help="Another spec or policy file: say what changes from it."
)
@click.option("--plot", type=click.Path(path_type=Path, dir_okay=False), help="Draw it as SVG.")
@click.option(
    "--poll", callback=seconds_of, default="60s", show_default=True, metavar="DURATION", help="Between two polls."
)
@click.option(
    "--lag",
    callback=seconds_of,
    default="120s",
    show_default=True,
    metavar="DURATION",
    help="How late the statistics are.",
)
@click.option(
    "--max-lag",
    callback=seconds_of,
    default="120s",
    show_default=True,
    metavar="DURATION",
    help="How late the poller takes them to be at most.",
)
@click.option(
    "--object-size", default="8MB", show_default=True, metavar="SIZE", help="Of an object; a history does not tell."
)
@click.option("--simple", is_flag=True, help="Processes that count their own bytes, instead of a fleet with grants.")
@output_option
@api_options
def simulate(
    source: Path,
    schedule: Path | None,
    history: str | None,
    against: Path | None,
    plot: Path | None,
    poll: float,
    lag: float,
    max_lag: float,
    object_size: str,
    simple: bool,
    outputs: tuple[str, ...],
    api_url: str | None,
    concurrency: int,
) -> int:
    """Play a month of writes against a policy: when caps are reached, hours read-only, overshoot."""
    from fbplan.simulation.play import simulate as played

    wanted = parse_outputs(outputs)
    remember(wanted)
    if (schedule is None) == (history is None):
        raise UsageFault("what is written?", "", "", "name --schedule FILE, or --history 30d, and not both")
    terms = _terms(poll, lag, max_lag, simple)
    subject = _subject(source)
    writes, notes = (
        (_scheduled(schedule), ())
        if schedule is not None
        else _replayed(source, history or "", object_size, api_url, concurrency)
    )
    found = played(subject, writes, terms)
    found = replace(found, notes=(*notes, *found.notes))
    changed = _compared(against, writes, found)
    if plot is not None:
        draw(found, plot)
    emit(wanted, views_of(found, changed))
    return int(ExitCode.OK)


def views_of(found: Simulation, changed: tuple[Difference, ...] | None) -> dict[str, View]:
    """The same simulation in every format."""
    from fbplan.render import simulation as render
    from fbplan.render.simulation_json import simulation_document

    return {
        "human": lambda palette: render.simulation_text(found, changed, palette),
        "json": lambda _: simulation_document(found, changed, ExitCode.OK),
        "md": lambda _: render.simulation_markdown(found, changed),
        "github": lambda _: render.simulation_annotation(found, changed),
    }


def simulate_change(spec: Path, schedule: Path) -> tuple[Simulation, tuple[Difference, ...] | None]:
    """A schedule against the policy that a spec asks for; and what changes from the published one, if it plays it."""
    from fbplan.policy.published import read_published
    from fbplan.simulation.difference import differences
    from fbplan.simulation.play import simulate as played
    from fbplan.simulation.subject import subject_of

    writes = _scheduled(schedule)
    found = played(_subject(spec), writes)
    published = read_published(_published(spec)).document
    before = subject_of(published) if published is not None else None
    if before is None or not any(flow.repository in before.policy.repositories for flow in writes.flows):
        return found, None
    return found, differences(played(before, writes), found)


def beside(
    made: Plan, views: Mapping[str, View], found: Simulation, changed: tuple[Difference, ...] | None
) -> dict[str, View]:
    """The views of a plan, each with the simulation after it; a comment stays as short as a comment has to be."""
    from fbplan.render import markdown
    from fbplan.render.simulation_json import simulation_json

    own = views_of(found, changed)

    def comment(palette: Palette) -> str:
        section = own["md"](palette)
        return f"{markdown.plan_markdown(made, markdown.BUDGET - len(section) - 1)}\n{section}"

    def document(palette: Palette) -> str:
        whole = {**json.loads(views["json"](palette)), "simulation": simulation_json(found, changed)}
        return json.dumps(whole, indent=1, ensure_ascii=False) + "\n"

    return {
        "human": lambda palette: f"{views['human'](palette)}\n{own['human'](palette)}",
        "json": document,
        "md": comment,
        "github": lambda palette: views["github"](palette) + own["github"](palette),
    }


def draw(found: Simulation, path: Path) -> None:
    from fbplan.render.plot import simulation_svg
    from fbplan.storage.atomic import write_atomically

    write_atomically(path, simulation_svg(found).encode(), "the plot")


def _terms(poll: float, lag: float, max_lag: float, simple: bool) -> Terms:
    from fbplan.simulation.result import Terms

    if not 1 <= poll <= 3600 or lag > 86_400 or max_lag > 86_400:
        raise UsageFault("a time that no fleet has", "", "", "--poll from 1s to 1h, --lag and --max-lag up to 24h")
    return Terms(int(poll) * 1000, int(lag) * 1000, int(max_lag) * 1000, simple)


def _subject(source: Path) -> Subject:
    """The policy in a file, or the one that a spec asks for."""
    from fbplan.policy.compose import compose
    from fbplan.simulation.subject import subject_of_content, subject_of_file
    from fbplan.spec.load import load_spec

    return subject_of_file(source) if source.suffix == ".json" else subject_of_content(compose(load_spec(source).spec))


def _scheduled(path: Path) -> Schedule:
    from fbplan.simulation.reading import read_schedule

    return read_schedule(path)


def _compared(against: Path | None, writes: Schedule, found: Simulation) -> tuple[Difference, ...] | None:
    from fbplan.simulation.difference import differences
    from fbplan.simulation.play import simulate as played

    return None if against is None else differences(played(_subject(against), writes, found.terms), found)


def _replayed(
    source: Path, history: str, object_size: str, api_url: str | None, concurrency: int
) -> tuple[Schedule, tuple[str, ...]]:
    """What was written in the days up to yesterday, by the statistics. It needs the ids of a published policy."""
    from fbplan.cli.connection import connected
    from fbplan.cli.explaining import size_of
    from fbplan.client.api import ReadClient
    from fbplan.secrets.environ import Environ
    from fbplan.simulation.history import schedule_of
    from fbplan.simulation.moments import stamp
    from fbplan.simulation.subject import subject_of_file

    days = _days(history)
    policy = subject_of_file(source if source.suffix == ".json" else _published(source)).policy
    today = time.time_ns() // 1_000_000 // DAY_MS
    first = today - days
    ids = sorted(bucket.bucket_id for bucket in policy.buckets.values())
    with connected(api_url, Environ(os.environ), story, concurrency) as session:
        rows = ReadClient(session).daily(stamp(first * DAY_MS), stamp(today * DAY_MS - 1000), ids)
    made, notes = schedule_of(rows, policy, first, days, size_of("--object-size", object_size))
    if not made.flows:
        raise FbplanError(
            f"nothing was written in the last {days} days", "GET /stats/daily", "", "simulate a schedule file instead"
        )
    return made, notes


def _published(spec: Path) -> Path:
    from fbplan.spec.load import load_spec

    loaded = load_spec(spec)
    return loaded.folder / (loaded.spec.policy.path if loaded.spec.policy is not None else "routing-policy.json")


def _days(text: str) -> int:
    number = text.removesuffix("d")
    days = int(number) if text.endswith("d") and number.isdecimal() and number.isascii() and len(number) < 5 else 0
    if not 1 <= days <= MOST_DAYS:
        raise UsageFault(
            f"--history '{text}': not a number of days", "", "", f"write it like 30d, {MOST_DAYS}d at most"
        )
    return days
