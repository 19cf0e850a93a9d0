"""`emulator`: a local server of the API."""

from __future__ import annotations

import gc
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fbplan.cli.output import story
from fbplan.emulator import DEFAULTS, Settings, open_emulator, serve, switches
from fbplan.errors import ExitCode

if TYPE_CHECKING:
    from fbplan.emulator.app import Emulator


def _with_switches(command: click.Command) -> click.Command:
    """One option per switch of the emulator, generated, so that none can be forgotten."""
    for switch in switches():
        is_flag = switch.kind is bool and switch.default is False
        command.params.append(
            click.Option(
                [f"--{switch.name.replace('_', '-')}", f"switch_{switch.name}"],
                help=f"{switch.help}. [{switch.takes}; default {switch.default}]",
                default=None,
                is_flag=is_flag,
                flag_value="on" if is_flag else None,
                type=str,
                metavar=None if is_flag else "VALUE",
            )
        )
    return command


def _bridge_line(opened: Emulator) -> str:
    return "" if opened.bridge is None else f"  S3, path style: {opened.bridge.url}\n"


@click.command(
    epilog="\b\nExamples:\n  fbplan emulator --data ./emulator\n  FB_API_URL=http://127.0.0.1:8787 FB_JWT=any fbplan plan\n  fbplan emulator --scenario scenario.yaml --strict\n  fbplan emulator --bridge-port 8788 --bridge-stats-lag 120"
)
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8787,
    show_default=True,
    help="Port to listen on; 0 takes a free one.",
)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--bridge-port",
    type=click.IntRange(0, 65535),
    help="Also serve a Bridge Node on this port: S3, GCS and Blob over the attached buckets. 0 takes a free one.",
)
@click.option(
    "--data",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path(".fbplan-emulator"),
    show_default=True,
    help="Folder that keeps its state.",
)
@click.option(
    "--scenario",
    type=click.Path(path_type=Path, dir_okay=False),
    help="YAML file of settings, users, faults and objects to begin with.",
)
def emulator(port: int, host: str, bridge_port: int | None, folder: Path, scenario: Path | None, **given: Any) -> int:
    """Serve a local copy of the Flashback management API.

    Any token is accepted. The options after --scenario settle what nobody documents about the real API.

    With --bridge-port, applications can write and read objects with the keys of a repository: with any S3 client (path
    style), and over the JSON API of GCS and the Blob protocol of Azure when that is the repository's storage type. A
    request's authorisation tells the three apart. The key of a GCS repository is an e-mail and a private key in PEM,
    on one line (needs the extra 'gcs'); that of a BLOB repository is an account and its key. What passes is counted into the statistics; objects are kept in the data folder. Signatures are checked
    against the machine's clock; months and statistics follow the emulator's. The control port sets credit limits
    (POST /_emulator/bridge/credit) and faults of the data plane (POST /_emulator/bridge/faults).
    """
    gc.enable()
    settings = Settings.from_scenario(scenario) if scenario is not None else DEFAULTS
    chosen = {name.removeprefix("switch_"): value for name, value in given.items() if value is not None}
    opened = open_emulator(folder, settings.with_values(chosen, "the command line"))
    try:
        serve(
            opened,
            host,
            port,
            lambda url: story(
                f"the emulator listens on {url}, its state is in {folder}\n  export FB_API_URL={url} FB_JWT=any\n"
                f"{_bridge_line(opened)}  control: {url}/_emulator/health   stop: Ctrl-C"
            ),
            bridge_port,
        )
    finally:
        opened.close()
    return int(ExitCode.OK)


emulator = _with_switches(emulator)
