"""`demo`: the whole story on the embedded emulator, with the same commands a user types."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import click

from fbplan.cli.output import palette_for
from fbplan.errors import ExitCode, FbplanError

_PROVIDER_SECRETS = {
    "GCP_CLIENT_EMAIL": "writer@acme.example",
    "GCP_PRIVATE_KEY": "made-up-for-the-demo",
    "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE0001",
    "AWS_SECRET_ACCESS_KEY": "made-up-for-the-demo",
    "AZURE_STORAGE_ACCOUNT": "acmelogs",
    "AZURE_STORAGE_KEY": "made-up-for-the-demo",
}
_STORE = "emulator:emulator"


@click.command(epilog="\b\nExamples:\n  fbplan demo\n  fbplan demo --keep ./try-it")
@click.option("--keep", type=click.Path(path_type=Path, file_okay=False), help="Leave the files here, to play with.")
def demo(keep: Path | None) -> int:
    """Tell the whole story on an emulator in this process, in seconds."""
    if keep is not None and keep.exists() and any(keep.iterdir()):
        raise FbplanError(
            "the folder is not empty",
            str(keep),
            "the demo writes a spec, a ledger and secrets there",
            "name a new folder",
        )
    folder = keep if keep is not None else Path(tempfile.mkdtemp(prefix="fbplan-demo-"))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        spec = (Path(__file__).parent / "demo.yaml").read_text(encoding="utf-8")
        (folder / "fbplan.yaml").write_text(
            spec.replace("../../schemas/spec.schema.json", "./fbplan.schema.json"), encoding="utf-8"
        )
        if keep is not None:
            from fbplan.spec.schema import spec_schema

            (folder / "fbplan.schema.json").write_text(spec_schema(), encoding="utf-8")
        with _inside(folder):
            _story()
    finally:
        if keep is None:
            shutil.rmtree(folder, ignore_errors=True)
    if keep is not None:
        settings = " ".join(f"{name}={value}" for name, value in (("FB_API_URL", _STORE), *_PROVIDER_SECRETS.items()))
        click.echo(f"\nThe files are in {keep}. To go on from here:\n  cd {keep}\n  export {settings}\n  fbplan plan")
    return int(ExitCode.OK)


@contextlib.contextmanager
def _inside(folder: Path) -> Iterator[None]:
    """In the folder, with the demo's own environment and nothing of the user's."""
    before, old = Path.cwd(), dict(os.environ)
    for name in [n for n in os.environ if n.startswith(("FB_", "FBPLAN_")) or n == "CI"]:
        del os.environ[name]
    os.environ.update(_PROVIDER_SECRETS, FB_API_URL=_STORE)
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)
        os.environ.clear()
        os.environ.update(old)


def _story() -> None:
    _say("A team has credits on three clouds. fbplan.yaml says which bucket to fill first, and how far.")
    _run("validate")
    _say("What would change? Nothing is written by this.")
    _run("plan")
    _say("Make it so. Each key's secret is shown once by the API and goes straight into its file.")
    _run("apply", "--yes")
    _say("Again: nothing left to do.")
    _run("plan")
    _say("Somebody changes a region by hand, in the console.")
    _edit_by_hand()
    _run("plan", "--detailed-exitcode")
    _say("The spec wins.")
    _run("apply", "--yes")
    _say("The policy that the services load: no secret in it, safe to commit.")
    _run("policy", "render", "--format", "markdown")
    _say("The month goes on. Where does the next write go?")
    _fill_up()


def _say(text: str) -> None:
    p = palette_for(sys.stdout)
    click.echo(f"\n{p.strong}# {text}{p.off}", color=True)


def _run(*arguments: str) -> None:
    """One command, exactly as a user would type it, in this process."""
    from fbplan.cli.main import cli

    p = palette_for(sys.stdout)
    click.echo(f"{p.dim}$ fbplan {' '.join(arguments)}{p.off}", color=True)
    sys.stdout.flush()
    code = cli.main(list(arguments), standalone_mode=False)
    sys.stderr.flush()
    if code not in {ExitCode.OK, ExitCode.CHANGES}:
        raise FbplanError(
            "a step of the demo failed",
            f"fbplan {' '.join(arguments)}",
            f"exit {code}",
            "please report this with the output above",
        )


def _edit_by_hand() -> None:
    from fbplan.cli.connection import connected
    from fbplan.client.api import ReadClient, WriteClient
    from fbplan.kinds import KINDS
    from fbplan.observe import find_workspace

    with connected(None, os.environ, click.echo) as session:
        workspace = find_workspace(ReadClient(session), "Production", None)
        bucket = next(
            b for b in ReadClient(session).listing(KINDS["bucket"], workspace.id) if b["name"] == "app-logs-aws"
        )
        WriteClient(session).update(KINDS["bucket"], str(bucket["id"]), {"region": "eu-west-3"})


def _fill_up() -> None:
    """Uploads as a month would bring them, each time followed by the chooser's answer."""
    from fbplan.cli.connection import connected
    from fbplan.client.api import ReadClient

    policy = json.loads(Path("routing-policy.json").read_text(encoding="utf-8"))
    now = datetime.now(UTC)
    names = {bucket["bucket_id"]: name for name, bucket in policy["buckets"].items()}
    ids = {name: remote for remote, name in names.items()}
    with connected(None, os.environ, click.echo) as session:
        for told, bucket, uploaded in (
            ("a new month", "", 0),
            ("390 GB later", "app-logs-gcp", 390),
            ("20 GB more, past 80% of the first credit", "app-logs-gcp", 20),
            ("250 GB later, past 80% of the second", "app-logs-aws", 250),
        ):
            if bucket:
                row = {
                    "bucketId": ids[bucket],
                    "repoId": policy["repositories"]["app-data"]["repo_id"],
                    "day": f"{now:%Y-%m-%d}",
                    "upl_bytes": uploaded * 10**9,
                    "dwl_bytes": 0,
                    "size_change": uploaded * 10**9,
                }
                session.write("POST", "/_emulator/usage", {"rows": [row]})
            rows = ReadClient(session).daily(f"{now:%Y-%m-01T00:00:00Z}", f"{now:%Y-%m-%dT23:59:59Z}", list(names))
            used = dict.fromkeys(ids, 0)
            for found in rows:
                used[names[found.get("bucketId") or found.get("unitId")]] += int(found.get("upl_bytes") or 0)
            _tell_choice(told, used, now)


