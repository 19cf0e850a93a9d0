"""`init`, `validate` and `schema`: writing a spec."""

from __future__ import annotations

import os
from pathlib import Path

import click

from fbplan.cli.options import api_options, output_option, spec_argument
from fbplan.cli.output import emit, parse_outputs, remember, story
from fbplan.commands import given
from fbplan.errors import ExitCode, FbplanError

STARTER = """\
# yaml-language-server: $schema=./fbplan.schema.json
version: 1
workspace: Production              # name or id of a Flashback workspace

buckets:
  logs-gcp:
    bucket: acme-logs              # the bucket or container at the provider
    storage_type: GCS              # S3 | GCS | BLOB
    provider: gcp                  # who bills
    region: us-east1
    key: {env: GCP_CLIENT_EMAIL}   # resolved only by apply
    secret: {env: GCP_PRIVATE_KEY}
    soft_cap: {limit: 500GB, soft: 80%}
  logs-aws:
    bucket: acme-logs-use1
    storage_type: S3
    provider: aws
    region: us-east-1
    key: {env: AWS_ACCESS_KEY_ID}
    secret: {env: AWS_SECRET_ACCESS_KEY}
    soft_cap: {limit: 300GB, soft: 80%}

repositories:
  app-data:
    storage_type: S3               # the protocol that applications speak
    buckets:                       # in order of preference
      - {bucket: logs-gcp, folder: gcp}
      - {bucket: logs-aws, folder: aws}
    api_keys:
      writer: {access: WRITE, sink: {file: secrets/app-data-writer.env}}
      reader: {access: READ, sink: {file: secrets/app-data-reader.env}}
    routing:
      endpoint: https://s3-us-east-1-aws.flashback.tech
"""
IGNORED = "secrets/\n*.lock\n*.new\nplan.json\n.fbplan-emulator/\nemulator/\n"


@click.command(epilog="\b\nExample:\n  fbplan init infra")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False), default=Path(), required=False)
def init(folder: Path) -> int:
    """Write a first spec, its JSON Schema, and a .gitignore for the secrets."""
    from fbplan.spec.schema import spec_schema
    from fbplan.storage.atomic import write_atomically

    spec = folder / "fbplan.yaml"
    if spec.exists():
        raise FbplanError("there is a spec already", str(spec), "it was not touched", f"fbplan validate {spec}")
    write_atomically(folder / "fbplan.schema.json", spec_schema().encode(), "the schema")
    if not (folder / ".gitignore").exists():
        write_atomically(folder / ".gitignore", IGNORED.encode(), "the ignore list")
    write_atomically(spec, STARTER.encode(), "the spec")
    click.echo(
        f"wrote {spec}, {folder / 'fbplan.schema.json'}"
        + ("" if not (folder / ".gitignore").exists() else f", {folder / '.gitignore'}")
    )
    click.echo(f"next: edit {spec}, then: fbplan plan{given('' if folder == Path() else str(folder))}")
    return int(ExitCode.OK)


@click.command(
    epilog="\b\nExamples:\n  fbplan validate\n  fbplan validate infra/fbplan.yaml -o github\n  fbplan validate --online"
)
@spec_argument
@click.option("--online", is_flag=True, help="Also ask the API to probe each bucket that is registered already.")
@output_option
@api_options
def validate(spec: Path, online: bool, outputs: tuple[str, ...], api_url: str | None, concurrency: int) -> int:
    """Check a spec: every problem at once, each with its place and its fix. Needs no API and no secret."""
    from fbplan.render import human, machine
    from fbplan.render.problems import diagnostic_items
    from fbplan.render.words import counted
    from fbplan.spec.load import load_spec
    from fbplan.spec.rules import declared_addresses

    wanted = parse_outputs(outputs)
    remember(wanted)
    loaded = load_spec(spec)
    count = len(declared_addresses(loaded.spec))
    probes = _probed(spec, api_url, concurrency) if online else []
    failed = [told for told in probes if not told.endswith("reachable")]
    code = ExitCode.ERROR if failed else ExitCode.OK
    head = f"{loaded.document.label}: valid, {counted(count, 'resource')}" + (
        f", {counted(len(loaded.warnings), 'warning')}" if loaded.warnings else ""
    )

    def document() -> str:
        import json

        body = {
            "format": "fbplan.validation",
            "format_version": 1,
            "resources": count,
            "diagnostics": [machine.diagnostic_json(w) for w in loaded.warnings],
            "probes": probes,
            "exit": machine.exit_json(code),
        }
        return json.dumps(body, indent=1, ensure_ascii=False) + "\n"

    emit(
        wanted,
        {
            "human": lambda p: (
                "\n".join([*(human.diagnostic_text(w, p) for w in loaded.warnings), *probes, head]) + "\n"
            ),
            "json": lambda _: document(),
            "md": lambda _: "".join([f"{head}\n", *diagnostic_items(loaded.warnings), *(f"- {p}\n" for p in probes)]),
            "github": lambda _: (
                machine.diagnostic_annotations(loaded.warnings) + f"::notice title=fbplan validate::{head}\n"
            ),
        },
    )
    return int(code)


def _probed(spec: Path, api_url: str | None, concurrency: int) -> list[str]:
    """One line per bucket: what the platform's nodes say when they try it."""
    from fbplan.cli.connection import connected
    from fbplan.cli.pipeline import make_plan
    from fbplan.client.api import ReadClient
    from fbplan.kinds import KINDS
    from fbplan.secrets.environ import Environ
    from fbplan.spec.load import load_spec

    out = []
    with connected(api_url, Environ(os.environ), story, concurrency) as session:
        client = ReadClient(session)
        observation = make_plan(load_spec(spec), client, ()).observation
        for address, live in sorted(observation.world.live.items()):
            if KINDS[live.kind].swap_requires_change_of is None:
                continue
            try:
                client.validate_bucket(live.id, str(live.fields.get("bucket", "")))
                out.append(f"{address}: reachable")
            except FbplanError as fault:
                out.append(f"{address}: {fault.what}: {fault.why}")
    return out


@click.command(
    epilog="\b\nExamples:\n  fbplan schema spec > fbplan.schema.json\n  fbplan schema policy\n  fbplan schema codes"
)
@click.argument("what", type=click.Choice(["spec", "policy", "plan", "codes"]))
def schema(what: str) -> int:
    """Print a JSON Schema (spec, policy, plan), or the table of diagnostic codes."""
    from fbplan.spec import schema as spec_schema

    if what == "spec":
        text = spec_schema.spec_schema()
    elif what == "codes":
        text = spec_schema.codes_table()
    elif what == "plan":
        from fbplan.plan import plan_schema

        text = plan_schema()
    else:
        from fbplan.policy.format import policy_schema

        text = policy_schema()
    click.echo(text, nl=False)
    return int(ExitCode.OK)
