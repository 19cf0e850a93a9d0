"""`policy render | diff | check | simulate | why | module`: the routing policy file, and what obeys it elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from fbplan.cli.explaining import why
from fbplan.cli.options import spec_argument
from fbplan.cli.output import story
from fbplan.cli.simulating import simulate
from fbplan.commands import given
from fbplan.errors import ExitCode, FbplanError
from fbplan.policy.module import LANGUAGES

if TYPE_CHECKING:
    from fbplan.policy.place import Place


@click.group()
def policy() -> None:
    """Look at the routing policy that apply publishes."""


policy.add_command(simulate)
policy.add_command(why)


@policy.command(
    epilog="\b\nExamples:\n  fbplan policy render --format env\n  fbplan policy render --format typescript > src/policy.ts\n  fbplan policy render routing-policy.json --format markdown"
)
@click.argument("source", metavar="[SPEC|FILE|URL]", default="fbplan.yaml", required=False)
@click.option(
    "--format",
    "form",
    type=click.Choice(["json", "env", "markdown", "typescript", "python"]),
    default="json",
    show_default=True,
    help="What to write.",
)
@click.option("--repository", help="Only this repository (env: without a prefix).")
def render(source: str, form: str, repository: str | None) -> int:
    """Print the published policy in another form: settings for a shell, typed constants, a table."""
    from fbplan.policy.render import render as rendered

    place = _place(source)
    published = place.read()
    if published.problem is not None:
        raise FbplanError(
            "the policy file cannot be used", place.label, published.problem, "fbplan apply writes it again"
        )
    if published.document is None:
        raise FbplanError("there is no policy file yet", place.label, "", "fbplan apply publishes it")
    click.echo(rendered(published.document, form, repository), nl=False)
    return int(ExitCode.OK)


def _place(source: str) -> Place:
    """What is named: a policy itself, by its path or URL, or the spec that says where it is."""
    from fbplan.policy.place import place_of
    from fbplan.storage import is_url

    if source.endswith(".json") or is_url(source):
        return place_of(source, Path())
    return _published_by(Path(source))


def _published_by(spec: Path) -> Place:
    from fbplan.policy.place import DEFAULT, place_of
    from fbplan.spec.load import load_spec

    loaded = load_spec(spec)
    return place_of(loaded.spec.policy.path if loaded.spec.policy is not None else DEFAULT, loaded.folder)


@policy.command(epilog="\b\nExample:\n  fbplan policy diff")
@spec_argument
@click.option("--detailed-exitcode", is_flag=True, help="Exit 2 when they differ.")
def diff(spec: Path, detailed_exitcode: bool) -> int:
    """Say how the policy of the spec differs from the published file. Reads no API."""
    from fbplan.policy.changes import describe
    from fbplan.policy.compose import compose
    from fbplan.policy.document import Ids, content_digest, preview, spec_digest
    from fbplan.spec.load import load_spec

    content = compose(load_spec(spec).spec)
    place = _published_by(spec)
    published = place.read()
    if published.problem is not None:
        story(f"{place.label}: {published.problem}")
    before = published.document if published.problem is None else None
    is_equal = before is not None and content_digest(before) == content_digest(content)
    for line in () if is_equal else describe(before, preview(content, Ids({}, {}, {}), 0, spec_digest(content))):
        click.echo(line)
    story("the published policy is that of the spec" if is_equal else f"next: fbplan plan{given(str(spec))}")
    return int(ExitCode.CHANGES if detailed_exitcode and not is_equal else ExitCode.OK)


@policy.command(epilog="\b\nExample:\n  fbplan policy check\n  fbplan policy check routing-policy.json")
@click.argument("source", metavar="[SPEC|FILE|URL]", default="fbplan.yaml", required=False)
def check(source: str) -> int:
    """Check a policy file: its schema, its digests, its references."""
    from fbplan.policy.check import check_place

    place = _place(source)
    problems = check_place(place)
    for problem in problems:
        click.echo(f"{place.label}: {problem}")
    if problems:
        raise FbplanError(
            f"the policy file has {len(problems)} problem{'' if len(problems) == 1 else 's'}",
            place.label,
            "",
            "fbplan apply writes it again from the spec",
        )
    click.echo(f"{place.label}: good")
    return int(ExitCode.OK)


@policy.command(
    epilog="\b\nExamples:\n  fbplan policy module --lang typescript --out src/fbplan.ts\n  fbplan policy module --lang go --out fbroute/fbroute.go"
)
@click.option("--lang", "name", required=True, type=click.Choice(sorted(LANGUAGES)), help="The language of the module.")
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write to this file instead of stdout; missing parent folders are made.",
)
def module(name: str, out: Path | None) -> int:
    """Write the chooser for a service in another language: one file, nothing to install."""
    from fbplan.policy.module import module_text

    text = module_text(LANGUAGES[name])
    if out is None:
        click.echo(text, nl=False)
        return int(ExitCode.OK)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(text, encoding="utf-8")
    except OSError as error:
        raise FbplanError(
            "the module cannot be written", str(out), error.strerror or "", "name another --out"
        ) from None
    story(f"{out}: written")
    return int(ExitCode.OK)
