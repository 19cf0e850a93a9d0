"""examples/services, as its README says: three services over one emulator live through a breach of the quota."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import go_module
import pytest
import typescript_module
from readme_blocks import ROOT, commands, differences, free_ports, run_all

EXAMPLE = ROOT / "examples/services"
FILES = ("fbplan.yaml", "python/service.py", "node/service.mjs", "node/package.json", "go/service.go", "go/go.mod")
MISSING = go_module.missing() or typescript_module.missing()
pytestmark = pytest.mark.skipif(MISSING is not None, reason=MISSING or "all is there")


def test_the_services_go_on_as_their_readme_shows(tmp_path):
    ports = free_ports()
    here, out = tmp_path / "services", tmp_path / "out"
    out.mkdir()
    for name in FILES:
        (here / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(EXAMPLE / name, here / name)
    spec = here / "fbplan.yaml"
    spec.write_text(spec.read_text(encoding="utf-8").replace("8789", ports["8789"]), encoding="utf-8")

    wanted = commands(EXAMPLE / "README.md")
    run_all(wanted, here, out, ports, _instead(), _environ())

    wrong = differences(wanted, EXAMPLE / "README.md")
    assert not wrong, wrong


def _instead():
    """No network: the packages are those of .tools. What the build makes is taken from there too, if it is there."""
    return {
        "npm install --silent --prefix node": f"ln -s {shlex.quote(str(typescript_module.PACKAGES))} node/node_modules",
        "npm run --silent --prefix node build": f"cp {shlex.quote(str(typescript_module.built()))} node/fbplan.mjs",
    }


def _environ():
    """With Go on the path, and its standard library compiled: by one process, because two would take a minute each."""
    go_module.go(ROOT, "build", "net/http")
    environ = go_module.environment()
    return {**environ, "PATH": f"{Path(str(go_module.compiler())).parent}:{environ['PATH']}"}


def test_the_build_of_the_node_service_asks_for_no_more_than_what_is_tested():
    package = json.loads((EXAMPLE / "node/package.json").read_text(encoding="utf-8"))
    program, *flags, source = package["scripts"]["build"].split()

    assert (program, source) == ("tsc", "fbplan.mts")
    assert set(flags) <= {*typescript_module.OUTPUT, "--types", "node", "--noCheck"}


def test_the_other_sdks_are_used_as_the_tested_adapters_are(tmp_path):
    """tests/runtime/node/adapters.mjs drives the same two against Azure's and Google's emulators."""
    blocks = re.findall(
        r"^```js\n(.*?)^```", (EXAMPLE / "README.md").read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
    )
    module = typescript_module.built().read_text(encoding="utf-8")
    assert len(blocks) == 2
    for number, block in enumerate(blocks):
        path = tmp_path / f"block{number}.mjs"
        path.write_text(block, encoding="utf-8")
        subprocess.run(["node", "--check", path], check=True)
        (names,) = re.findall(r'^import \{ (.+) \} from "./fbplan.mjs"', block, re.MULTILINE)
        assert all(re.search(rf"export (?:class|function) {name}\b", module) for name in names.split(", "))


def test_the_go_service_is_formatted():
    assert go_module.gofmt(EXAMPLE / "go/service.go") == ""
