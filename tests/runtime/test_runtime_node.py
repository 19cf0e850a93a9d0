"""The router for Node: its own tests, which stand in `node/`, and that it needs nothing but Node."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest
import typescript_module

from fbplan.policy.module import LANGUAGES, module_text

HERE = Path(__file__).parent
needs_node = pytest.mark.skipif(
    typescript_module.missing() is not None, reason=typescript_module.missing() or "all is there"
)


@needs_node
@pytest.mark.parametrize("path", sorted((HERE / "node").glob("*.test.mjs")), ids=lambda path: path.stem)
def test_the_router_for_node_keeps_its_own_tests(path: Path, tmp_path: Path) -> None:
    ran = subprocess.run(
        ["node", "--test", "--test-reporter=tap", str(path)],
        env={"PATH": os.environ["PATH"], "FBPLAN_MODULE": str(typescript_module.built()), "TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert int(re.findall(r"^# pass (\d+)", ran.stdout, re.MULTILINE)[0]) >= 7
    assert "# skipped 0" in ran.stdout


def test_the_module_imports_nothing_but_node_s_own_modules() -> None:
    text = module_text(LANGUAGES["typescript"])
    assert all(name.startswith("node:") for name in re.findall(r'^import .* from "(.+)";$', text, re.MULTILINE))
    assert ' from "./' not in text
