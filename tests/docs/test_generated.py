"""What is made from the code is fresh, and real output keeps to it."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import doc_generate
import jsonschema
import pytest

ROOT = doc_generate.ROOT
DOCUMENTS = doc_generate.documents()


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda p: p.name)
def test_made_documents_are_fresh(path):
    assert path.read_text(encoding="utf-8") == DOCUMENTS[path], "make them again: python tests/docs/doc_generate.py"


def test_the_table_of_the_caps_is_fresh_and_says_that_they_hold():
    ((path, text),) = doc_generate.slow_documents().items()
    assert path.read_text(encoding="utf-8") == text, "make it again: python tests/docs/doc_generate.py"
    holds, _, other = (
        [float(number) for number in re.findall(r"([\d.]+) % \|$", part, re.MULTILINE)]
        for part in re.split(r"^\| (?:one assumption|another rule)", text, flags=re.MULTILINE)
    )
    assert len(holds) == 5
    assert max(holds) <= 100
    assert min(other) > 100


def test_every_part_of_the_spec_has_a_section_in_the_settings():
    assert doc_generate.records_without_a_section() == set()


def test_every_link_in_the_settings_leads_to_a_section():
    text = DOCUMENTS[ROOT / "docs/settings.md"]
    titles = {
        re.sub(r"[^a-z0-9 -]", "", t.lower()).replace(" ", "-") for t in re.findall(r"^## (.+)$", text, re.MULTILINE)
    }

    assert set(re.findall(r"\(#([^)]+)\)", text)) <= titles


@pytest.mark.parametrize("path", sorted(ROOT.glob("schemas/*.json")), ids=lambda p: p.name)
def test_schemas_are_schemas(path):
    jsonschema.Draft202012Validator.check_schema(json.loads(path.read_text(encoding="utf-8")))


@pytest.mark.parametrize("path", sorted(ROOT.glob("examples/*/fbplan.yaml")), ids=lambda p: p.parent.name)
def test_examples_keep_to_the_schema_of_the_spec(path):
    import yaml

    schema = json.loads((ROOT / "schemas/spec.schema.json").read_text(encoding="utf-8"))

    jsonschema.validate(yaml.safe_load(path.read_text(encoding="utf-8")), schema)


def test_a_real_plan_keeps_to_the_schema_of_the_plan(tmp_path: Path):
    schema = json.loads((ROOT / "schemas/plan.schema.json").read_text(encoding="utf-8"))
    spec = ROOT / "examples/shared-credentials"
    ran = subprocess.run(
        [sys.executable, "-m", "fbplan", "plan", str(spec), "-o", "json", "--out", str(tmp_path / "saved.json")],
        capture_output=True,
        env={"FB_API_URL": f"emulator:{tmp_path / 'emulator'}", "PATH": ""},
        check=True,
        text=True,
    )
    printed = json.loads(ran.stdout)

    jsonschema.validate(printed, schema)
    assert printed["summary"] == {"create": 7}
    saved = json.loads((tmp_path / "saved.json").read_text(encoding="utf-8"))
    jsonschema.validate(saved, {**schema, "required": [k for k in schema["required"] if k != "exit"]})
    assert {**saved, "folder": ""} == {**{k: v for k, v in printed.items() if k != "exit"}, "folder": ""}, (
        "only the folder counts from the file"
    )
