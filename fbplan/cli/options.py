"""The options that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

Decorated = Callable[..., Any]


def spec_argument(command: Decorated) -> Decorated:
    return click.argument("spec", type=click.Path(path_type=Path), default=Path("fbplan.yaml"), required=False)(command)


def api_options(command: Decorated) -> Decorated:
    url = click.option(
        "--api-url",
        envvar="FB_API_URL",
        metavar="URL",
        help="The API, or emulator:DIR for the embedded one. [default: https://backend.flashback.tech]",
    )
    workers = click.option(
        "--concurrency",
        envvar="FBPLAN_CONCURRENCY",
        type=click.IntRange(1, 64),
        default=8,
        show_default=True,
        help="Calls at the same time.",
    )
    return url(workers(command))


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
