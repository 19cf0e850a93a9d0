"""The chooser for Go as the tests run it: joined to one file as `policy module` writes it, and built with a program."""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from fbplan.policy.join_go import PACKAGE
from fbplan.policy.module import LANGUAGES
from fbplan.policy.module import module_text as written_text

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "fbplan/policy/modules/go"
TOOLS = ROOT / ".tools"
OLDEST = (1, 21)


def compiler() -> str | None:
    """The `go` that tests/run.sh installs, or the machine's own."""
    installed = TOOLS / "go/go/bin/go"
    return str(installed) if installed.is_file() else shutil.which("go")


@cache
def missing() -> str | None:
    """What is not on this machine and is needed to build the module."""
    go = compiler()
    if go is None:
        return "no go on this machine; tests/run.sh installs it"
    told = subprocess.run([go, "version"], env=environment(), capture_output=True, text=True).stdout
    found = re.search(r"go(\d+)\.(\d+)", told)
    if found is None or (int(found[1]), int(found[2])) < OLDEST:
        return f"{told.strip() or 'go'} is too old; the module needs go {OLDEST[0]}.{OLDEST[1]}"
    return None


def environment(**changes: str) -> dict[str, str]:
    """For `go`: what it builds stays in .tools, and nothing comes from a network."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR") if name in os.environ}
    own = {"GOCACHE": str(TOOLS / "go-cache"), "GOPATH": str(TOOLS / "go-path"), "GOENV": "off"}
    return {
        **kept,
        **own,
        "GOFLAGS": "-mod=mod",
        "GOPROXY": "off",
        "GOTOOLCHAIN": "local",
        "CGO_ENABLED": "0",
        **changes,
    }


def module_text(package: str = PACKAGE) -> str:
    """What `policy module` writes, or the same as part of a program."""
    text = written_text(LANGUAGES["go"])
    return text.replace(f"\npackage {PACKAGE}\n", f"\npackage {package}\n", 1)


def written(folder: Path, files: dict[str, str]) -> Path:
    """A folder in which `go` finds a module of these files."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in {"go.mod": f"module fbroute\n\ngo {OLDEST[0]}.{OLDEST[1]}\n", **files}.items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder


@contextmanager
def alone() -> Iterator[None]:
    """One process at a time: two that build at once both compile the whole standard library, which takes a minute."""
    (TOOLS / "go-programs").mkdir(parents=True, exist_ok=True)
    with (TOOLS / "go-programs/lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def go(folder: Path, *arguments: str, **environ: str) -> str:
    """What `go` prints; it must succeed and warn of nothing."""
    with alone():
        return _go(folder, *arguments, **environ)


def _go(folder: Path, *arguments: str, **environ: str) -> str:
    ran = subprocess.run(
        [str(compiler()), *arguments], cwd=folder, env=environment(**environ), capture_output=True, text=True
    )
    assert (ran.returncode, ran.stderr) == (0, ""), ran.stdout + ran.stderr
    return ran.stdout


def built(source: Path) -> Path:
    """The program of a Go file together with the module; made once for one text and compiler."""
    files = {"fbroute.go": module_text("main"), source.name: source.read_text(encoding="utf-8")}
    mark = "\0".join((str(compiler()), *files, *files.values()))
    made = TOOLS / "go-programs" / f"{source.stem}-{hashlib.sha256(mark.encode()).hexdigest()[:16]}"
    with alone(), tempfile.TemporaryDirectory() as folder:
        if not made.is_file():
            program = Path(folder, "program")
            _go(written(Path(folder, "source"), files), "build", "-o", str(program), ".")
            shutil.move(program, made)
    return made


def gofmt(*paths: Path) -> str:
    """The files that gofmt would change."""
    tool = Path(str(compiler())).resolve().with_name("gofmt")
    return subprocess.run([tool, "-l", *paths], capture_output=True, text=True, check=True).stdout
