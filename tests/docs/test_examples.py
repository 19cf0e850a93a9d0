"""Every example works: valid, planned, applied, and then there is nothing left to do."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = sorted(path.parent for path in ROOT.glob("examples/*/fbplan.yaml"))
CANARY = "made-up-secret-7f3a"


@pytest.fixture(params=EXAMPLES, ids=lambda path: path.name)
def example(request, tmp_path):
    """A copy of one example, with the environment and the secret files that it names."""
    folder = tmp_path / "example"
    shutil.copytree(request.param, folder)
    spec = (folder / "fbplan.yaml").read_text(encoding="utf-8")
    for name in re.findall(r"(?:key|secret): \{file: ([^}]+)\}", spec):
        (folder / name).write_text(f"{CANARY}\n", encoding="utf-8")
    return folder


def fbplan(folder, *arguments, code=0):
    spec = (folder / "fbplan.yaml").read_text(encoding="utf-8")
    environ = dict.fromkeys(re.findall(r"\{env: ([A-Z_]+)\}", spec), CANARY)
    ran = subprocess.run(
        [sys.executable, "-m", "fbplan", *arguments],
        cwd=folder,
        env={**environ, "PATH": "", "FB_API_URL": "emulator:emulator"},
        capture_output=True,
        text=True,
    )
    assert ran.returncode == code, ran.stdout + ran.stderr
    assert CANARY not in ran.stdout + ran.stderr
    return ran.stdout


def test_an_example_converges(example):
    assert json.loads(fbplan(example, "validate", "-o", "json"))["diagnostics"] == []

    fbplan(example, "plan", "--detailed-exitcode", code=2)
    fbplan(example, "apply", "--yes")

    again = json.loads(fbplan(example, "plan", "--detailed-exitcode", "-o", "json"))
    assert (again["changes"], again["has_changes"], again["broken"]) == ([], False, [])
    assert fbplan(example, "policy", "check", "routing-policy.json") == "routing-policy.json: good\n"
    assert CANARY not in (example / "fbplan.ledger.json").read_text(encoding="utf-8")


@pytest.mark.parametrize("folder", EXAMPLES, ids=lambda path: path.name)
def test_an_example_teaches(folder):
    lines = (folder / "fbplan.yaml").read_text(encoding="utf-8").splitlines()
    schema = lines[0].removeprefix("# yaml-language-server: $schema=")

    assert (folder / schema).resolve() == ROOT / "schemas/spec.schema.json"
    assert (folder / schema).is_file()
    assert lines[1].startswith("# ")
    told = (folder / "README.md").read_text(encoding="utf-8")
    assert len(told.splitlines()) <= 12 or "```console" in told, "a long text is one whose commands run"


def test_the_demo_tells_the_story_of_the_credit_harvesting_example():
    demo = (ROOT / "fbplan/cli/demo.yaml").read_text(encoding="utf-8").split("\n", 1)
    example = (ROOT / "examples/credit-harvesting/fbplan.yaml").read_text(encoding="utf-8").split("\n", 1)

    assert demo[1] == example[1]


def test_a_cold_bucket_takes_no_write():
    policy = _applied_policy("hot-cold")

    assert policy["buckets"]["logs-cold"]["state"] == "closed"
    assert policy["repositories"]["logs"]["order"][-1] == "logs-cold"
    assert policy["repositories"]["ledger"]["mode"] == "MIRROR"


def test_fleets_add_up_in_shared_buckets():
    policy = _applied_policy("many-repositories")

    assert {name: bucket["writers"] for name, bucket in policy["buckets"].items()} == {
        "shared-gcp": 24,
        "shared-aws": 25,
    }


def _applied_policy(name):
    """The policy of an example, as its plan would publish it."""
    import tempfile

    with tempfile.TemporaryDirectory() as kept:
        folder = Path(kept) / name
        shutil.copytree(ROOT / "examples" / name, folder)
        plan = json.loads(fbplan(folder, "plan", "-o", "json"))
    return plan["policy"]["content"]["body"]
