"""The command line: one table of commands, each imported only when it is called, and one place where errors end."""

from __future__ import annotations

import gc
import importlib
import os
import signal
import sys
from typing import TYPE_CHECKING

import click

# Measured: the cycle collector costs 15 % of a plan of 10,000 resources and frees nothing, because records are trees; a
# run is short. (`fbplan emulator`, which is not, turns it on again.) pydantic's search for plug-ins in every installed
# distribution costs another 15 ms.
gc.disable()
os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")

from fbplan import __version__  # noqa: E402
from fbplan.cli.streams import STDOUT, open_streams, silence  # noqa: E402
from fbplan.errors import ExitCode, FbplanError, Interrupted, UsageFault  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

COMMANDS = {
    "author": {"init": "author", "validate": "author", "schema": "author"},
    "change": {"plan": "change", "show": "change", "apply": "change"},
    "observe": {"whoami": "observe", "usage": "usage", "history": "history"},
    "policy": {"policy": "policy"},
    "local": {"demo": "demo", "emulator": "emulator", "ledger": "observe", "journal": "journal", "unlock": "unlock"},
}
_MODULES = {name: module for group in COMMANDS.values() for name, module in group.items()}


class Commands(click.Group):
    """A group whose commands are imported on first use: `fbplan validate` never loads an HTTP client."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        del ctx
        return list(_MODULES)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        del ctx
        module = _MODULES.get(cmd_name)
        if module is None:
            return None
        found = getattr(importlib.import_module(f"fbplan.cli.{module}"), cmd_name)
        return found if isinstance(found, click.Command) else None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in _MODULES and not args[0].startswith("-"):
            import difflib

            close = difflib.get_close_matches(args[0], _MODULES, n=1)
            hint = f"did you mean `fbplan {close[0]}`?" if close else f"the commands are {', '.join(_MODULES)}"
            raise UsageFault(f"there is no command '{args[0]}'", "", "", hint)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        for group, names in COMMANDS.items():
            rows = [
                (name, command.get_short_help_str(110))
                for name in names
                if (command := self.get_command(ctx, name)) is not None
            ]
            with formatter.section(group):
                formatter.write_dl(rows)


HELP = """Keep a Flashback workspace in the state that a YAML file in git describes.

\b
fbplan init     write a first spec
fbplan plan     what would change, and why
fbplan apply    make it so, and publish the routing policy
"""


@click.group(
    cls=Commands, help=HELP, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110}
)
@click.version_option(__version__, prog_name="fbplan")
def cli() -> None:
    pass


def main() -> None:
    """The console script. Every way out is an exit code of the table in the README."""
    open_streams()
    for number in (signal.SIGTERM, signal.SIGINT):  # SIGINT too: a shell starts background jobs with it ignored
        signal.signal(number, _terminated)
    code = _code_of(lambda: cli.main(standalone_mode=False))
    unwritten = _code_of(sys.stdout.flush)
    sys.exit(code or unwritten)


def _code_of(work: Callable[[], object]) -> int:
    """Do it, and tell of whatever ends it."""
    try:
        return int(code) if isinstance(code := work(), int) else ExitCode.OK
    except click.exceptions.NoArgsIsHelpError as fault:
        click.echo(fault.format_message())
        return ExitCode.OK
    except click.ClickException as fault:
        fault.show()
        return ExitCode.USAGE if isinstance(fault, click.UsageError) else ExitCode.ERROR
    except (click.Abort, KeyboardInterrupt):
        click.echo("interrupted; nothing more was started", err=True)
        return _Terminated.code
    except Interrupted as fault:
        click.echo(str(fault), err=True)
        return _Terminated.code
    except FbplanError as fault:
        return _told(fault)
    except OSError as fault:
        from fbplan.storage.remedy import remedy

        silence(STDOUT)  # it may be the one that refused, and what is left of it would fail again at the end
        return _told(
            FbplanError("the machine refused", str(fault.filename or ""), fault.strerror or str(fault), remedy(fault))
        )


class _Terminated:
    """Which signal ended the run; SIGINT unless SIGTERM came."""

    code = ExitCode.SIGINT


def _terminated(number: int, frame: FrameType | None) -> None:
    del frame
    _Terminated.code = ExitCode.SIGTERM if number == signal.SIGTERM else ExitCode.SIGINT
    raise KeyboardInterrupt


def _told(fault: FbplanError) -> ExitCode:
    from fbplan.cli.output import tell_fault

    return tell_fault(fault)
