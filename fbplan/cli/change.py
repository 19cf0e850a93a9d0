"""`plan`, `show` and `apply`."""

from __future__ import annotations

import dataclasses
import os
import sys
from pathlib import Path

import click

from fbplan.cli.options import allow_option, api_options, epilog, output_option, spec_argument, waiting_options
from fbplan.cli.output import View, emit, encoded, palette_for, parse_outputs, remember, require_places, story
from fbplan.cli.overwriting import require_replaceable
from fbplan.errors import ExitCode, FbplanError, UsageFault
from fbplan.plan import Plan, plan_json, read_plan


@click.command(
    epilog=epilog(
        "fbplan plan",
        "fbplan plan infra/fbplan.yaml --out plan.json --detailed-exitcode",
        "fbplan plan -o md=comment.md",
        "fbplan plan -o md=comment.md --simulate month.yaml",
    )
)
@spec_argument
@click.option(
    "--out", type=click.Path(path_type=Path, dir_okay=False), help="Save the plan here, for `fbplan apply FILE`."
)
@click.option("--detailed-exitcode", is_flag=True, help="Exit 2 when there are changes.")
@click.option(
    "--simulate",
    "schedule",
    type=click.Path(path_type=Path),
    metavar="SCHEDULE",
    help="Also say what the policy makes of these writes, as `fbplan policy simulate` does.",
)
@allow_option
@output_option
@api_options
def plan(
    spec: Path,
    out: Path | None,
    detailed_exitcode: bool,
    schedule: Path | None,
    allow: tuple[str, ...],
    outputs: tuple[str, ...],
    api_url: str | None,
    concurrency: int,
) -> int:
    """Say what would change, and why. Writes nothing anywhere but to --out.

    SPEC is a file, or a folder with an fbplan.yaml in it. [default: fbplan.yaml]
    """
    wanted = parse_outputs(outputs)
    remember(wanted)
    played = None
    if schedule is not None:
        from fbplan.cli.simulating import beside, simulate_change

        played = simulate_change(spec, schedule)  # first, because it is quick to say that the schedule is wrong
    from fbplan.cli.attended import attended
    from fbplan.cli.stop import READING, Stop

    made = attended(Stop(last_words=READING), lambda: _planned(spec, allow, api_url, concurrency))
    if out is not None:
        _save(made, out)
    code = (
        ExitCode.REFUSED
        if made.refusals
        else ExitCode.CHANGES
        if made.has_changes and detailed_exitcode
        else ExitCode.OK
    )
    views = views_of(made, code, str(out) if out else None)
    emit(wanted, views if played is None else beside(made, views, *played))
    return int(code)


def _planned(spec: Path, allow: tuple[str, ...], api_url: str | None, concurrency: int) -> Plan:
    from fbplan.cli.connection import connected
    from fbplan.cli.pipeline import make_plan
    from fbplan.cli.runner import warn_of_lost_ledger, warn_of_lost_sinks
    from fbplan.client.api import ReadClient
    from fbplan.guards import checked_allowances
    from fbplan.secrets.environ import Environ
    from fbplan.spec.load import load_spec

    allowances, loaded = checked_allowances(allow), load_spec(spec)
    environ = Environ(os.environ)
    warn_of_lost_ledger(loaded.spec.ledger, loaded.folder, environ)
    with connected(api_url, environ, story, concurrency) as session:
        made = make_plan(loaded, ReadClient(session), allowances).plan
    warn_of_lost_sinks(made, environ)
    return made


def _save(made: Plan, out: Path) -> None:
    """Save the plan; its folder counts from the file, so that `apply FILE` means the same from anywhere."""
    import json

    from fbplan.storage.atomic import write_atomically

    require_replaceable(out)
    placed = dataclasses.replace(made, folder=os.path.relpath(made.folder, out.parent))
    text = json.dumps(plan_json(placed), indent=1, ensure_ascii=False)
    write_atomically(out, encoded(text) + b"\n", "the plan", mode=0o600)


