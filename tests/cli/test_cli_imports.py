"""Start-up is a budget, watched by what is loaded rather than by a clock."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = {
    "httpx",
    "pydantic",
    "jinja2",
    "deepdiff",
    "werkzeug",
    "waitress",
    "yaml",
    "rich",
    "jsonschema",
    "ryaml",
    "asyncio",
}
SPEC = Path(__file__).parents[2] / "examples" / "credit-harvesting" / "fbplan.yaml"
RUN = "import sys; sys.argv = ['fbplan', *sys.argv[1:]]\nfrom fbplan.cli.main import main\ntry:\n    main()\nexcept SystemExit:\n    pass\nsys.stderr.write('loaded:' + ','.join(sorted(sys.modules)))"


def loaded_by(*arguments: str, folder: Path) -> set[str]:
    found = subprocess.run(
        [sys.executable, "-c", RUN, *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
        env={"PATH": "", "FB_API_URL": "emulator:emulator", **dict.fromkeys(("K", "S"), "x")},
    )
    return set(found.stderr.rsplit("loaded:", 1)[1].split(","))


@pytest.mark.parametrize(
    ("arguments", "allowed"),
    [
        (("--version",), set()),
        (("--help",), {"pydantic", "werkzeug"}),
        (("schema", "codes"), {"pydantic"}),
        (("validate", str(SPEC)), {"pydantic", "ryaml"}),
        (("plan", str(SPEC)), {"pydantic", "ryaml", "httpx", "werkzeug"}),
        (("policy", "check", "x.json"), {"pydantic"}),
        (("usage", "show"), {"pydantic"}),
    ],
    ids=lambda value: " ".join(value[:1]) if isinstance(value, tuple) else "",
)
def test_a_command_loads_only_what_it_uses(arguments: tuple[str, ...], allowed: set[str], tmp_path: Path) -> None:
    assert loaded_by(*arguments, folder=tmp_path) & HEAVY <= allowed


def test_a_plan_stays_within_its_number_of_modules(tmp_path: Path) -> None:
    """A new dependency on this path shows here before anybody feels it: raise the number knowingly."""
    ours = {
        m for m in loaded_by("plan", str(SPEC), folder=tmp_path) if not m.startswith(("werkzeug", "fbplan.emulator"))
    }
    assert len(ours) < 520, len(ours)


def test_the_runtime_loads_nothing_but_the_standard_library(tmp_path: Path) -> None:
    code = "import sys; before = set(sys.modules); from fbplan.runtime import Router; print(','.join(sorted(set(sys.modules) - before)))"
    new = (
        subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, timeout=60)
        .stdout.strip()
        .split(",")
    )
    assert {m.split(".")[0] for m in new} - {"fbplan"} <= set(sys.stdlib_module_names)
    assert len(new) < 100
    assert not {"asyncio", "dataclasses", "inspect", "_hashlib"} & set(new), "each costs as much as the chooser itself"


def test_the_chooser_loads_no_sdk_before_it_is_used(tmp_path: Path) -> None:
    code = "import sys; from fbplan.runtime import Router, wrap; print(','.join(sys.modules))"
    found = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    loaded = {name.split(".")[0] for name in found.stdout.strip().split(",")}
    assert loaded & {"boto3", "botocore", "google", "azure", "requests", "urllib3"} == set()