def _tell_choice(told: str, used: dict[str, int], now: datetime) -> None:
    """The decision of one process that knows what was used so far."""
    from fbplan.runtime.decision import decide
    from fbplan.runtime.policy import read_policy
    from fbplan.runtime.record import decision_record
    from fbplan.runtime.state import State
    from fbplan.runtime.usage import BucketUse, MeterUse, Usage
    from fbplan.runtime.view import Request, View
    from fbplan.runtime.words import standing

    policy = read_policy(Path("routing-policy.json").read_bytes())
    now_ms = int(now.timestamp() * 1000)
    meters = {name: {"ingress_bytes": MeterUse(f"{now:%Y-%m}", count, 0, 0, None)} for name, count in used.items()}
    uses = {name: BucketUse("ok", meters[name], now_ms, 1, "ONLINE", 0, 0) for name in used}
    usage = Usage(policy.generation, 1, "", now_ms, now_ms, 60_000, uses)
    view = View(policy, policy.repositories["app-data"], usage, now_ms, "demo", simple=True, expects_usage=True)
    decision = decision_record(decide(view, State(), now_ms, Request(0)))
    click.echo(f"{told}: the next write goes to {decision['bucket']}")
    for candidate in decision["candidates"]:
        mark = "→" if candidate["bucket"] == decision["bucket"] else " "
        click.echo(f"    {mark} {candidate['bucket'].ljust(16)} {standing(candidate, simple=True)}")
