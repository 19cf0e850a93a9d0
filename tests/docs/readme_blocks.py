"""A text taken apart: its fenced blocks, the commands in them, and one shell that runs them all in order."""

from __future__ import annotations

import difflib
import os
import random
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
PORTS = ("8787", "8789", "8081", "8082", "8083")


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


def commands(path=README):
    """Everything that a reader would run, in order."""
    out = []
    for block in blocks(path):
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


def free_ports():
    """Each port that a text shows → one for this run. Not from those that a system gives to whoever asks for any."""
    ports = {}
    while len(ports) < len(PORTS):
        port = random.randrange(20_000, 32_000)
        try:
            socket.create_server(("127.0.0.1", port)).close()
        except OSError:
            continue
        if str(port) not in ports.values():
            ports[PORTS[len(ports)]] = str(port)
    return ports


def run_all(wanted, here, out, ports, instead=None, environ=None):
    """Run the commands in one shell, as a reader would in one terminal; fills in output and code.

    `here` is where the reader is, `out` an empty folder. `instead`: what is run in place of a command that needs a network
    or minutes.
    """
    script = ["set +e", "out=$1", "trap 'kill $servers 2>/dev/null; wait' EXIT", "servers="]
    for index, command in enumerate(wanted):
        lines = _script(command, ports, instead or {})
        script += [f'exec >"$out/{index}" 2>&1', *lines, f'echo $? >"$out/{index}.code"']
    kept = {"PATH", "HOME", "LANG", "LC_ALL", "TMPDIR"}
    full = {k: v for k, v in os.environ.items() if k in kept} | (environ or {})
    full["PATH"] = f"{Path(sys.executable).parent}:{full.get('PATH', '/usr/bin:/bin')}"
    shell = subprocess.Popen(
        ["sh", "-c", "\n".join(script), "sh", str(out)],
        cwd=here,
        env=full,
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
            command.output = re.sub(rf"\b{real}\b", shown, command.output)
        command.code = int(code.read_text()) if code.exists() else None


def _script(command, ports, instead):
    """The lines of shell for one command. A server in the background is waited for, as a reader would."""
    text = command.text
    if text in instead:
        return [instead[text]]
    if text == "kill %1":  # a shell without a terminal has no jobs
        return ["kill $servers && wait $servers; servers="]
    for shown, real in ports.items():
        text = text.replace(shown, real)
    if text == "make demo":
        return [f"make --no-print-directory -C {shlex.quote(str(ROOT))} -o .venv/.installed demo"]
    if not text.endswith(" &"):
        return [text]
    return [
        ': >"$out/server"',  # made by this shell: the one in the background may come later than the first look
        f'{text[:-2]} >>"$out/server" 2>&1 &' if " 2>" not in text else f'{text[:-2]} >>"$out/server" &',
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


def differences(wanted, path=README):
    """What is not as the text says, told for people; empty when all is well."""
    name = path.relative_to(ROOT)
    wrong = []
    for command in wanted:
        if command.code != 0:
            wrong.append(f"{name}:{command.line}: $ {command.text}\nexit {command.code}\n{command.output}")
        elif not is_as_shown(command):
            shown, real = (normal(text).splitlines() for text in ("\n".join(command.expected), command.output))
            diff = "\n".join(difflib.unified_diff(shown, real, str(name), "real", lineterm=""))
            wrong.append(f"{name}:{command.line}: $ {command.text}\n{diff}")
    return "\n\n".join(wrong)
