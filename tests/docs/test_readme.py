"""What the README says is so: every block runs, every table is that of the code."""

from __future__ import annotations

import itertools
import json
import re
import subprocess
import sys

import click
import pytest
import yaml
from readme_blocks import README, ROOT, blocks, commands, differences, free_ports, run_all

from fbplan.cli.main import COMMANDS, cli
from fbplan.emulator.settings import switches
from fbplan.errors import ExitCode, UsageFault
from fbplan.guards import checked_allowances

TEXT = README.read_text(encoding="utf-8")


def section(title):
    """The text under one heading, up to the next of its level or above."""
    (found,) = re.findall(rf"^(#+) {re.escape(title)}$", TEXT, re.MULTILINE)
    body = re.split(rf"^#+ {re.escape(title)}$", TEXT, maxsplit=1, flags=re.MULTILINE)[1]
    return re.split(rf"^#{{1,{len(found)}}} ", body, maxsplit=1, flags=re.MULTILINE)[0]


def table(title):
    """The rows of the first table under a heading, cells without their padding."""
    (first, *_) = re.findall(r"(?:^\|.*\n)+", section(title), re.MULTILINE)
    rows = first.splitlines()
    return [[cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", row)[1:-1]] for row in rows[2:]]


def words(cell):
    return re.findall(r"`([^`]+)`", cell)


def test_every_command_does_what_the_readme_shows(tmp_path):
    here, out = tmp_path / "here", tmp_path / "out"
    here.mkdir()
    out.mkdir()
    wanted = commands()
    run_all(wanted, here, out, free_ports(), {"pip install --quiet -e '..[s3]'": "true"})

    wrong = differences(wanted)
    assert not wrong, wrong


def test_no_block_escapes_these_tests():
    assert {block.language for block in blocks()} == {"console", "yaml", "python", "ts", "text"}


@pytest.mark.parametrize(
    "block",
    [b for b in blocks() if b.language == "yaml" and "jobs:" not in b.text],
    ids=lambda b: f"line-{b.line}",
)
def test_specs_in_the_readme_are_valid(block, tmp_path):
    spec = tmp_path / "fbplan.yaml"
    spec.write_text(block.text, encoding="utf-8")

    ran = subprocess.run(
        [sys.executable, "-m", "fbplan", "validate", str(spec), "-o", "json"], capture_output=True, text=True
    )

    assert ran.returncode == 0, ran.stderr
    assert json.loads(ran.stdout)["diagnostics"] == []


def test_the_workflow_parses_and_its_commands_exist():
    (block,) = (b for b in blocks() if b.language == "yaml" and "jobs:" in b.text)
    workflow = yaml.safe_load(block.text)
    steps = [step for job in workflow["jobs"].values() for step in job["steps"]]
    lines = [line.removeprefix("exec ") for step in steps for line in step.get("run", "").splitlines()]
    ran = [line for line in lines if line.startswith("fbplan ")]

    assert len(ran) == 2
    for line in ran:
        _, name, *arguments = line.split()
        command = cli.get_command(click.Context(cli), name)
        assert command is not None
        command.make_parser(click.Context(command)).parse_args(arguments)
    for step in steps:
        assert len({"uses", "run"} & set(step)) == 1


def test_the_workflow_records_what_there_is_to_record(tmp_path):
    """Its last step, in a repository: after a first apply that failed, after one that was killed, and after a good one."""
    (block,) = (b for b in blocks() if b.language == "yaml" and "jobs:" in b.text)
    script = yaml.safe_load(block.text)["jobs"]["apply"]["steps"][-1]["run"]
    origin, here = tmp_path / "origin.git", tmp_path / "here"

    def sh(text):
        ran = subprocess.run(
            ["bash", "-e", "-c", text], cwd=here if here.exists() else tmp_path, capture_output=True, text=True
        )
        assert ran.returncode == 0, ran.stderr
        return ran.stdout.split()

    sh(f"git init -q --bare -b main {origin} && git clone -q {origin} {here} 2>&1")
    sh("git config user.name x && git config user.email x@example.com")
    sh(
        "printf 'secrets/\n*.lock\n' >.gitignore && git add . && git commit -qm first && git push -q origin HEAD:main && git branch -q -u origin/main"
    )
    sh(script)
    assert sh("git ls-files") == [".gitignore"]
    (here / "secrets").mkdir()
    for name in ("fbplan.ledger.json", "fbplan.ledger.journal.1", "fbplan.ledger.lock", "secrets/w.env"):
        (here / name).write_text(name)
    sh(script)
    assert sh("git ls-tree --name-only origin/main") == [".gitignore", "fbplan.ledger.journal.1", "fbplan.ledger.json"]
    (here / "fbplan.ledger.journal.1").unlink()
    (here / "routing-policy.json").write_text("{}")
    sh(
        f"git clone -q {origin} ../other && cd ../other && git config user.name y && git config user.email y@example.com"
        " && touch more && git add more && git commit -qm more && git push -q"
    )
    sh(script)
    assert sh("git ls-tree --name-only origin/main") == [
        ".gitignore",
        "fbplan.ledger.json",
        "more",
        "routing-policy.json",
    ]


def test_the_typescript_uses_what_is_rendered():
    (block,) = (b for b in blocks() if b.language == "ts")
    template = (ROOT / "fbplan/policy/templates/typescript.j2").read_text(encoding="utf-8")

    (used,) = re.findall(r"import \{ (.+) \} from", block.text)
    assert ".find(" not in block.text, "an array has none under the compiler's own target"
    assert set(used.split(", ")) <= set(re.findall(r"export const \{\{ view.prefix \}\}(\w+)", template))


def test_make_test_runs_the_steps_that_the_readme_lists():
    script = (ROOT / "tests/run.sh").read_text(encoding="utf-8")
    (listed,) = (b.text.splitlines() for b in blocks() if b.language == "text" and b.text.startswith("== "))
    (others,) = re.findall(r'^OTHERS="(.+)"$', script, re.MULTILINE)
    named = re.findall(r'^\s*(?:step|tests) "([^"$]+)"', script, re.MULTILINE)

    assert listed == [f"== {name}" for name in (*named, *(f"tests on Python {v}" for v in others.split()))]


def test_the_commands_are_those_of_the_code():
    assert table("Commands") == [list(row) for row in _rows()]


def _rows():
    for names in COMMANDS.values():
        for name in names:
            command = cli.get_command(click.Context(cli), name)
            if isinstance(command, click.Group):
                wanted = ("render", "diff", "check")
                subs = sorted(command.commands, key=lambda n: wanted.index(n) if n in wanted else 9)
                for sub in subs:
                    yield _row(f"{name} {sub}", command.commands[sub])
            else:
                yield _row(name, command)


def _row(name, command):
    arguments = " ".join(_metavar(p) for p in command.params if isinstance(p, click.Argument))
    return f"`fbplan {name} {arguments}".rstrip() + "`", command.get_short_help_str(200)


def _metavar(argument):
    if argument.metavar:
        return argument.metavar
    if isinstance(argument.type, click.Choice):
        return "{" + "|".join(argument.type.choices) + "}"
    return argument.name.upper() if argument.required else f"[{argument.name.upper()}]"


def test_the_exit_codes_are_those_of_the_code():
    told = [(row[0], row[1], row[3].split(";")[0]) for row in table("Exit codes")]

    assert told == [(str(int(c)), f"`{c.label}`", "yes" if c.is_retryable else "no") for c in ExitCode]


def test_the_environment_is_that_of_the_code():
    code = "".join(path.read_text(encoding="utf-8") for path in sorted((ROOT / "fbplan").rglob("*.py")))
    read = set(
        re.findall(r'(?:environ|env)\.get\("([A-Z_]+)"\)|envvar="([A-Z_]+)"|_file\(environ, "([A-Z_]+)"\)', code)
    )
    found = {name for group in read for name in group if name}

    assert {words(row[0])[0] for row in table("Environment")} == found - {"PATH", "TERM"}


def test_the_guards_are_those_of_the_code():
    code = "".join(path.read_text(encoding="utf-8") for path in sorted((ROOT / "fbplan/guards").rglob("*.py")))
    rows = {words(row[0])[0]: words(row[2]) for row in table("Deletes and guards")}

    assert set(rows) == set(re.findall(r'Refusal\(\s*"([a-z0-9-]+)"', code))
    for allowed in (w for row in rows.values() for w in row if w.startswith("--allow ")):
        real = allowed.removeprefix("--allow ").replace("ADDR", "bucket.x").replace("=N", "=9")
        checked_allowances((real.replace("SECTION", "buckets"),))
    with pytest.raises(UsageFault):
        checked_allowances(("everything",))


def test_the_switches_are_those_of_the_emulator():
    known = {f"--{switch.name.replace('_', '-')}" for switch in switches()}

    named = [word for row in table("What is known of the API") for word in words(row[2])]
    assert named
    assert set(named) <= known


def test_the_places_to_extend_exist():
    for row in table("How to extend it"):
        for name, path in re.findall(r"`(\w+)` in `([\w/.]+)`", row[2]):
            assert name in (ROOT / path).read_text(encoding="utf-8"), f"{name} is not in {path}"
        for path in re.findall(r"`(fbplan/[\w/]+/)`", row[1]):
            assert (ROOT / path).is_dir(), path


def test_the_drawing_is_the_listing_of_the_folder():
    (drawing,) = (b.text for b in blocks() if b.language == "text" and b.text.startswith("fbplan/"))
    drawn = set(re.findall(r"^  ([\w.]+)/?(?:\s|$)", drawing, re.MULTILINE))
    there = {
        path.name
        for path in (ROOT / "fbplan").iterdir()
        if not path.name.startswith("__") and (path.suffix == ".py" or (path.is_dir() and any(path.glob("*.py"))))
    }

    assert drawn == there


def test_the_import_order_is_the_tested_one():
    text = (ROOT / "tests/core/test_architecture.py").read_text(encoding="utf-8")
    layers = re.search(r"LAYERS = \((.+?)\n\)", text, re.DOTALL)
    assert layers is not None
    rank = {
        name: index
        for index, group in enumerate(re.findall(r"\(([^()]+)\)", layers[1]))
        for name in re.findall(r'"(\w+)"', group)
    }
    (told,) = re.findall(r"holds them to it: `([^`]+)`", TEXT)
    ranks = [[rank[name] for name in group.split(", ")] for group in told.split(" → ")]

    assert all(max(low) < min(high) for high, low in itertools.pairwise(ranks))


def test_links_lead_somewhere():
    for path in (README, ROOT / "CONTRIBUTING.md", ROOT / "docs/settings.md", *ROOT.glob("examples/*/README.md")):
        for target in re.findall(r"\]\(([^)#]+)\)", path.read_text(encoding="utf-8")):
            assert target.startswith("https://") or (path.parent / target).exists(), f"{path}: {target}"


@pytest.mark.parametrize("path", [README, *sorted(ROOT.glob("docs/*.md"))], ids=lambda p: p.name)
def test_texts_name_no_machine(path):
    assert not re.search(r"/root/|/home/\w|/tmp/", path.read_text(encoding="utf-8"))
