"""The options that several commands share."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from fbplan.cli.grace import DEFAULT
from fbplan.errors import ExitCode

Decorated = Callable[..., Any]
_DURATION = re.compile(r"(\d{1,6})([smh])")
_TIMEOUTS = "fbplan.timeouts"

_LOGIN = (
    "The login comes from FB_JWT or FB_JWT_FILE; for automation from FB_EMAIL and FB_PASSWORD, or FB_PASSWORD_FILE."
)
_EXITS = (
    f"Exit codes: {', '.join(f'{int(code)} {code.label}' for code in ExitCode)}."
    " The README says what each means; `fbplan schema codes` explains the FB codes of a spec."
)


def epilog(*examples: str) -> str:
    """What stands below the options of `plan` and `apply`: the login, the exit codes, examples."""
    return "\n\n".join([_LOGIN, _EXITS, "\n  ".join(["\b\nExamples:", *examples])])


def spec_argument(command: Decorated) -> Decorated:
    return click.argument("spec", type=click.Path(path_type=Path), default=Path("fbplan.yaml"), required=False)(command)


def api_options(command: Decorated) -> Decorated:
    url = click.option(
        "--api-url",
        envvar="FB_API_URL",
        metavar="URL",
        help="The API, or emulator:DIR for the embedded one; also FB_API_URL. [default: https://backend.flashback.tech]",
    )
    workers = click.option(
        "--concurrency",
        envvar="FBPLAN_CONCURRENCY",
        type=click.IntRange(1, 64),
        default=8,
        show_default=True,
        help="Calls at the same time.",
    )
    patience = click.option(
        "--timeout",
        multiple=True,
        metavar="NAME=DURATION",
        expose_value=False,
        callback=_keep_timeouts,
        help="Patience, repeatable: connect, read, write, create, pool, action or run, like read=10s; also FBPLAN_TIMEOUTS=read=10s,create=2m.",
    )
    return url(workers(patience(command)))


def given_timeouts() -> tuple[str, ...]:
    """What `--timeout` said in the running command; nothing outside of one."""
    context = click.get_current_context(silent=True)
    found: tuple[str, ...] = context.meta.get(_TIMEOUTS, ()) if context is not None else ()
    return found


def _keep_timeouts(context: click.Context, _option: click.Parameter, given: tuple[str, ...]) -> None:
    """Check at once, so that a typo is found before anything is read or asked; `connected` takes it from here."""
    if given:
        from fbplan.cli.timeouts import timeouts_from

        timeouts_from(given, {})
    context.meta[_TIMEOUTS] = given


def output_option(command: Decorated) -> Decorated:
    return click.option(
        "-o",
        "--output",
        "outputs",
        multiple=True,
        metavar="FORMAT[=PATH]",
        help="human, json, md or github; repeatable with paths. [default: human]",
    )(command)


def allow_option(command: Decorated) -> Decorated:
    return click.option(
        "--allow",
        "allow",
        multiple=True,
        metavar="WHAT",
        help="Open one guard: replace:ADDR, rename:ADDR, adopt:ADDR, delete:ADDR, max-deletes=N, max-change=N%, short-listing:SECTION.",
    )(command)


def seconds_of(ctx: click.Context, param: click.Parameter, value: str) -> float:
    """A duration as the spec writes it, in seconds; a callback of an option."""
    found = _DURATION.fullmatch(value)
    if found is None:
        raise click.BadParameter(f"'{value}' is not a duration; use one like 0s, 30s or 5m", ctx, param)
    return int(found[1]) * {"s": 1.0, "m": 60.0, "h": 3600.0}[found[2]]


def waiting_options(command: Decorated) -> Decorated:
    lock = click.option(
        "--lock-timeout",
        envvar="FBPLAN_LOCK_TIMEOUT",
        callback=seconds_of,
        metavar="DURATION",
        default="60s",
        show_default=True,
        help="How long to wait for another apply to end; 0s: not at all.",
    )
    grace = click.option(
        "--grace",
        envvar="FBPLAN_GRACE",
        callback=seconds_of,
        metavar="DURATION",
        default=f"{DEFAULT:.0f}s",
        show_default=True,
        help="How long an apply may take to end after SIGINT or SIGTERM; what is in flight gets all but the last 2 s, or two thirds.",
    )
    return lock(grace(command))
