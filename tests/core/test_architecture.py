"""The shape of the code, as a test: imports go one way, and each library has one home."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2] / "fbplan"
# Lowest first; entries of one tuple do not import each other.
LAYERS = (
    ("errors", "commands", "bounded"),
    ("storage",),
    ("secrets",),
    ("kinds",),
    ("spec",),
    ("state",),
    ("ledger",),
    ("journal",),
    ("plan",),
    ("outcome",),
    ("receipts",),
    ("guards", "diff"),
    ("drain",),
    ("client", "planner", "wire"),
    ("observe", "policy", "settle", "metering"),
    ("simulation",),
    ("render", "apply"),
    ("cli",),
)
RANK = {name: rank for rank, group in enumerate(LAYERS) for name in group}
# What stands beside the layers, and who may import it.
USERS = {"emulator": {"cli"}, "runtime": {"cli", "metering", "simulation"}}
HOMES = {
    "httpx": {"client"},
    "click": {"cli"},
    "jinja2": {"policy", "render"},
    "deepdiff": {"diff", "policy"},
    "ryaml": {"spec"},
    "obstore": {"storage", "runtime"},
    "werkzeug": {"emulator"},
    "waitress": {"emulator"},
    "cryptography": {"emulator"},
    "google_crc32c": {"emulator"},
}
# The SDKs that the router can drive; only the adapters know them, and import them when they are used.
ADAPTED = {"boto3", "botocore", "google", "azure"}
# How those SDKs send; an error of theirs may come through.
ADAPTED |= {"requests", "urllib3"}
# And the one file of the runtime that reads from an object store.
OBJECTS = "object_origin.py"


@cache
def modules() -> dict[str, list[str]]:
    """part of fbplan → every module it imports, at whatever depth of the code."""
    found: dict[str, list[str]] = {}
    for path in sorted(ROOT.rglob("*.py")):
        part = path.relative_to(ROOT).parts[0].removesuffix(".py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                found.setdefault(part, []).extend(alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module:
                found.setdefault(part, []).append(node.module)
    return found


@pytest.mark.parametrize("part", sorted(set(RANK) - {"errors"}))
def test_imports_go_one_way(part: str) -> None:
    for module in modules()[part]:
        if module.startswith("fbplan."):
            other = module.split(".")[1]
            if other == part or part in USERS.get(other, ()):
                continue
            assert RANK[other] < RANK[part], f"{part} imports {other}"


def test_the_emulator_knows_nothing_above_errors() -> None:
    assert {m.split(".")[1] for m in modules()["emulator"] if m.startswith("fbplan.")} <= {"errors", "emulator"}


def test_the_runtime_is_standard_library_only() -> None:
    import sys

    roots = {m.split(".")[0] for m in modules()["runtime"]} - ADAPTED - {"obstore"}
    assert roots - {"fbplan"} <= set(sys.stdlib_module_names)
    assert all(m.startswith("fbplan.runtime") for m in modules()["runtime"] if m.startswith("fbplan"))


def test_an_sdk_lives_in_the_adapters_and_is_imported_when_it_is_used() -> None:
    for path in sorted(ROOT.rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        at_top = {id(node) for node in tree.body}
        for node in ast.walk(tree):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            names += [node.module] if isinstance(node, ast.ImportFrom) and node.module else []
            if ADAPTED & {name.split(".")[0] for name in names}:
                assert path.parent == ROOT / "runtime" / "adapters", path
                assert id(node) not in at_top, f"{path.name}:{node.lineno}"


def test_the_runtime_knows_the_object_store_in_one_file_and_imports_it_when_it_is_used() -> None:
    found = {p.name: p.read_text(encoding="utf-8") for p in sorted((ROOT / "runtime").rglob("*.py"))}
    assert [name for name, text in found.items() if "import obstore" in text or "from obstore" in text] == [OBJECTS]
    at_top = [ast.unparse(node) for node in ast.parse(found[OBJECTS]).body]
    assert not any(line.startswith(("import obstore", "from obstore")) for line in at_top)


def test_modules_of_records_in_the_runtime_evaluate_their_annotations() -> None:
    texts = {p: p.read_text(encoding="utf-8") for p in sorted((ROOT / "runtime").rglob("*.py"))}
    records = [p.name for p, text in texts.items() if "(NamedTuple):" in text and "import annotations" in text]
    assert records == [], "a tenth of the start-up budget: see fbplan/runtime/__init__.py"


@pytest.mark.parametrize("library", sorted(HOMES))
def test_each_library_has_one_home(library: str) -> None:
    users = {part for part, found in modules().items() if any(m.split(".")[0] == library for m in found)}
    assert users <= HOMES[library]


def test_no_branch_on_a_kind_by_name() -> None:
    guilty = [
        f"{path.name}:{node.lineno}"
        for path in sorted(ROOT.rglob("*.py"))
        if path.relative_to(ROOT).parts[0] not in {"kinds", "emulator", "runtime"}
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Compare)
        and "kind" in ast.unparse(node.left)
        and any(
            isinstance(c, ast.Constant) and c.value in {"bucket", "repository", "api_key", "credential"}
            for c in node.comparators
        )
    ]
    assert guilty == []


def test_no_file_is_longer_than_400_lines() -> None:
    lengths = {str(p.relative_to(ROOT)): len(p.read_text(encoding="utf-8").splitlines()) for p in ROOT.rglob("*.py")}
    assert {name: n for name, n in lengths.items() if n > 400} == {}
