"""What `--help` answers to a person who has nothing but the command line."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from fbplan.cli.main import cli
from fbplan.errors import ExitCode


def help_of(command: str) -> str:
    ran = CliRunner().invoke(cli, [command, "--help"], standalone_mode=False)
    assert ran.exit_code == 0, ran.output
    return " ".join(ran.output.split())


@pytest.mark.parametrize("command", ["plan", "apply"])
def test_help_names_the_default_spec_the_login_and_every_exit_code(command: str) -> None:
    told = help_of(command)
    assert "SPEC is a file, or a folder with an fbplan.yaml in it" in told
    assert "[default: fbplan.yaml]" in told
    for variable in ("FB_API_URL", "FB_JWT", "FB_JWT_FILE", "FB_EMAIL", "FB_PASSWORD", "FB_PASSWORD_FILE"):
        assert variable in told
    for code in ExitCode:
        assert f"{int(code)} {code.label}" in told


def test_help_of_the_emulator_begins_with_its_port_and_ends_with_its_switches() -> None:
    options = help_of("emulator").split("Options: ")[1]
    assert options.startswith("--port ")
    assert options.index("--scenario ") < options.index("--validation-status ")
