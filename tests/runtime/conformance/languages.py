"""The languages that the chooser speaks, and a runner of each. A new language is one entry of `LANGUAGES`."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import go_module
import typescript_module

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]


@dataclass(frozen=True)
class Language:
    name: str
    missing: Callable[[], str | None]
    """What this machine lacks for it, if it lacks something."""
    command: Callable[[], Sequence[str | Path]]
    """Starts its runner; builds it first."""


LANGUAGES = (
    Language("Python", lambda: None, lambda: (sys.executable, HERE / "runner.py")),
    Language("Node", typescript_module.missing, lambda: ("node", HERE / "runner.mjs", typescript_module.built())),
    Language("Go", go_module.missing, lambda: (go_module.built(HERE / "runner.go"),)),
)


class Runner:
    """A runner at work; it answers in the order in which it is asked."""

    def __init__(self, language: Language) -> None:
        self.name = language.name
        self._process = subprocess.Popen(
            [str(part) for part in language.command()], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )

    def send(self, question: object) -> None:
        """A question, or a line as it is."""
        assert self._process.stdin is not None
        line = question if isinstance(question, str) else json.dumps(question)
        self._process.stdin.write(line.encode() + b"\n")
        self._process.stdin.flush()

    def receive(self) -> bytes:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line.endswith(b"\n"), f"the runner for {self.name} ended"
        return line[:-1]

    def ask(self, question: object) -> bytes:
        self.send(question)
        return self.receive()

    def close(self) -> None:
        self._process.communicate()


def ask_all(runners: Sequence[Runner], question: object) -> list[bytes]:
    """One answer of each; they think at the same time."""
    for runner in runners:
        runner.send(question)
    return [runner.receive() for runner in runners]


def vectors() -> dict[str, dict[str, Any]]:
    """Every stored vector by its file name."""
    folder = ROOT / "schemas/vectors"
    index = json.loads((folder / "index.json").read_text(encoding="utf-8"))["vectors"]
    return {line["file"]: json.loads((folder / line["file"]).read_text(encoding="utf-8")) for line in index}


def expected(vector: dict[str, Any]) -> list[Any]:
    """What a runner answers to a stored vector."""
    match vector["kind"]:
        case "writes":
            return [step["expect"] for step in vector["steps"]]
        case "classes":
            return [line["class"] for line in vector["lines"]]
        case "turns":
            return [line["ppm"] for line in vector["lines"]]
        case "references":
            return [None if line["repository"] is None else line for line in vector["lines"]]
        case "times":
            return [None if line["ms"] is None else {k: line[k] for k in ("ms", "written")} for line in vector["lines"]]
        case "grants":
            return [{k: line[k] for k in ("rounds", "grants")} for line in vector["lines"]]
        case "files":
            return [line["refused"] for line in vector["lines"]]
        case kind:
            raise AssertionError(f"no runner answers {kind}")
