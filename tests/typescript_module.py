"""The chooser for Node as the tests run it: written by `policy module`, compiled by tsc in its strictest mode."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import tempfile
from pathlib import Path

from fbplan.policy.module import LANGUAGES, module_text

TOOLS = Path(__file__).resolve().parents[1] / ".tools"
PACKAGES = TOOLS / "node_modules"
STRICT = (
    "--strict", "--exactOptionalPropertyTypes", "--noFallthroughCasesInSwitch", "--noImplicitOverride", "--noImplicitReturns",
    "--noUncheckedIndexedAccess", "--noPropertyAccessFromIndexSignature", "--noUnusedLocals", "--noUnusedParameters",
    "--erasableSyntaxOnly",
)  # fmt: skip
OUTPUT = ("--target", "es2022", "--lib", "es2022", "--module", "nodenext", "--declaration")


def missing() -> str | None:
    """What is not on this machine and is needed to build and run the module."""
    if shutil.which("node") is None:
        return "no node on this machine"
    needed = ("typescript", "@types/node", "@aws-sdk/client-s3")
    absent = [name for name in needed if not (PACKAGES / name).is_dir()]
    return f"{', '.join(absent)} not in .tools; tests/run.sh installs it" if absent else None


def built() -> Path:
    """The compiled module, where Node finds the packages of .tools; made once for one text and compiler."""
    text = module_text(LANGUAGES["typescript"])
    compiler = (PACKAGES / "typescript/package.json").read_bytes()
    name = hashlib.sha256(b"\0".join((text.encode(), compiler, repr(STRICT + OUTPUT).encode()))).hexdigest()[:16]
    made = TOOLS / "modules" / name / "fbplan.mjs"
    if made.is_file():
        return made
    made.parent.parent.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=made.parent.parent) as folder:
        source = Path(folder, "fbplan.mts")
        source.write_text(text, encoding="utf-8")
        tsc = [str(PACKAGES / ".bin/tsc"), *STRICT, *OUTPUT, "--types", "node", "--typeRoots", str(PACKAGES / "@types")]
        ran = subprocess.run([*tsc, source.name], cwd=folder, capture_output=True, text=True)
        assert ran.returncode == 0, ran.stdout
        made.parent.mkdir(exist_ok=True)
        source.replace(made.with_suffix(".mts"))
        Path(folder, "fbplan.d.mts").replace(made.with_name("fbplan.d.mts"))
        Path(folder, made.name).replace(made)  # last, so that a second process finds all or nothing
    return made
