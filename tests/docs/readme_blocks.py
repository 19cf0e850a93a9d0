"""README.md taken apart: its fenced blocks, the commands in them, and one shell that runs them all in order."""

from __future__ import annotations

import os
import re
import shlex
import signal
import socket
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
README = ROOT / "README.md"
PORT = "8787"
SECOND = "8788"


@dataclass
class Block:
    """One fenced block."""

    language: str
    line: int
    text: str


@dataclass
class Command:
    """One line after `$ `, and what should stand under it."""

    line: int
    text: str
    expected: list[str] = field(default_factory=list)
    output: str = ""
    code: int | None = None


def blocks(path=README):
    """Every fenced block, in order."""
    out, opened = [], None
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        fence = re.fullmatch(r"```(\w*)", line)
        if fence and opened is None:
            opened = Block(fence[1], number, "")
        elif line == "```" and opened is not None:
            out.append(opened)
            opened = None
        elif opened is not None:
            opened.text += line + "\n"
    assert opened is None, f"the block of line {opened and opened.line} is never closed"
    return out


def commands():
    """Everything in the README that a reader would run, in order."""
    out = []
    for block in blocks():
        if block.language == "console":
            out += _prompted(block)
        elif block.language == "sh":
            out.append(Command(block.line, block.text))
        elif block.language == "python":
            shown = re.findall(r"^print\(.*\)  # (.+)$", block.text, re.MULTILINE)
            out.append(Command(block.line, f"python3 -c {shlex.quote(block.text)}", shown))
    return out


def _prompted(block):
    """A block of `$ ` lines; the demo is one command whose own output has such lines."""
    found = []
    for number, line in enumerate(block.text.splitlines(), block.line + 1):
        if line.startswith("$ ") and not (found and found[0].text == "make demo"):
            found.append(Command(number, line[2:]))
        else:
            assert found, f"line {number}: output before any command"
            found[-1].expected.append(line)
    return found


def run_all(wanted, folder):
    """Run the commands in one shell, as a reader would in one terminal; fills in output and code."""
    with socket.create_server(("127.0.0.1", 0)) as taken, socket.create_server(("127.0.0.1", 0)) as other:
        ports = {PORT: str(taken.getsockname()[1]), SECOND: str(other.getsockname()[1])}
    script = ["set +e", "out=$1", "trap 'kill $servers 2>/dev/null; wait' EXIT", "servers="]
    for index, command in enumerate(wanted):
        script += [f'exec >"$out/{index}" 2>&1', *_script(command, ports), f'echo $? >"$out/{index}.code"']
    out = folder / "out"
    here = folder / "here"
    out.mkdir()
    here.mkdir()
    kept = {"PATH", "HOME", "LANG", "LC_ALL", "TMPDIR"}
    environ = {k: v for k, v in os.environ.items() if k in kept}
    environ["PATH"] = f"{Path(sys.executable).parent}:{environ.get('PATH', '/usr/bin:/bin')}"
    shell = subprocess.Popen(
        ["sh", "-c", "\n".join(script), "sh", str(out)],
        cwd=here,
        env=environ,
        stdin=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        shell.wait(timeout=150)
    finally:
        if shell.poll() is None:
            os.killpg(shell.pid, signal.SIGTERM)
            shell.wait(timeout=10)
    for index, command in enumerate(wanted):
        told, code = out / str(index), out / f"{index}.code"
        command.output = told.read_text(encoding="utf-8") if told.exists() else ""
        for shown, real in ports.items():
            command.output = command.output.replace(real, shown)
        command.code = int(code.read_text()) if code.exists() else None


def _script(command, ports):
    """The lines of shell for one command. A server in the background is waited for, as a reader would."""
    text = command.text
    for shown, real in ports.items():
        text = text.replace(shown, real)
    if text == "make demo":
        return [f"make --no-print-directory -C {shlex.quote(str(ROOT))} -o .venv/.installed demo"]
    if not text.endswith(" &"):
        return [text]
    return [
        ': >"$out/server"',  # made by this shell: the one in the background may come later than the first look
        f'{text[:-2]} >>"$out/server" 2>&1 &',
        'servers="$servers $!"',
        f'i=0; while [ "$(wc -l <"$out/server")" -lt {len(command.expected)} ] && [ $i -lt 200 ]; do i=$((i+1)); sleep 0.1; done',
        'cat "$out/server"',
    ]


_VARYING = (
    (re.compile(r"sha256:(?:[0-9a-f]{64}|…)"), "sha256:DIGEST"),
    (re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"), "ID"),
    (re.compile(r"\bgeneration \d{9,}"), "generation N"),
    (re.compile(r"\bin \d+\.\d s\b"), "in N s"),
)


def normal(text):
    """Without what differs from run to run: digests, ids, generations, seconds, the order of concurrent steps."""
    for pattern, word in _VARYING:
        text = pattern.sub(word, text)
    out, steps = [], []
    for line in text.splitlines():
        if line.startswith("  ✓ "):
            steps.append(line)
            continue
        out += sorted(steps)
        steps = []
        out.append(line.rstrip())
    return "\n".join([*out, *sorted(steps)]).strip("\n") + "\n"


def is_as_shown(command):
    """Whether the output is what the README shows; `…` alone is any lines, elsewhere any text."""
    lines = normal("\n".join(command.expected)).splitlines()
    if not "".join(lines).strip():
        return not command.output.strip()
    pattern = "".join(
        r"(?:.*\n)*?" if line.strip() == "…" else ".*?".join(map(re.escape, line.split("…"))) + r"\n" for line in lines
    )
    return re.fullmatch(pattern, normal(command.output)) is not None
