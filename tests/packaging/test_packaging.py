"""What is shipped works on a machine that has nothing but Python."""

from __future__ import annotations

import email
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from fbplan.policy.module import LANGUAGES, module_text

ROOT = Path(__file__).resolve().parents[2]
PIP = ("-m", "pip", "-qq", "--disable-pip-version-check")


def run(*command, cwd=None, env=None):
    ran = subprocess.run([str(c) for c in command], cwd=cwd, env=env, capture_output=True, text=True)
    assert ran.returncode == 0, f"{' '.join(map(str, command))}\n{ran.stdout}{ran.stderr}"
    return ran.stdout


def empty_venv(folder):
    run(sys.executable, "-m", "venv", folder)
    return folder / "bin"


@pytest.fixture(scope="session")
def builder(tmp_path_factory):
    """A Python that has the build backend and nothing else."""
    venv = empty_venv(tmp_path_factory.mktemp("builder") / "venv")
    run(venv / "python", *PIP, "install", "hatchling>=1.24")
    return venv / "python"


@pytest.fixture(scope="session")
def sdist(builder, tmp_path_factory):
    out = tmp_path_factory.mktemp("sdist")
    run(builder, "-m", "hatchling", "build", "-t", "sdist", "-d", out, cwd=ROOT)
    (found,) = out.glob("*.tar.gz")
    return found


@pytest.fixture(scope="session")
def wheel(builder, sdist, tmp_path_factory):
    """Built from the sdist, as an installer does: so the sdist is complete."""
    out, source = tmp_path_factory.mktemp("wheel"), tmp_path_factory.mktemp("source")
    with tarfile.open(sdist) as packed:
        packed.extractall(source, filter="data")
    (folder,) = source.iterdir()
    run(builder, "-m", "hatchling", "build", "-t", "wheel", "-d", out, cwd=folder)
    (found,) = out.glob("*.whl")
    return found


@pytest.fixture(scope="session")
def installed(wheel, tmp_path_factory):
    """The bin folder of an empty venv into which only the wheel was installed."""
    venv = empty_venv(tmp_path_factory.mktemp("installed") / "venv")
    run(venv / "python", *PIP, "install", wheel)
    return venv


@pytest.fixture
def anywhere(tmp_path):
    """A folder that is not the checkout, and an environment that does not point there."""
    return {"cwd": tmp_path, "env": {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path)}}


def test_the_wheel_holds_all_that_runs_and_nothing_else(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    tracked = run("git", "ls-files", "--cached", "--others", "--exclude-standard", "fbplan", cwd=ROOT).split()

    assert set(tracked) <= names
    assert {
        "fbplan/py.typed",
        "fbplan/cli/demo.yaml",
        "fbplan/emulator/openapi.yaml",
        "fbplan/emulator/schema.sql",
        "fbplan/policy/modules/go/decision.go",
        "fbplan/policy/modules/typescript/decision.ts",
        "fbplan/policy/templates/env.j2",
        "fbplan/render/templates/plan.md.j2",
    } <= names
    assert {n for n in names if not n.startswith(("fbplan/", "fbplan-"))} == set()
    assert {n for n in names if "__pycache__" in n or "test" in n} == set()


def test_the_wheel_says_what_it_is(wheel):
    packed = zipfile.ZipFile(wheel)
    (path,) = (n for n in packed.namelist() if n.endswith(".dist-info/METADATA"))
    told = email.message_from_string(packed.read(path).decode())

    assert (told["Name"], told["License-Expression"], told["License-File"]) == ("fbplan", "Apache-2.0", "LICENSE")
    assert told["Requires-Python"] == ">=3.11"
    assert {u.split(", ")[0] for u in told.get_all("Project-URL")} == {
        "Homepage",
        "Documentation",
        "Changelog",
        "Issues",
    }
    assert "# fbplan" in told.get_payload()
    assert any(n.endswith("licenses/LICENSE") for n in packed.namelist())


def test_the_sdist_holds_what_a_packager_needs(sdist):
    with tarfile.open(sdist) as packed:
        names = {n.split("/", 1)[1] for n in packed.getnames() if "/" in n}

    assert {"README.md", "CHANGELOG.md", "LICENSE", "Makefile", "pyproject.toml", "tests/run.sh"} <= names
    assert {"docs/settings.md", "schemas/spec.schema.json", "examples/minimal/fbplan.yaml"} <= names
    assert {n for n in names if "__pycache__" in n or n.startswith((".venv", ".git/"))} == set()


def test_both_ways_to_start_it_tell_the_same_version(installed, anywhere):
    expected = (
        f"fbplan, version {run(installed / 'python', '-c', 'import fbplan; print(fbplan.__version__)').strip()}\n"
    )

    assert run(installed / "fbplan", "--version", **anywhere) == expected
    assert run(installed / "python", "-m", "fbplan", "--version", **anywhere) == expected


def test_the_demo_runs_from_the_wheel(installed, anywhere):
    told = run(installed / "fbplan", "demo", **anywhere)

    assert "no changes; 6 resources as declared" in told
    assert "the next write goes to app-logs-azure" in told


def test_the_modules_for_other_languages_come_with_the_wheel(installed, anywhere):
    for name, language in LANGUAGES.items():
        run(installed / "fbplan", "policy", "module", "--lang", name, "--out", name, **anywhere)

        assert (anywhere["cwd"] / name).read_text(encoding="utf-8") == module_text(language)


def test_a_spec_elsewhere_is_validated(installed, anywhere):
    spec = ROOT / "examples/hot-cold/fbplan.yaml"

    assert run(installed / "fbplan", "validate", spec, **anywhere) == f"{spec}: valid, 10 resources\n"


def test_the_runtime_needs_only_the_standard_library(wheel, anywhere):
    """Services that write import `fbplan.runtime`; they should not have to install a reconciler for it."""
    code = "import sys; sys.path.insert(0, sys.argv[1]); import fbplan.runtime.decision"

    run(sys.executable, "-S", "-I", "-c", code, wheel, **anywhere)