def views_of(made: Plan, code: ExitCode, saved: str | None = None) -> dict[str, View]:
    """The same plan in every format."""
    from fbplan.render import human, machine, markdown

    return {
        "human": lambda palette: human.plan_text(made, palette, saved),
        "json": lambda _: machine.plan_document(made, code),
        "md": lambda _: markdown.plan_markdown(made),
        "github": lambda _: machine.plan_annotations(made),
    }


@click.command(epilog="\b\nExamples:\n  fbplan show plan.json\n  fbplan show plan.json -o md")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@output_option
def show(file: Path, outputs: tuple[str, ...]) -> int:
    """Show a saved plan, exactly as `plan` did. Reads nothing but the file."""
    wanted = parse_outputs(outputs)
    remember(wanted)
    emit(wanted, views_of(_read_saved(file), ExitCode.OK, str(file)))
    return int(ExitCode.OK)


def _read_saved(file: Path) -> Plan:
    try:
        found = read_plan(file.read_text(encoding="utf-8"), str(file))
        return dataclasses.replace(found, folder=os.path.normpath(file.parent / found.folder))
    except (OSError, UnicodeDecodeError) as fault:
        raise FbplanError(
            "the plan cannot be read",
            str(file),
            getattr(fault, "strerror", "") or "it is not text",
            "make one with: fbplan plan --out FILE",
        ) from fault


@click.command(
    epilog=epilog("fbplan apply", "fbplan apply --yes", "fbplan apply plan.json", "fbplan apply --expect sha256:4f2c…")
)
@click.argument(
    "target", metavar="[SPEC|FILE]", type=click.Path(path_type=Path), default=Path("fbplan.yaml"), required=False
)
@click.option("--yes", "--auto-approve", "yes", is_flag=True, help="Do not ask; needed where nobody can answer.")
@click.option("--expect", metavar="PLAN_ID", help="Apply only if the plan made now has this id.")
@allow_option
@output_option
@waiting_options
@api_options
def apply(
    target: Path,
    yes: bool,
    expect: str | None,
    allow: tuple[str, ...],
    outputs: tuple[str, ...],
    lock_timeout: float,
    grace: float,
    api_url: str | None,
    concurrency: int,
) -> int:
    """Make it so, from the spec or a saved plan, and publish the routing policy.

    SPEC is a file, or a folder with an fbplan.yaml in it; FILE is a plan that `fbplan plan --out` saved, and ends in
    .json. [default: fbplan.yaml]
    """
    from fbplan.cli.applying import run
    from fbplan.cli.reviewed import Request
    from fbplan.spec.load import load_spec

    wanted = parse_outputs(outputs)
    remember(wanted)
    require_places(wanted)
    is_saved = target.suffix == ".json" and not target.is_dir()
    if not target.exists() and not is_saved:
        load_spec(target)  # says that there is no such file, and what to do
    if is_saved and (expect or allow):
        raise UsageFault("a saved plan carries its own id and allowances", "", "", f"fbplan apply {target}")
    if not (yes or expect or is_saved) and not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UsageFault(
            "nobody is there to approve this",
            "",
            "stdin or stdout is not a terminal",
            "use --yes, a saved plan (fbplan plan --out plan.json; fbplan apply plan.json), or --expect PLAN_ID",
        )
    saved = _read_saved(target) if is_saved else None
    request = Request(target, saved, yes or is_saved, expect, allow, api_url, concurrency, lock_timeout, grace)
    return run(request, wanted, confirm)


def confirm(made: Plan) -> bool:
    """Show the plan and ask; deletes have to be typed."""
    from fbplan.render import human, words

    click.echo(human.plan_text(made, palette_for(sys.stdout)).rsplit("\nnext:", 1)[0].rstrip(), color=True)
    removed = made.summary.get("delete", 0) + made.summary.get("replace", 0)
    if removed:
        typed = click.prompt(
            f"\n{words.counted(removed, 'resource')} will be deleted or replaced. Type {removed} to go on",
            default="",
            show_default=False,
        )
        return bool(typed == str(removed))
    return click.confirm("\napply this?", default=False)
